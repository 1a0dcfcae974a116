//! The judge that takes the design's rules at their word.
//!
//! Every rule looks only at samples that were taken after the new revision received traffic, and holds only with its
//! evidence. A window that is not full yet holds what there is: a rule never waits for time when the evidence is there.

use machine::{Millis, Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::{
    Arm, ArmShown, Breach, Change, Finite, Instance, Judge, Memory, ResponseTime, RuleName, Rules, Sample,
    ServerErrors, Shown, Verdict, Window,
};

const MINUTE_MS: Millis = 60_000;
/// How far back the screen looks.
const SHOWN_MS: Millis = 10_000;

/// The literal rules over a window of samples.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Literal {
    rules: Rules,
    window: Window,
    /// When the present weight was observed.
    weighed: Timestamp,
    /// Requests of the new revision in the first sample since then.
    at_weight: Option<u64>,
    percent: u8,
    /// What stable showed when both served last: p95 in microseconds, and when.
    recorded: Option<(u64, Timestamp)>,
}

impl Literal {
    /// A judge under these rules.
    pub fn new(rules: Rules) -> Self {
        let spans = [
            rules.error_rate.map(|r| r.window_ms),
            rules.response_time.map(|r| r.window_ms),
            rules.server_errors.map(|_| MINUTE_MS),
            Some(SHOWN_MS),
        ];
        let span = spans.into_iter().flatten().max().unwrap_or(SHOWN_MS);
        Self {
            rules,
            window: Window::new(span),
            weighed: Timestamp::ZERO,
            at_weight: None,
            percent: 0,
            recorded: None,
        }
    }

    fn breaches(&self) -> Vec<Breach> {
        let by_instance = self.window.last().into_iter().flat_map(|last| self.instance_breaches(last));
        let by_requests = [self.error_rate(), self.server_errors(), self.response_time()];
        by_instance.chain(by_requests.into_iter().flatten()).collect()
    }

    fn instance_breaches(&self, last: &Sample) -> Vec<Breach> {
        let mut found = Vec::new();
        for instance in &last.new.instances {
            found.extend(self.failed_checks(instance));
            found.extend(self.memory(instance));
        }
        found
    }

    fn failed_checks(&self, instance: &Instance) -> Option<Breach> {
        let (slot, failed) = (instance.slot, instance.failed_checks);
        let rule = self.rules.health_check.filter(|rule| failed >= rule.failures)?;
        let since = self.window.held_since(|s| of_slot(s, slot).is_some_and(|i| i.failed_checks > 0))?;
        let text = format!("instance {slot} failed {failed} health checks in a row");
        Some(breach(RuleName::HealthCheck, failed.into(), rule.failures.into(), since, text, Some(slot)))
    }

    fn memory(&self, instance: &Instance) -> Option<Breach> {
        let slot = instance.slot;
        let (resident, limit, rule) = self.over_memory(instance.resident_bytes)?;
        let over =
            |s: &Sample| of_slot(s, slot).is_some_and(|i| self.over_memory(i.resident_bytes).is_some());
        let since = self.window.held_since(over)?;
        let text = format!(
            "instance {slot} holds {} MiB of the {} MiB that it may, over {} %",
            resident >> 20,
            limit >> 20,
            rule.over_percent
        );
        let share = resident as f64 * 100.0 / limit as f64;
        Some(breach(RuleName::Memory, share, rule.over_percent as f64, since, text, Some(slot)))
    }

    fn over_memory(&self, resident: Option<u64>) -> Option<(u64, u64, Memory)> {
        let rule = self.rules.memory?;
        let (resident, limit) = (resident?, rule.limit_bytes.filter(|limit| *limit > 0)?);
        let over = u128::from(resident) * 100 > u128::from(limit) * u128::from(rule.over_percent);
        over.then_some((resident, limit, rule))
    }

    fn error_rate(&self) -> Option<Breach> {
        let rule = self.rules.error_rate?;
        let change = self.window.change(rule.window_ms, |s| Some(&s.new))?;
        let enough = change.requests >= rule.min_requests && change.errors() >= rule.min_errors;
        if !enough || !over_ppm(change.errors(), change.requests, rule.over_ppm) {
            return None;
        }
        let since = self.window.errors_since(rule.window_ms, Arm::errors)?;
        let rate = Finite::ratio(change.errors(), change.requests).value() * 100.0;
        let limit = rule.over_ppm as f64 / 10_000.0;
        let text = format!(
            "{} of {} requests failed in {} s, {rate:.1} %, over {limit} %",
            change.errors(),
            change.requests,
            change.over_ms.div_ceil(1000)
        );
        Some(breach(RuleName::ErrorRate, rate, limit, since, text, None))
    }

    fn server_errors(&self) -> Option<Breach> {
        let ServerErrors { per_minute, over_ppm: share } = self.rules.server_errors?;
        let change = self.window.change(MINUTE_MS, |s| Some(&s.new))?;
        let errors = change.server_errors;
        if errors <= per_minute || !over_ppm(errors, change.requests, share) {
            return None;
        }
        let since = self.window.errors_since(MINUTE_MS, |arm| arm.server_errors)?;
        let text = format!(
            "{errors} answers of 500 or above in {} s, over {per_minute} a minute, {:.1} % of {} requests",
            change.over_ms.div_ceil(1000),
            Finite::ratio(errors, change.requests).value() * 100.0,
            change.requests
        );
        Some(breach(RuleName::ServerErrors, errors as f64, per_minute as f64, since, text, None))
    }

    fn response_time(&self) -> Option<Breach> {
        let rule = self.rules.response_time?;
        let change = self.window.change(rule.window_ms, |s| Some(&s.new))?;
        let new = p95(&change, rule.min_requests)?;
        let (base, name) = match self.stable_p95(&rule) {
            Some(p95) => (p95, "stable at the same time".to_owned()),
            None => {
                let (p95, at) = self.recorded?;
                let age = self.window.last()?.taken.since(at).div_ceil(1000);
                (p95, format!("stable as recorded {age} s before"))
            }
        };
        let over = u128::from(new) * 100 > u128::from(base) * u128::from(rule.over_percent);
        if !over || new.saturating_sub(base) < rule.min_diff_us {
            return None;
        }
        let limit_us = u128::from(base) * u128::from(rule.over_percent) / 100;
        let since = self.window.slow_since(95, u64::try_from(limit_us).unwrap_or(u64::MAX));
        let first = self.window.last()?.taken.as_millis().saturating_sub(change.over_ms);
        let since = since.unwrap_or(Timestamp::from_millis(first));
        let text = format!(
            "p95 {:.1} ms against {:.1} ms of {name}, over {} %, {} requests in {} s",
            new as f64 / 1000.0,
            base as f64 / 1000.0,
            rule.over_percent,
            change.requests,
            change.over_ms.div_ceil(1000)
        );
        let (observed, limit) = (new as f64 / 1000.0, base as f64 * rule.over_percent as f64 / 100_000.0);
        Some(breach(RuleName::ResponseTime, observed, limit, since, text, None))
    }

    /// Stable's p95 while both serve; `None` at 100 % and without enough requests.
    fn stable_p95(&self, rule: &ResponseTime) -> Option<u64> {
        if self.percent >= 100 {
            return None;
        }
        p95(&self.window.change(rule.window_ms, stable_arm)?, rule.min_requests)
    }

    fn record_baseline(&mut self) {
        let Some(rule) = self.rules.response_time else { return };
        if let (Some(p95), Some(last)) = (self.stable_p95(&rule), self.window.last()) {
            self.recorded = Some((p95, last.taken));
        }
    }

    fn enough(&mut self) -> bool {
        let Some(last) = self.window.last() else { return false };
        if last.taken < self.weighed {
            return false;
        }
        let requests = last.new.requests;
        // A counter below its start was counted anew.
        let start = self.at_weight.filter(|start| *start <= requests).unwrap_or(requests);
        self.at_weight = Some(start);
        requests - start >= self.rules.min_requests
    }
}

impl From<Rules> for Literal {
    fn from(rules: Rules) -> Self {
        Self::new(rules)
    }
}

impl Judge for Literal {
    fn weighed(&mut self, at: Timestamp, percent: u8) {
        self.percent = percent;
        self.weighed = at;
        self.at_weight = None;
    }

    fn judge(&mut self, _now: Timestamp, sample: Option<&Sample>) -> Verdict {
        let Some(sample) = sample else { return Verdict::NoData };
        self.window.push(sample.clone());
        self.record_baseline();
        let breaches = self.breaches();
        if !breaches.is_empty() {
            return Verdict::Regressed(breaches);
        }
        if self.enough() { Verdict::Healthy } else { Verdict::Undecided }
    }

    fn shown(&self) -> Shown {
        let show = |change: Change| ArmShown {
            requests: change.requests,
            errors: change.errors(),
            over_ms: change.over_ms,
            p95_us: change.latency.quantile(95).map(|q| q.estimate_us),
        };
        Shown {
            new: self.window.change(SHOWN_MS, |s| Some(&s.new)).map(show).unwrap_or_default(),
            stable: self.window.change(SHOWN_MS, stable_arm).map(show),
        }
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        self.window.visit(v);
        v.time(&mut self.weighed);
        if let Some((_, at)) = &mut self.recorded {
            v.time(at);
        }
    }
}

const fn stable_arm(sample: &Sample) -> Option<&Arm> {
    sample.stable.as_ref()
}

fn of_slot(sample: &Sample, slot: u32) -> Option<&Instance> {
    sample.new.instances.iter().find(|instance| instance.slot == slot)
}

fn p95(change: &Change, min_requests: u64) -> Option<u64> {
    if change.requests < min_requests {
        return None;
    }
    change.latency.quantile(95).map(|q| q.estimate_us)
}

fn over_ppm(part: u64, whole: u64, ppm: u64) -> bool {
    u128::from(part) * 1_000_000 > u128::from(whole) * u128::from(ppm)
}

fn breach(
    rule: RuleName,
    observed: f64,
    limit: f64,
    since: Timestamp,
    text: String,
    slot: Option<u32>,
) -> Breach {
    let finite = |value| Finite::new(value).unwrap_or_default();
    Breach { rule, observed: finite(observed), limit: finite(limit), since, slot, text }
}
