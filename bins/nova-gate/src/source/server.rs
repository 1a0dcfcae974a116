//! A Prometheus: raw samples of both arms, step by step, so that the past can be looked at as it was scraped.
//!
//! Raw samples are asked for, not rates: only they have the times at which they were taken, so what is stale is seen
//! as stale and a restart as a restart.

use std::collections::{BTreeMap, BTreeSet};

use adapter_prometheus::Source;
use adapter_prometheus::answer::{AnswerError, Series};
use adapter_prometheus::query::{QueryClient, QueryError};
use gate::bounded::Bounded;
use gate::{
    AlertSeen, Answer, Arm, Gate, Names, Observation, Pod, Refusal, Row, ServerRule, Why, count, held,
    server_rules,
};
use promql::Labels;

use super::{Clock, Use, named_text, native, values, wall_ms};
use crate::failure::Failure;
use crate::proof::Proof;
use health::checks::url;

/// Alerts are evaluated over the time that they must hold, and this much more.
const ALERT_STEPS: i64 = 2;

/// A Prometheus that is asked.
pub(crate) struct Server {
    client: QueryClient,
    pub(crate) address: String,
    pub(crate) began_ms: i64,
    arms: (Arm, Option<Arm>),
    names: Names,
    proof: Proof,
    rules: Vec<ServerRule>,
    bounded: Vec<Bounded>,
    step_ms: i64,
    fresh_ms: i64,
    /// The last look of a check; `None` for a watch.
    until_ms: Option<i64>,
    at_ms: i64,
    numbers: BTreeMap<(bool, String), u32>,
    /// At which native histograms are read: the coarsest of all that were fetched at the beginning.
    schema: Option<i8>,
    /// What was fetched for a check.
    fetched: Option<Result<Fetched, Refusal>>,
    clock: Clock,
}

/// The samples of both arms by instance.
#[derive(Clone, Debug, Default)]
struct Fetched {
    by_instance: BTreeMap<(bool, String), Vec<Series>>,
    refused: Vec<Refusal>,
}

impl Server {
    pub(super) async fn open(gate: &Gate, server: &str, how: Use, clock: Clock) -> Result<Self, Failure> {
        let url = url::read(server, "").map_err(Failure::usage)?;
        let client =
            QueryClient::new(Source::Tcp(url.address.clone())).with_prefix(url.path.trim_end_matches('/'));
        let mut rules = Vec::new();
        for file in &gate.alerts {
            let found =
                server_rules(&named_text(file)?).map_err(|why| Failure::usage(format!("{file}: {why}")))?;
            rules.extend(found);
        }
        for (name, arm) in [("canary", Some(&gate.canary)), ("stable", gate.stable.as_ref())] {
            if arm.is_some_and(|arm| arm.choose.is_empty()) {
                let mend = format!("give --{name} 'revision=\"v2\"' or another selector of labels");
                return Err(Failure::usage(format!("nothing chooses the series of the {name}: {mend}")));
            }
        }
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX / 4);
        let (step_ms, now) = (signed(gate.every_ms.max(1)), clock.began_ms);
        let began_ms = if how == Use::Check { now.saturating_sub(signed(gate.look_back_ms)) } else { now };
        let mut server = Self {
            client,
            address: server.to_owned(),
            began_ms,
            arms: (gate.canary.clone(), gate.stable.clone()),
            names: gate.names.clone(),
            proof: Proof::new(gate, (Vec::new(), Vec::new())),
            rules,
            bounded: gate.setup.bounded.clone(),
            step_ms,
            fresh_ms: signed(gate.fresh_ms),
            until_ms: (how == Use::Check).then_some(now),
            at_ms: began_ms,
            numbers: BTreeMap::new(),
            schema: None,
            fetched: None,
            clock,
        };
        if let Some(until) = server.until_ms {
            server.fetched = Some(server.fetch(until, until - began_ms + server.fresh_ms).await);
        }
        Ok(server)
    }

    pub(super) fn live(&self) -> bool {
        self.until_ms.is_none()
    }

    pub(super) async fn look(&mut self) -> Option<Observation> {
        let (at, last) = match self.until_ms {
            None => (wall_ms(), true),
            Some(until) if self.at_ms > until => return None,
            Some(until) => (self.at_ms, self.at_ms + self.step_ms > until),
        };
        self.at_ms = at.saturating_add(self.step_ms);
        let at_ms =
            if self.live() { self.clock.at_ms() } else { u64::try_from(at - self.began_ms).unwrap_or(0) };
        let mut look = Observation { at_ms, ..Observation::default() };
        let fetched = match &self.fetched {
            Some(fetched) => fetched.clone(),
            None => self.fetch(at, self.fresh_ms.saturating_mul(2)).await,
        };
        match fetched {
            Ok(fetched) => {
                let coarsest = || native::coarsest(fetched.by_instance.values(), &self.names);
                self.schema = self.schema.or_else(coarsest);
                self.read(&fetched, at, &mut look);
            }
            Err(refusal) => look.refused.push(refusal),
        }
        values::of_queries(&self.bounded, &self.client, at, &mut look).await;
        if last {
            let (alerts, failed) = self.alerts(at).await;
            look.alerts = alerts;
            look.refused.extend(failed);
        }
        Some(look)
    }

    async fn fetch(&self, until_ms: i64, span_ms: i64) -> Result<Fetched, Refusal> {
        let mut all = Fetched::default();
        let mut of_arm: BTreeMap<Labels, bool> = BTreeMap::new();
        let mut both: BTreeSet<Labels> = BTreeSet::new();
        for (canary, arm) in [(true, Some(&self.arms.0)), (false, self.arms.1.as_ref())] {
            let Some(arm) = arm else { continue };
            let name = if canary { "canary" } else { "stable" };
            let names = self.names.asked().join("|");
            let seconds = span_ms.div_euclid(1_000).max(1);
            let query = format!("{{__name__=~\"{names}\",{}}}[{seconds}s]", arm.written);
            let answer = self.client.instant(&query, Some(until_ms)).await;
            let answer =
                answer.map_err(|error| Refusal::new(&self.address, why(&error), error.to_string()))?;
            if !answer.warnings.is_empty() {
                let text = format!("the answer may be partial: {}", answer.warnings.join("; "));
                all.refused.push(Refusal::new(&self.address, Why::Partial, text).of(canary));
                continue;
            }
            if answer.series.is_empty() {
                let text = format!("no series for {{{}}} in the last {seconds} s", arm.written);
                all.refused.push(Refusal::new(name, Why::Missing, text).of(canary));
            }
            for series in answer.series {
                if of_arm.insert(series.labels.clone(), canary).is_some_and(|before| before != canary) {
                    both.insert(series.labels.clone());
                }
                let instance = series.labels.value(&self.names.instance).to_owned();
                all.by_instance.entry((canary, instance)).or_default().push(series);
            }
        }
        if let Some(labels) = both.first() {
            let text =
                format!("{} series fit both arms, e.g. {labels}: choose narrower selectors", both.len());
            all.refused.push(Refusal::new(&self.address, Why::Ambiguous, text));
            all.by_instance.clear();
        }
        Ok(all)
    }

    /// What was known at `at` out of what was fetched.
    fn read(&mut self, fetched: &Fetched, at: i64, look: &mut Observation) {
        look.refused.extend(fetched.refused.iter().cloned());
        for ((canary, instance), series) in &fetched.by_instance {
            let next = self.numbers.keys().filter(|(it, _)| it == canary).count();
            let next = u32::try_from(next).unwrap_or(u32::MAX);
            let number = *self.numbers.entry((*canary, instance.clone())).or_insert(next);
            let name = if instance.is_empty() { "(no instance)" } else { instance };
            let known = at_time(series, at);
            let times = known.iter().map(|(_, at, _)| *at).chain(native::times(series, at));
            let Some(newest) = times.max() else { continue };
            if at.saturating_sub(newest) > self.fresh_ms {
                let age = at.saturating_sub(newest) / 1_000;
                let text = format!(
                    "its newest sample is {age} s old; at most {} s are taken",
                    self.fresh_ms / 1_000
                );
                look.refused.push(Refusal::new(name, Why::TooOld, text).of(*canary));
                // Whether the instance or its scraping ended is not known: no evidence, and no failed scrape either.
                look.pods.push(Pod { answer: Answer::Refused, ..Pod::lost(*canary, number, name) });
                continue;
            }
            let (natives, unread) = native::rows(series, at, self.schema, &self.names);
            let why = Why::NativeHistogram;
            look.refused.extend(unread.into_iter().map(|text| Refusal::new(name, why, text).of(*canary)));
            let known = [known, natives].concat();
            // A series that ended some scrapes ago is no part of the sums any more.
            let fresh: Vec<Row> = known.into_iter().filter(|(_, t, _)| at - t <= self.fresh_ms).collect();
            let (own, mut refused) = self.proof.own(*canary, name, &fresh, at);
            let counted = count(name, &own, &self.names);
            if refused.is_empty() {
                refused.extend(counted.refused.iter().cloned().map(|it| it.of(*canary)));
            }
            look.refused.extend(refused);
            look.pods.push(Pod::counted(*canary, number, name, &counted, self.began_ms));
        }
    }

    async fn alerts(&self, at: i64) -> (Vec<AlertSeen>, Vec<Refusal>) {
        let (mut seen, mut failed) = (Vec::new(), Vec::new());
        for rule in &self.rules {
            let from = at.saturating_sub(rule.for_ms).saturating_sub(ALERT_STEPS * self.step_ms);
            match self.client.range(&rule.expr, from, at, self.step_ms).await {
                Ok(answer) if answer.warnings.is_empty() => {
                    let series: Vec<_> =
                        answer.series.into_iter().map(|it| (it.labels, it.samples)).collect();
                    seen.extend(held(rule, &series, at, self.step_ms));
                }
                Ok(answer) => failed.push(Refusal::new(&rule.name, Why::Partial, answer.warnings.join("; "))),
                Err(error) => failed.push(Refusal::new(&rule.name, Why::Rule, error.to_string())),
            }
        }
        (seen, failed)
    }
}

/// The last sample of each series at a time.
fn at_time(series: &[Series], at: i64) -> Vec<Row> {
    let last = |it: &Series| {
        let until = it.samples.partition_point(|(t, _)| *t <= at);
        let (t, value) = *it.samples.get(until.checked_sub(1)?)?;
        Some((it.labels.clone(), t, value))
    };
    series.iter().filter_map(last).collect()
}

pub(super) fn why(error: &QueryError) -> Why {
    match error {
        QueryError::TimedOut { .. } | QueryError::Unreachable(_) | QueryError::Busy { .. } => {
            Why::Unreachable
        }
        QueryError::Answer(AnswerError::TooManySeries(_)) | QueryError::TooLarge(_) => Why::TooMany,
        _ => Why::Malformed,
    }
}
