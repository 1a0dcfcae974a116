//! Rules as they are worded, and what each does with a played rollout.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::own;
use super::played::{Fault, Traffic, play};
use crate::sequential::{Metric, Plan, Sequential};
use crate::{Finite, Judge, Literal, Rules, Sample, Verdict, Window};

const FIVE_MINUTES_MS: u64 = 300_000;
/// From this share on stable serves nobody.
const CUT_OVER: u8 = 100;

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// At failed requests.
    Errors,
    /// At durations.
    Latency,
    /// At probes.
    Probes,
}

impl Looks {
    /// The fault by which a rule of this kind is tried: 5 % errors (or ten times the usual ones), or half as slow again.
    pub(super) fn fault(self, traffic: &Traffic) -> Option<Fault> {
        let errors = (10.0 * traffic.error_rate.value()).clamp(0.05, 1.0);
        match self {
            Self::Errors => Finite::new(errors).map(Fault::Errors),
            Self::Latency => Finite::new(1.5).map(Fault::Slow),
            Self::Probes => None,
        }
    }
}

/// A rule as the design words it (`guarded: false`), or with the evidence that it needs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worded {
    /// More than 10 answers of 500 or above in a minute.
    ServerErrors {
        /// And more than 1 % of the requests.
        guarded: bool,
    },
    /// More than 1 % errors over 5 minutes.
    ErrorRate {
        /// And at least 200 requests and 4 errors.
        guarded: bool,
    },
    /// `rate(errors[5m]) > 0.01`
    ErrorsASecond,
    /// 95th percentile over twice that of stable.
    ResponseTime {
        /// And at least 200 requests and 50 ms.
        guarded: bool,
    },
    /// Three failed probes in a row.
    HealthCheck,
    /// Sequential tests, of one kind of metric.
    Tests {
        /// Allowed chance of a false rollback, in parts per million.
        alpha_ppm: u32,
        /// At what.
        looks: Looks,
    },
    /// One literal rule as somebody else words it; see [`Worded::own`].
    Own(Rules),
}

impl Worded {
    /// The literal rules with and without guards, the alert of the design, and the sequential tests beside them.
    pub const ALL: [Self; 10] = [
        Self::ServerErrors { guarded: false },
        Self::ServerErrors { guarded: true },
        Self::ErrorRate { guarded: false },
        Self::ErrorRate { guarded: true },
        Self::ErrorsASecond,
        Self::Tests { alpha_ppm: 10_000, looks: Looks::Errors },
        Self::ResponseTime { guarded: false },
        Self::ResponseTime { guarded: true },
        Self::Tests { alpha_ppm: 10_000, looks: Looks::Latency },
        Self::HealthCheck,
    ];

    /// What it looks at.
    pub const fn looks(self) -> Looks {
        match self {
            Self::ServerErrors { .. } | Self::ErrorRate { .. } | Self::ErrorsASecond => Looks::Errors,
            Self::ResponseTime { .. } => Looks::Latency,
            Self::HealthCheck => Looks::Probes,
            Self::Tests { looks, .. } => looks,
            Self::Own(rules) => own::looks(&rules),
        }
    }

    /// In words.
    pub fn words(self) -> String {
        let guard = |guarded: bool, words: &str| if guarded { format!(", {words}") } else { String::new() };
        match self {
            Self::ServerErrors { guarded } => format!("5xx > 10/min{}", guard(guarded, "and > 1 %")),
            Self::ErrorRate { guarded } => {
                format!("error rate > 1 % in 5 min{}", guard(guarded, "200 req, 4 errors"))
            }
            Self::ErrorsASecond => "alert rate(5xx[5m]) > 0.01".to_owned(),
            Self::ResponseTime { guarded } => {
                format!("p95 > 2x stable{}", guard(guarded, "200 req, 50 ms"))
            }
            Self::HealthCheck => "3 failed probes in a row".to_owned(),
            Self::Tests { alpha_ppm, looks } => {
                let what = if looks == Looks::Latency { "latency" } else { "errors" };
                format!("sequential test of {what}, alpha {} %", f64::from(alpha_ppm) / 10_000.0)
            }
            Self::Own(rules) => own::words(&rules),
        }
    }

    /// The rule alone among the literal ones; `None` when it is none of them.
    fn literal(self) -> Option<Rules> {
        let design = Rules::design(None);
        let mut rules = Rules::none();
        match self {
            Self::ServerErrors { guarded } => {
                rules.server_errors = design.server_errors;
                if let (Some(rule), false) = (&mut rules.server_errors, guarded) {
                    rule.over_ppm = 0;
                }
            }
            Self::ErrorRate { guarded } => {
                rules.error_rate = design.error_rate;
                if let (Some(rule), false) = (&mut rules.error_rate, guarded) {
                    (rule.min_requests, rule.min_errors) = (1, 1);
                }
            }
            Self::ResponseTime { guarded } => {
                rules.response_time = design.response_time;
                if let (Some(rule), false) = (&mut rules.response_time, guarded) {
                    (rule.min_requests, rule.min_diff_us) = (1, 0);
                }
            }
            Self::Own(own) if own.health_check.is_none() => rules = own,
            _ => return None,
        }
        Some(rules)
    }

    /// Whether it sends a played rollout back.
    pub(super) fn sends_back(self, traffic: &Traffic, fault: Option<Fault>, chance: &mut Chance) -> bool {
        match (self, self.literal()) {
            (_, Some(rules)) => judged(Literal::new(rules), traffic, fault, chance),
            (Self::Tests { alpha_ppm, looks }, _) => {
                let metric = if looks == Looks::Latency { Metric::Latency } else { Metric::Errors };
                let alpha = Finite::ratio(alpha_ppm.into(), 1_000_000);
                let plan = Plan { alpha, ..Plan::new(traffic.scrapes()).only(metric) };
                judged(Sequential::new(plan), traffic, fault, chance)
            }
            (Self::HealthCheck, _) => probes(&Rules::design(None), traffic, chance),
            (Self::Own(rules), _) => probes(&rules, traffic, chance),
            _ => errors_a_second(traffic, fault, chance),
        }
    }
}

fn judged(mut judge: impl Judge, traffic: &Traffic, fault: Option<Fault>, chance: &mut Chance) -> bool {
    let (mut back, mut before) = (false, 0);
    play(traffic, fault, chance, |sample, percent| {
        // The share of the next stretch is set after its beginning was sampled.
        if percent != before {
            let from = Timestamp::from_millis(sample.taken.as_millis().saturating_sub(traffic.scrape_ms));
            judge.weighed(if before == 0 { sample.taken } else { from }, percent);
            before = percent;
        }
        let alone = Sample { stable: None, ..sample.clone() };
        let heard = if percent >= CUT_OVER { &alone } else { sample };
        back = matches!(judge.judge(sample.taken, Some(heard)), Verdict::Regressed(_));
        !back
    });
    back
}

/// The alert as the design writes it: errors a second, compared with what reads as a ratio.
fn errors_a_second(traffic: &Traffic, fault: Option<Fault>, chance: &mut Chance) -> bool {
    let (mut window, mut back) = (Window::new(FIVE_MINUTES_MS), false);
    play(traffic, fault, chance, |sample, _| {
        window.push(sample.clone());
        let change = window.change(FIVE_MINUTES_MS, |s| Some(&s.new));
        back = change.is_some_and(|c| c.server_errors as f64 * 1_000.0 / c.over_ms.max(1) as f64 > 0.01);
        !back
    });
    back
}

/// So many in a row at one instance, anywhere in the rollout.
fn probes(rules: &Rules, traffic: &Traffic, chance: &mut Chance) -> bool {
    let probes = traffic.over_ms() / traffic.probe_ms.max(1);
    let limit = rules.health_check.map_or(u32::MAX, |rule| rule.failures);
    (0..traffic.pods).any(|_| {
        let mut row = 0;
        (0..probes).any(|_| {
            row = if chance.unit() < traffic.flaky.value() { row + 1 } else { 0 };
            row >= limit
        })
    })
}
