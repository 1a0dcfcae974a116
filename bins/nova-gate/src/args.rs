//! Where to look and what is asked, on the command line; what is given there counts more than the gate file.

use std::path::{Path, PathBuf};

use clap::Args;
use gate::bounded::overlap;
use gate::{Arm, Decides, Gate, Setup, file, units};
use health::Finite;
use health::checks::url;
use health::planned::PlannedLooks;

use crate::failure::Failure;
use crate::files;

const GATE_MAX: u64 = 1 << 20;

/// What to look at.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct GateArgs {
    /// A gate file; none is needed
    pub(crate) gate: Option<PathBuf>,
    /// The revision under evaluation: http:// URLs or files of expositions, folders of files; with --prometheus a
    /// selector such as 'revision="v2"'
    #[arg(long, num_args = 1.., value_name = "URL|FILE|SELECTOR")]
    pub(crate) canary: Vec<String>,
    /// The trusted revision, likewise
    #[arg(long, num_args = 1.., value_name = "URL|FILE|SELECTOR")]
    pub(crate) stable: Vec<String>,
    /// Ask this Prometheus
    #[arg(long, value_name = "URL")]
    pub(crate) prometheus: Option<String>,
    /// Only these series of the canary, e.g. 'revision="v2"'
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) canary_where: Option<String>,
    /// Only these series of stable
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) stable_where: Option<String>,
    /// The service, for people
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Which rules decide: sequential, literal, both, or planned with --requests [default: sequential]
    #[arg(long, value_name = "RULES")]
    pub(crate) decides: Option<String>,
    /// With --decides planned: the final number of requests of the canary; there is no verdict before it
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u64>,
    /// With --decides planned: so many looks, the last one at --requests [default: 5]
    #[arg(long, value_name = "K", requires = "requests")]
    pub(crate) looks: Option<u32>,
    /// Allowed chance to call a healthy canary worse, over the whole gate [default: 1%]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) alpha: Option<String>,
    /// Error rate above which both are an incident [default: 1%], or off
    #[arg(long, value_name = "PERCENT")]
    pub(crate) limit: Option<String>,
    /// Requests of the canary below which it is not called healthy [default: 200]
    #[arg(long, value_name = "N")]
    pub(crate) min_requests: Option<u64>,
    /// Healthy only when a doubled error rate is excluded
    #[arg(long)]
    pub(crate) must_clear: bool,
    /// Between two looks [default: 5s, of a Prometheus 15s]
    #[arg(long, visible_alias = "interval", value_name = "TIME")]
    pub(crate) every: Option<String>,
    /// How far back a Prometheus is asked [default: 10m]
    #[arg(long, value_name = "TIME")]
    pub(crate) look_back: Option<String>,
    /// Older samples are no evidence [default: 60s]
    #[arg(long, value_name = "TIME")]
    pub(crate) fresh: Option<String>,
    /// A file of nova-gate baseline record: what --service does in this hour of the week is compared with as well
    #[arg(long, value_name = "FILE")]
    pub(crate) baselines: Option<String>,
    /// Alert rule files; a firing alert calls the canary worse
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) alerts: Vec<String>,
    /// A Prometheus configuration whose relabelling is used for scraped targets
    #[arg(long, value_name = "FILE")]
    pub(crate) scrape_config: Option<String>,
    /// Which of its jobs
    #[arg(long, requires = "scrape_config")]
    pub(crate) job: Option<String>,
    /// The workload's memory limit, for the literal rule, e.g. 256MiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory_limit: Option<String>,
}

impl GateArgs {
    /// The gate that is meant.
    pub(crate) fn gate(&self) -> Result<Gate, Failure> {
        let mut gate = match &self.gate {
            None => Gate::new(self.service.as_deref().unwrap_or("canary")),
            Some(path) => {
                let bytes = files::bytes(path, GATE_MAX).map_err(Failure::usage)?;
                let mut gate = file::read(&path.display().to_string(), &bytes)?;
                beside(&mut gate, path.parent().unwrap_or(Path::new("")));
                gate
            }
        };
        if let Some(service) = &self.service {
            gate.setup.service.clone_from(service);
        }
        if let Some(baselines) = &self.baselines {
            gate.baselines = Some(baselines.clone());
        }
        self.places(&mut gate)?;
        self.asked(&mut gate)?;
        self.times(&mut gate)?;
        bounded(&gate)?;
        let alone = gate.web.is_none() && gate.stable.is_none() && gate.baselines.is_none();
        if alone && gate.setup.decides != Decides::Literal {
            let message = "no stable revision to compare with";
            return Err(Failure::usage(format!(
                "{message}: give --stable, or --baselines FILE, or --decides literal for the literal rules alone"
            )));
        }
        Ok(gate)
    }

    fn places(&self, gate: &mut Gate) -> Result<(), Failure> {
        if let Some(server) = &self.prometheus {
            gate.prometheus = Some(server.clone());
            gate.every_ms = gate.every_ms.max(15_000);
        }
        let asked = gate.prometheus.is_some();
        let stable_given = !self.stable.is_empty() || self.stable_where.is_some();
        if stable_given && gate.stable.is_none() {
            gate.stable = Some(Arm::default());
        }
        place(&mut gate.canary, &self.canary, self.canary_where.as_deref(), asked)?;
        if let Some(stable) = &mut gate.stable {
            place(stable, &self.stable, self.stable_where.as_deref(), asked)?;
        }
        gate.setup.compared =
            gate.stable.is_some() || gate.web.as_ref().is_some_and(|web| web.stable.is_some());
        gate.alerts.extend(self.alerts.iter().cloned());
        if let Some(config) = &self.scrape_config {
            gate.scrape_config = Some((config.clone(), self.job.clone()));
        }
        Ok(())
    }

    fn asked(&self, gate: &mut Gate) -> Result<(), Failure> {
        let setup = &mut gate.setup;
        if let Some(text) = &self.decides {
            setup.decides = given("decides", text, "sequential, literal, both or planned", file::decides)?;
        }
        self.planned(setup)?;
        if let Some(text) = &self.alpha {
            let read =
                |text: &str| units::share_of(text).filter(|a| *a > 0.0 && *a <= 0.5).and_then(Finite::new);
            setup.plan.alpha = given("alpha", text, "a percentage above 0% and up to 50%, e.g. 1%", read)?;
        }
        if let Some(text) = &self.limit {
            let read =
                |text: &str| units::share_of(text).filter(|l| *l > 0.0 && *l < 1.0).and_then(Finite::new);
            let limit = |text: &str| if text == "off" { Some(None) } else { read(text).map(Some) };
            setup.plan.limit = given("limit", text, "a percentage such as 1%, or off", limit)?;
        }
        setup.plan.min_requests = self.min_requests.unwrap_or(setup.plan.min_requests).max(1);
        setup.must_clear |= self.must_clear;
        if let Some(text) = &self.memory_limit {
            let bytes = given("memory-limit", text, "a size such as 256MiB", units::bytes_of)?;
            if let Some(rule) = &mut setup.rules.memory {
                rule.limit_bytes = Some(bytes);
            }
        }
        Ok(())
    }

    /// The looks that are planned: on the line, or in the gate file.
    fn planned(&self, setup: &mut Setup) -> Result<(), Failure> {
        let decides = setup.decides == Decides::Planned;
        if let Some(requests) = self.requests {
            if !decides {
                let message = "--requests is the number of a plan, and no planned looks decide";
                return Err(Failure::usage(format!("{message}\n    mend: add --decides planned")));
            }
            let (written, looks) = (setup.planned, self.looks);
            let looks = looks.or(written.map(|plan| plan.looks)).unwrap_or(file::LOOKS);
            let spending = written.map(|plan| plan.spending).unwrap_or_default();
            let plan = PlannedLooks::new(requests, looks, spending);
            let mend = file::PLAN_MEND;
            setup.planned = Some(plan.ok_or_else(|| {
                Failure::usage(format!("no plan: {looks} looks at {requests} requests\n    mend: {mend}"))
            })?);
        }
        if decides && setup.planned.is_none() {
            let message = "planned looks need the final number of requests of the canary";
            return Err(Failure::usage(format!("{message}\n    mend: add --requests N")));
        }
        if decides && !setup.compared {
            let message = "planned looks compare with a stable revision that serves at the same time";
            return Err(Failure::usage(format!("{message}\n    mend: give --stable")));
        }
        Ok(())
    }

    fn times(&self, gate: &mut Gate) -> Result<(), Failure> {
        if let Some(text) = &self.every {
            gate.every_ms = millis("every", text)?;
            gate.fresh_ms = gate.fresh_ms.max(2 * gate.every_ms);
        }
        if let Some(text) = &self.look_back {
            gate.look_back_ms = millis("look-back", text)?;
        }
        if let Some(text) = &self.fresh {
            gate.fresh_ms = millis("fresh", text)?;
        }
        Ok(())
    }
}

/// What a gate file names lies beside it.
fn beside(gate: &mut Gate, folder: &Path) {
    let join = |name: &mut String| {
        if !url::is_url(name) {
            *name = folder.join(&*name).display().to_string();
        }
    };
    let arms = std::iter::once(&mut gate.canary).chain(gate.stable.as_mut());
    arms.flat_map(|arm| &mut arm.from).for_each(join);
    gate.alerts.iter_mut().for_each(join);
    gate.baselines.iter_mut().for_each(join);
    gate.scrape_config.iter_mut().for_each(|(file, _)| join(file));
}

/// Whether the values of the bounded metrics are new at every look: `--every` may have changed the time between two.
fn bounded(gate: &Gate) -> Result<(), Failure> {
    for it in gate.setup.bounded.iter().filter(|_| gate.web.is_none()) {
        if let Some(window) = overlap(&it.from, gate.every_ms) {
            return Err(Failure::usage(format!(
                "{}: its window {window} is longer than the time between two looks\n    mend: give --every {window}",
                it.name
            )));
        }
    }
    Ok(())
}

fn place(arm: &mut Arm, given: &[String], choose: Option<&str>, asked: bool) -> Result<(), Failure> {
    let mut choose = choose.map(ToOwned::to_owned);
    if asked && !given.is_empty() {
        choose = Some(given.join(","));
        arm.from.clear();
    } else if !given.is_empty() {
        arm.from = given.to_vec();
    }
    if let Some(text) = choose {
        let mend = "write labels as in PromQL: revision=\"v2\",job=\"api\"";
        let found =
            file::selector(&text).map_err(|why| Failure::usage(format!("{why}\n    mend: {mend}")))?;
        (arm.choose, arm.written) = found;
    }
    Ok(())
}

/// A time above 0.
pub(crate) fn millis(name: &str, text: &str) -> Result<u64, Failure> {
    given(name, text, "a time above 0 such as 15s or 10m", |text| units::millis_of(text).filter(|ms| *ms > 0))
}

/// What an option means, or what it should have been.
pub(crate) fn given<T>(
    name: &str,
    text: &str,
    mend: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, Failure> {
    read(text)
        .ok_or_else(|| Failure::usage(format!("--{name} {text:?} cannot be read\n    mend: write {mend}")))
}
