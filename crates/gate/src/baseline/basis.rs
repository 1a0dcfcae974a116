//! The baseline that a gate goes by: what was found for its hour of the week, or why it is not used.

use health::Finite;
use health::baseline::{Baseline, FEWEST, HourOfWeek, MOST_AGE_MS};
use health::sequential::Recorded;
use serde::{Deserialize, Serialize};

use crate::units::{percent, span};

/// How many times the recorded rate is still nothing unusual.
const DRIFT: f64 = 1.5;

/// What was found for the hour of the week in which a gate began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The hour, in words.
    pub hour: String,
    /// It is what the canary is compared with, beside stable.
    pub used: bool,
    /// What was found.
    #[serde(flatten)]
    pub found: Baseline,
}

impl Basis {
    /// Only what is known is used.
    pub fn new(hour: HourOfWeek, found: Baseline) -> Self {
        Self { hour: hour.to_string(), used: matches!(found, Baseline::Known { .. }), found }
    }

    /// In a word: `known`, `stale`, `thin`, `unknown`, `ahead`.
    pub const fn state(&self) -> &'static str {
        state(&self.found)
    }

    /// In a sentence, with age, weeks and interval.
    pub fn told(&self) -> String {
        let what = match self.found {
            Baseline::Known { counts, age_ms, low, high, weeks } => format!(
                "{} of {} requests failed ({} to {} with 95 %), {}, the newest part {} old",
                percent(counts.rate()),
                counts.requests,
                percent(low.value()),
                percent(high.value()),
                counted(weeks),
                span(age_ms)
            ),
            Baseline::Stale { age_ms } => {
                format!("stale, {} old, and at most {} is taken: not used", span(age_ms), span(MOST_AGE_MS))
            }
            Baseline::Thin { requests, age_ms } => format!(
                "thin, {requests} requests of the {FEWEST} that are needed, {} old: not used",
                span(age_ms)
            ),
            Baseline::Unknown => "unknown, nothing is recorded of this hour: not used".to_owned(),
            Baseline::Ahead { by_ms } => {
                format!("recorded {} after now, so a clock went back: not used", span(by_ms))
            }
        };
        format!("{}: {what}", self.hour)
    }

    /// For the tests; nothing when it is not used.
    pub fn recorded(&self) -> Option<Recorded> {
        match self.found {
            Baseline::Known { counts, .. } if self.used => {
                Finite::new(DRIFT).map(|drift| Recorded { counts, drift })
            }
            _ => None,
        }
    }
}

/// A baseline in a word.
pub(super) const fn state(found: &Baseline) -> &'static str {
    match found {
        Baseline::Known { .. } => "known",
        Baseline::Stale { .. } => "stale",
        Baseline::Thin { .. } => "thin",
        Baseline::Unknown => "unknown",
        Baseline::Ahead { .. } => "ahead",
    }
}

fn counted(weeks: u32) -> String {
    if weeks == 1 { "1 week".to_owned() } else { format!("{weeks} weeks") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use health::sequential::Counts;

    #[test]
    fn only_a_known_baseline_is_used_and_each_is_told_with_its_age() {
        let finite = |value| Finite::new(value).unwrap();
        let known = Baseline::Known {
            counts: Counts { requests: 360_000, bad: 324 },
            age_ms: 600_000,
            low: finite(0.0008),
            high: finite(0.001),
            weeks: 3,
        };
        for (found, used, told) in [
            (
                known,
                true,
                "0.090 % of 360000 requests failed (0.080 % to 0.10 % with 95 %), 3 weeks, the newest part 10 min old",
            ),
            (
                Baseline::Stale { age_ms: 3_628_800_000 },
                false,
                "stale, 42.0 d old, and at most 35.0 d is taken: not used",
            ),
            (
                Baseline::Thin { requests: 10, age_ms: 5_000 },
                false,
                "thin, 10 requests of the 1000 that are needed, 5.0 s old: not used",
            ),
            (Baseline::Unknown, false, "unknown, nothing is recorded of this hour: not used"),
            (
                Baseline::Ahead { by_ms: 120_000 },
                false,
                "recorded 120 s after now, so a clock went back: not used",
            ),
        ] {
            let basis = Basis::new(HourOfWeek::of(0), found);
            assert_eq!(basis.told(), format!("Thu 00:00 UTC: {told}"));
            assert_eq!((basis.used, basis.recorded().is_some()), (used, used), "{told}");
            let json = serde_json::to_string(&basis).unwrap();
            assert_eq!(serde_json::from_str::<Basis>(&json).unwrap(), basis, "{json}");
        }
    }
}
