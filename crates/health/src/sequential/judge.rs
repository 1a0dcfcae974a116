//! The engine as a judge of samples: what a release holds in place of the literal rules.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::engine::{Engine, Finding};
use super::explain::Explanation;
use super::reading::{Counters, Reading, Seen, WHOLE};
use super::{Blame, Counts, Metric, Plan};
use crate::{Arm, ArmShown, Breach, Finite, Judge, RuleName, Sample, Shown, Verdict, Window};

/// How far back the screen looks.
const SHOWN_MS: u64 = 10_000;

/// A judge by sequential tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sequential {
    engine: Engine,
    window: Window,
    weighed: Timestamp,
    /// The instance that alone was at fault, and how often it had been restarted then.
    #[serde(default)]
    blamed: Option<(u32, u32)>,
}

impl Sequential {
    /// A judge under this plan.
    pub fn new(plan: Plan) -> Self {
        Self {
            engine: Engine::new(plan),
            window: Window::new(SHOWN_MS),
            weighed: Timestamp::ZERO,
            blamed: None,
        }
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
        let amount = explanation.evidence;
        let needed = libm::exp(explanation.threshold.value());
        let whole = format!("evidence {amount} of {needed:.0} that the new version is worse");
        metric.map_or_else(|| whole.clone(), |metric| format!("{whole} ({})", metric.brief()))
    }

    /// An instance that was at fault and was restarted since begins anew, and with it the evidence.
    fn forgive(&mut self, sample: &Sample) {
        let Some((slot, before)) = self.blamed else { return };
        if restarts(sample, slot) > before {
            self.blamed = None;
            self.engine = self.engine.renewed();
        }
    }

    fn instance(&mut self, now: Timestamp, slot: u32) -> Verdict {
        let before = self.window.last().map_or(0, |sample| restarts(sample, slot));
        self.blamed.get_or_insert((slot, before));
        Verdict::Regressed(vec![self.breach(now, Some(slot))])
    }

    fn incident(&self, now: Timestamp) -> Breach {
        let text = self
            .engine
            .limits()
            .map(|(canary, stable)| incident_text(canary.totals(), stable.totals(), canary.limit().value()));
        Breach { text: text.unwrap_or_default(), ..self.breach(now, None) }
    }

    /// `slot`: the instance that alone is at fault.
    fn breach(&self, now: Timestamp, slot: Option<u32>) -> Breach {
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
            slot,
            text: match slot {
                Some(slot) => format!("instance {slot} alone: {}", self.summary(now)),
                None => self.summary(now),
            },
        }
    }
}

fn restarts(sample: &Sample, slot: u32) -> u32 {
    let instance = sample.new.instances.iter().find(|instance| instance.slot == slot);
    instance.map_or(0, |instance| instance.restarts)
}

/// Both revisions are over the limit.
fn incident_text(canary: Counts, stable: Counts, limit: f64) -> String {
    let part = |counts: Counts| format!("{} of {}", counts.bad, counts.requests);
    format!(
        "both revisions are over {} %: {} requests failed on the new one, {} on stable; this is not the release's fault",
        limit * 100.0,
        part(canary),
        part(stable)
    )
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
                self.forgive(sample);
                self.window.push(sample.clone());
                if self.engine.observe(&reading(sample)).is_err() {
                    return Verdict::NoData;
                }
            }
            None => self.engine.silent(now),
        }
        match self.engine.finding(now) {
            Finding::Undecided | Finding::Healthy { .. } if sample.is_none() => Verdict::NoData,
            // The limit or the record alone: held, and the explanation says which.
            Finding::Suspected | Finding::Undecided => Verdict::Undecided,
            Finding::Regressed(Blame::Incident) => Verdict::Shared(self.incident(now)),
            Finding::Regressed(Blame::Instance(slot)) => self.instance(now, slot),
            Finding::Regressed(Blame::Release | Blame::Endpoint(_)) => {
                Verdict::Regressed(vec![self.breach(now, None)])
            }
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

/// Requests are taken by instance where they are counted so; durations are those of the whole arm.
fn reading(sample: &Sample) -> Reading {
    Reading {
        taken: sample.taken,
        canary: seen(&sample.new),
        stable: sample.stable.as_ref().map(seen).unwrap_or_default(),
    }
}

fn seen(arm: &Arm) -> Vec<Seen> {
    let counted = arm.instances.iter().filter_map(|instance| Some((instance.slot, instance.served?)));
    let mut all: Vec<Seen> = counted
        .map(|(slot, served)| {
            let counters = Counters { requests: served.requests, bad: served.errors, ..Counters::default() };
            Seen { instance: slot, counters: Some(counters) }
        })
        .collect();
    // Instances and the whole are not read at one moment: their difference is no count.
    let (requests, bad) = if all.is_empty() { (arm.requests, arm.errors()) } else { (0, 0) };
    let rest = Counters { requests, bad, latency: arm.latency.clone(), started: None };
    all.push(Seen { instance: WHOLE, counters: Some(rest) });
    all
}
