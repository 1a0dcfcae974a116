//! The engine as a judge of samples: what a release holds in place of the literal rules.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::engine::{Engine, Finding};
use super::explain::Explanation;
use super::reading::{Counters, Reading, Seen};
use super::{Blame, Metric, Plan};
use crate::{Arm, ArmShown, Breach, Finite, Judge, RuleName, Sample, Shown, Verdict, Window};

/// How far back the screen looks.
const SHOWN_MS: u64 = 10_000;

/// A judge by sequential tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sequential {
    engine: Engine,
    window: Window,
    weighed: Timestamp,
}

impl Sequential {
    /// A judge under this plan.
    pub fn new(plan: Plan) -> Self {
        Self { engine: Engine::new(plan), window: Window::new(SHOWN_MS), weighed: Timestamp::ZERO }
    }

    /// The verdict at `now` with everything that led to it.
    pub fn explain(&self, now: Timestamp) -> Explanation {
        Explanation::of(&self.engine, now)
    }

    /// The engine, for what a verdict does not say: blame, silence, early clearance.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The evidence in one line.
    pub fn summary(&self, now: Timestamp) -> String {
        let explanation = self.explain(now);
        let leading = self.engine.leading();
        let metric = explanation.metrics.iter().find(|m| Some(m.metric) == leading);
        let amount = explanation.evidence.amount();
        let amount = if amount < 1e6 { format!("{amount:.1}") } else { format!("{amount:.0e}") };
        let needed = libm::exp(explanation.threshold.value());
        let whole = format!("evidence {amount} of {needed:.0} that the new version is worse");
        metric.map_or_else(|| whole.clone(), |metric| format!("{whole} ({})", metric.brief()))
    }

    fn breach(&self, now: Timestamp) -> Breach {
        let explanation = self.explain(now);
        let leading = self.engine.leading();
        let metric = explanation.metrics.iter().find(|m| Some(m.metric) == leading);
        Breach {
            rule: match leading {
                Some(Metric::Latency) => RuleName::ResponseTime,
                Some(Metric::Scrapes) => RuleName::HealthCheck,
                Some(Metric::Errors | Metric::Limit) | None => RuleName::ErrorRate,
            },
            observed: Finite::new(self.engine.evidence().amount()).unwrap_or_default(),
            limit: Finite::new(libm::exp(explanation.threshold.value())).unwrap_or_default(),
            since: metric.and_then(|m| m.since).unwrap_or(self.weighed),
            slot: None,
            text: self.summary(now),
        }
    }
}

impl Judge for Sequential {
    fn weighed(&mut self, at: Timestamp, percent: u8) {
        self.weighed = at;
        self.engine.weighed(percent);
    }

    fn judge(&mut self, now: Timestamp, sample: Option<&Sample>) -> Verdict {
        // What was taken before the weight is about another share.
        match sample.filter(|sample| sample.taken >= self.weighed) {
            Some(sample) => {
                self.window.push(sample.clone());
                if self.engine.observe(&reading(sample)).is_err() {
                    return Verdict::NoData;
                }
            }
            None => self.engine.silent(now),
        }
        match self.engine.finding(now) {
            Finding::Undecided | Finding::Healthy { .. } if sample.is_none() => Verdict::NoData,
            // One instance, both revisions, or the record alone: held, and the explanation says which.
            Finding::Regressed(Blame::Incident | Blame::Instance(_))
            | Finding::Suspected
            | Finding::Undecided => Verdict::Undecided,
            Finding::Regressed(_) => Verdict::Regressed(vec![self.breach(now)]),
            Finding::Healthy { .. } => Verdict::Healthy,
            Finding::NoData(_) => Verdict::NoData,
        }
    }

    fn shown(&self) -> Shown {
        let arm = |pick: fn(&Sample) -> Option<&Arm>| {
            let change = self.window.change(SHOWN_MS, pick)?;
            Some(ArmShown {
                requests: change.requests,
                errors: change.errors(),
                over_ms: change.over_ms,
                p95_us: change.latency.quantile(95).map(|q| q.estimate_us),
            })
        };
        Shown { new: arm(|s| Some(&s.new)).unwrap_or_default(), stable: arm(|s| s.stable.as_ref()) }
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        v.time(&mut self.weighed);
        self.window.visit(v);
        self.engine.visit(v);
    }
}

/// A sample has counters by revision; each is taken as one instance.
fn reading(sample: &Sample) -> Reading {
    let arm = |arm: &Arm| {
        let counters = Counters {
            requests: arm.requests,
            bad: arm.errors(),
            latency: arm.latency.clone(),
            started: None,
        };
        vec![Seen { instance: 0, counters: Some(counters) }]
    };
    Reading {
        taken: sample.taken,
        canary: arm(&sample.new),
        stable: sample.stable.as_ref().map(arm).unwrap_or_default(),
    }
}
