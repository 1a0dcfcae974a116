//! Targets that are scraped by ourselves, all at once, relabelled as their job says.

use std::sync::Arc;
use std::time::Duration;

use adapter_prometheus::collect::{Collected, collect};
use adapter_prometheus::config::{Config, Job, Target};
use exposition::Limits;
use gate::{Gate, Names, Observation, OwnRules, Pod, Refusal, Why, count};
use ports::PortError;
use promql::Labels;
use tokio::task::JoinSet;

use super::{Clock, named_text, wall_ms};
use crate::failure::Failure;
use crate::proof::Proof;
use health::checks::url;

/// How long one scrape may take.
const SCRAPE: Duration = Duration::from_secs(5);
/// Targets of one gate.
const MOST: usize = 512;

/// Scraped targets.
pub(crate) struct Direct {
    targets: Vec<(bool, u32, Target)>,
    job: Arc<Job>,
    proof: Proof,
    names: Names,
    limits: Limits,
    rules: OwnRules,
    pub(crate) clock: Clock,
}

impl Direct {
    pub(super) fn open(gate: &Gate, rules: OwnRules, clock: Clock) -> Result<Self, Failure> {
        let job = job(gate)?;
        let (mut targets, mut instances) = (Vec::new(), (Vec::new(), Vec::new()));
        for (canary, arm) in [(true, Some(&gate.canary)), (false, gate.stable.as_ref())] {
            let Some(arm) = arm else { continue };
            for (at, from) in arm.from.iter().enumerate() {
                let url = url::read(from, "/metrics").map_err(Failure::usage)?;
                let labels = Labels::new([("__address__", &url.address), ("__metrics_path__", &url.path)]);
                let target = job.target(&labels).ok_or_else(|| {
                    Failure::usage(format!("{from}: the relabelling of job {} drops it", job.name))
                })?;
                let list = if canary { &mut instances.0 } else { &mut instances.1 };
                list.push(target.labels.value("instance").to_owned());
                targets.push((canary, u32::try_from(at).unwrap_or(u32::MAX), target));
            }
        }
        twice(gate, &targets)?;
        if targets.len() > MOST {
            return Err(Failure::usage(format!("{} targets are more than {MOST}", targets.len())));
        }
        let proof = Proof::new(gate, instances);
        let (names, limits) = (gate.names.clone(), gate.limits);
        Ok(Self { targets, job: Arc::new(job), proof, names, limits, rules, clock })
    }

    pub(super) fn count(&self) -> usize {
        self.targets.len()
    }

    pub(super) async fn look(&mut self) -> Observation {
        let now_ms = wall_ms();
        let mut tasks = JoinSet::new();
        for (at, (_, _, target)) in self.targets.iter().enumerate() {
            let (job, target, limits) = (Arc::clone(&self.job), target.clone(), self.limits);
            tasks.spawn(async move { (at, collect(&job, &target, now_ms, SCRAPE, &limits).await) });
        }
        let mut answers: Vec<Option<Result<Collected, PortError>>> =
            self.targets.iter().map(|_| None).collect();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((at, answer)) = joined
                && let Some(place) = answers.get_mut(at)
            {
                *place = Some(answer);
            }
        }
        let mut look = Observation { at_ms: self.clock.at_ms(), ..Observation::default() };
        for ((canary, number, target), answer) in self.targets.iter().zip(answers) {
            let name = target.labels.value("instance");
            let lost = Err(PortError::Unreachable("the scrape was given up".to_owned()));
            match answer.unwrap_or(lost) {
                Ok(collected) => {
                    self.rules.take(&collected.samples, &target.labels);
                    let (own, mut refused) = self.proof.own(*canary, name, &collected.samples, now_ms);
                    let counted = count(name, &own, &self.names);
                    // What was refused as a whole is not missing as well.
                    if refused.is_empty() {
                        refused.extend(counted.refused.iter().cloned().map(|it| it.of(*canary)));
                    }
                    look.refused.extend(refused);
                    look.pods.push(Pod::counted(*canary, *number, name, &counted, self.clock.began_ms));
                }
                Err(error) => {
                    look.refused.push(refusal(name, &error).of(*canary));
                    look.pods.push(Pod::lost(*canary, *number, name));
                }
            }
        }
        let (alerts, failed) = self.rules.hold(now_ms);
        look.alerts = alerts;
        look.refused.extend(failed);
        look
    }
}

/// An error of a port as a refusal.
pub(super) fn refusal(source: &str, error: &PortError) -> Refusal {
    let why = match error {
        PortError::Unreachable(_) => Why::Unreachable,
        PortError::Malformed(_) | PortError::Refused(_) => Why::Malformed,
    };
    Refusal::new(source, why, error.to_string())
}

/// The job whose relabelling is used; without a configuration one that changes nothing.
fn job(gate: &Gate) -> Result<Job, Failure> {
    let Some((file, name)) = &gate.scrape_config else {
        let plain = Config::read("scrape_configs: [{job_name: gate}]");
        let job = plain.ok().and_then(|config| config.jobs.into_iter().next());
        return job.ok_or_else(|| Failure::unexpected("the plain job cannot be read"));
    };
    let config =
        Config::read(&named_text(file)?).map_err(|error| Failure::usage(format!("{file}: {error}")))?;
    let names: Vec<String> = config.jobs.iter().map(|job| job.name.clone()).collect();
    let mut jobs = config.jobs.into_iter();
    let found = match name {
        Some(name) => jobs.find(|job| job.name == *name),
        None => jobs.next().filter(|_| names.len() == 1),
    };
    found.ok_or_else(|| Failure::usage(format!("{file}: say which job is meant: {}", names.join(", "))))
}

/// One target in both arms is compared with itself, unless the arms choose different series of it.
fn twice(gate: &Gate, targets: &[(bool, u32, Target)]) -> Result<(), Failure> {
    let stable = gate.stable.as_ref();
    let told_apart = stable.is_some_and(|stable| {
        stable.written != gate.canary.written || stable.revision != gate.canary.revision
    });
    for (canary, _, target) in targets.iter().filter(|(canary, ..)| *canary) {
        let same = |it: &&(bool, u32, Target)| {
            it.0 != *canary && it.2.address == target.address && it.2.path == target.path
        };
        if !told_apart && targets.iter().any(|it| same(&it)) {
            let message =
                format!("{} is in both arms: the canary would be compared with itself", target.address);
            return Err(Failure::usage(format!(
                "{message}; choose series with --canary-where and --stable-where"
            )));
        }
    }
    Ok(())
}
