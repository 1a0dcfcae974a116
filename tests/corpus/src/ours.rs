//! The sequential engine as a rule.

use health::sequential::{
    Blame, Bunching, Counters, Dispersion, Edges, Engine, Finding, Metric, Plan, Reading, Recorded, Seen,
    reading::count_of,
};
use health::{Finite, Latency};
use machine::Timestamp;

use crate::rule::{Decision, Rule};
use crate::trace::{Answer, Header, Pod, Scrape};

/// Which metrics it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// At all of them.
    All,
    /// At one.
    At(Metric),
}

/// How bunches of errors are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bunches {
    /// Not at all.
    Unseen,
    /// By tempering.
    Tempered,
    /// By the beta-binomial form.
    Urn,
}

/// The sequential engine.
pub struct Ours {
    looks: Looks,
    bunches: Bunches,
    /// Ratio of error rates up to which a canary is as good as stable; `None`: the engine's default.
    tolerance: Option<Finite>,
    engine: Engine,
    bounds: Vec<u64>,
    percent: u8,
    finding: Finding,
    endpoints: Vec<crate::trace::Endpoint>,
}

impl Ours {
    /// The engine with its default plan.
    pub fn new(looks: Looks, bunches: Bunches) -> Self {
        Self {
            looks,
            bunches,
            tolerance: None,
            engine: Engine::new(Plan::new(1)),
            bounds: vec![],
            percent: 0,
            finding: Finding::Undecided,
            endpoints: vec![],
        }
    }

    /// The same, set to find any rise of the errors: nothing is tolerated.
    pub fn tolerating_nothing(self) -> Self {
        Self { tolerance: Finite::new(1.0), ..self }
    }

    /// Takes what it learned of the rollout.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    fn plan(&self, header: &Header) -> Plan {
        let mut plan = Plan::new(header.scrapes);
        if let Looks::At(metric) = self.looks {
            plan = plan.only(metric);
        }
        plan.tolerance = self.tolerance.unwrap_or(plan.tolerance);
        let found = Bunching::of(&header.minutes);
        plan.dispersion = match self.bunches {
            Bunches::Unseen => Dispersion::Poisson,
            Bunches::Tempered => found.tempered(),
            Bunches::Urn => found.urn(),
        };
        let drift = Finite::new(1.5).unwrap_or_default();
        plan.recorded = Some(Recorded { counts: header.recorded, drift });
        // Three times what is recorded, but never below one in a hundred.
        plan.limit = Finite::new((3.0 * header.recorded.rate()).max(0.01));
        plan.edges = latency(&header.bounds_us, &header.recorded_buckets)
            .as_ref()
            .and_then(|stable| Edges::of(stable, 0));
        plan
    }

    fn seen(&self, pod: &Pod) -> Option<Seen> {
        let counters = match pod.answer {
            Answer::Lost => None,
            // The parser hands on a NaN; it is refused by name and no scrape has failed.
            Answer::Nan => {
                count_of(f64::NAN).ok()?;
                None
            }
            Answer::Ok => Some(Counters {
                requests: pod.requests,
                bad: pod.errors,
                latency: latency(&self.bounds, &pod.buckets).unwrap_or_default(),
                started: Some(pod.started_ms),
            }),
        };
        Some(Seen { instance: pod.pod, counters })
    }

    fn tell_endpoints(&mut self, scrape: &Scrape) {
        if scrape.endpoints.is_empty() {
            return;
        }
        let pairs = scrape.endpoints.iter().enumerate().map(|(at, now)| {
            let before = self.endpoints.get(at);
            let canary = now.canary.minus(before.map_or_else(Default::default, |e| e.canary));
            let stable = now.stable.minus(before.map_or_else(Default::default, |e| e.stable));
            (now.endpoint, health::sequential::Pair { canary, stable })
        });
        self.engine.endpoints(&pairs.collect::<Vec<_>>());
        self.endpoints.clone_from(&scrape.endpoints);
    }
}

fn latency(bounds: &[u64], buckets: &[u64]) -> Option<Latency> {
    if buckets.is_empty() {
        return None;
    }
    let bounds = bounds.iter().copied().chain([u64::MAX]);
    Latency::new(bounds.zip(buckets.iter().copied()).collect())
}

impl Rule for Ours {
    fn name(&self) -> String {
        if self.tolerance.is_some() {
            return "sequential, tolerance 1".to_owned();
        }
        match (self.looks, self.bunches) {
            (Looks::All, Bunches::Urn) => "sequential".to_owned(),
            (Looks::All, bunches) => format!("sequential {bunches:?}"),
            (Looks::At(metric), Bunches::Urn) => format!("sequential {}", metric.as_str()),
            (Looks::At(metric), bunches) => format!("sequential {} {bunches:?}", metric.as_str()),
        }
    }

    fn begin(&mut self, header: &Header) {
        self.engine = Engine::new(self.plan(header));
        self.bounds.clone_from(&header.bounds_us);
        self.percent = 0;
        self.finding = Finding::Undecided;
        self.endpoints.clear();
    }

    fn scrape(&mut self, scrape: &Scrape) -> Decision {
        let now = Timestamp::from_millis(scrape.at_ms);
        let arm = |canary: bool| {
            let pods = scrape.pods.iter().filter(|pod| pod.canary == canary);
            pods.filter_map(|pod| self.seen(pod)).collect()
        };
        let reading = Reading { taken: now, canary: arm(true), stable: arm(false) };
        if self.percent == 0 {
            self.engine.weighed(scrape.percent);
        }
        self.tell_endpoints(scrape);
        // A reading out of order is refused and changes nothing.
        let refused = self.engine.observe(&reading).is_err();
        if scrape.percent != self.percent {
            self.engine.weighed(scrape.percent);
            self.percent = scrape.percent;
        }
        if refused {
            return Decision::Continue;
        }
        self.finding = self.engine.finding(now);
        match self.finding {
            Finding::Healthy { cleared: true } => Decision::Promote,
            Finding::Healthy { cleared: false } | Finding::Undecided => Decision::Continue,
            Finding::Suspected | Finding::NoData(_) | Finding::Regressed(Blame::Incident) => Decision::Hold,
            Finding::Regressed(Blame::Instance(pod)) => Decision::Eject(pod),
            Finding::Regressed(_) => Decision::Rollback,
        }
    }

    fn score(&self) -> f64 {
        match self.finding {
            Finding::Regressed(Blame::Incident | Blame::Instance(_)) => 0.0,
            _ => self.engine.confirmed().ln(),
        }
    }
}
