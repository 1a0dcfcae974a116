//! Baselines: what a service does in each hour of the week, with age and confidence. Never silently stale.

use std::collections::BTreeMap;

use machine::Millis;
use serde::{Deserialize, Serialize};

use crate::Finite;
use crate::sequential::Counts;
use crate::sequential::numerics::clopper_pearson;

/// Hours of a week.
const HOURS: u64 = 168;
const HOUR_MS: u64 = 3_600_000;
/// Older records are not used.
const MOST_AGE_MS: u64 = 5 * 7 * 24 * HOUR_MS;
/// Fewest requests with which a record says anything.
const FEWEST: u64 = 1_000;
/// Most services that are recorded.
const MOST_SERVICES: usize = 4_096;

/// One hour of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Hour {
    counts: Counts,
    /// Wall time of the last record in it, in milliseconds since 1970.
    recorded_ms: u64,
    /// Weeks that are in it.
    weeks: u32,
}

/// Records by service and hour of the week. Times are wall times, given by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Baselines(BTreeMap<String, BTreeMap<u64, Hour>>);

/// A baseline, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Recent enough, and enough of it.
    Known {
        /// Requests and bad ones.
        counts: Counts,
        /// How long ago the newest part was recorded.
        age_ms: Millis,
        /// Where the rate lies with 95 %: lower end.
        low: Finite,
        /// Upper end.
        high: Finite,
        /// Weeks that are in it.
        weeks: u32,
    },
    /// Too old to be used.
    Stale {
        /// How long ago it was recorded.
        age_ms: Millis,
    },
    /// Too few requests.
    Thin {
        /// So many.
        requests: u64,
    },
    /// Nothing was recorded.
    Unknown,
}

impl Baselines {
    /// Records what a healthy stable revision did. Older weeks count half as much with each new one. False when there
    /// is no room for another service.
    pub fn record(&mut self, service: &str, wall_ms: u64, counts: Counts) -> bool {
        if self.0.len() >= MOST_SERVICES && !self.0.contains_key(service) {
            return false;
        }
        let hour = wall_ms / HOUR_MS % HOURS;
        let fresh = Hour { counts: Counts::default(), recorded_ms: wall_ms, weeks: 0 };
        let hours = self.0.entry(service.to_owned()).or_default();
        let known = hours.entry(hour).or_insert(fresh);
        let another_week = wall_ms.saturating_sub(known.recorded_ms) > HOUR_MS;
        if another_week {
            known.counts = Counts { requests: known.counts.requests / 2, bad: known.counts.bad.div_ceil(2) };
        }
        if another_week || known.weeks == 0 {
            known.weeks = known.weeks.saturating_add(1);
        }
        known.counts = known.counts.plus(counts);
        known.recorded_ms = known.recorded_ms.max(wall_ms);
        true
    }

    /// What a service does at this hour of the week.
    pub fn at(&self, service: &str, wall_ms: u64) -> Baseline {
        let hour = wall_ms / HOUR_MS % HOURS;
        let Some(known) = self.0.get(service).and_then(|hours| hours.get(&hour)) else {
            return Baseline::Unknown;
        };
        let age_ms = wall_ms.saturating_sub(known.recorded_ms);
        let counts = known.counts;
        if age_ms > MOST_AGE_MS {
            return Baseline::Stale { age_ms };
        }
        if counts.requests < FEWEST {
            return Baseline::Thin { requests: counts.requests };
        }
        let (low, high) = clopper_pearson(counts.bad, counts.requests, 0.025);
        let finite = |value| Finite::new(value).unwrap_or_default();
        Baseline::Known { counts, age_ms, low: finite(low), high: finite(high), weeks: known.weeks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK_MS: u64 = HOURS * HOUR_MS;

    #[test]
    fn a_record_is_of_its_hour_has_an_age_and_grows_stale() {
        let mut all = Baselines::default();
        let start = 1_000 * WEEK_MS;
        assert!(all.record("api", start, Counts { requests: 10_000, bad: 10 }));
        let Baseline::Known { counts, age_ms, low, high, weeks } = all.at("api", start + 60_000) else {
            panic!("known");
        };
        assert_eq!((counts.bad, age_ms, weeks), (10, 60_000, 1));
        assert!(low.value() < 0.001 && high.value() > 0.001 && high.value() < 0.002);
        assert_eq!(all.at("api", start + HOUR_MS), Baseline::Unknown, "another hour");
        assert_eq!(all.at("web", start), Baseline::Unknown);
        assert_eq!(all.at("api", start + 6 * WEEK_MS), Baseline::Stale { age_ms: 6 * WEEK_MS });
        all.record("web", start, Counts { requests: 10, bad: 0 });
        assert_eq!(all.at("web", start), Baseline::Thin { requests: 10 });
    }

    #[test]
    fn an_older_week_counts_half() {
        let mut all = Baselines::default();
        all.record("api", 0, Counts { requests: 10_000, bad: 100 });
        all.record("api", WEEK_MS, Counts { requests: 10_000, bad: 0 });
        let Baseline::Known { counts, weeks, .. } = all.at("api", WEEK_MS) else { panic!("known") };
        assert_eq!((counts, weeks), (Counts { requests: 15_000, bad: 50 }, 2));
    }
}
