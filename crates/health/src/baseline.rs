//! Baselines: what a service does in each hour of the week, with age and confidence. Never silently stale.

use std::collections::BTreeMap;
use std::fmt;

use machine::Millis;
use serde::{Deserialize, Serialize};

use crate::Finite;
use crate::sequential::Counts;
use crate::sequential::numerics::clopper_pearson;

/// Hours of a week.
const HOURS: u64 = 168;
const HOUR_MS: u64 = 3_600_000;
/// Hours from the Monday before to the first moment of 1970, a Thursday.
const FIRST: u64 = 72;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Older records are not used.
pub const MOST_AGE_MS: u64 = 5 * 7 * 24 * HOUR_MS;
/// Fewest requests with which a record says anything.
pub const FEWEST: u64 = 1_000;
/// By so much may a record be ahead of a clock that was set right since.
pub const SLACK_MS: u64 = 60_000;
/// Most services that are recorded.
const MOST_SERVICES: usize = 4_096;

/// An hour of the week of wall time (UTC), from Monday at midnight on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct HourOfWeek(u8);

impl HourOfWeek {
    /// The hour of a wall time, in milliseconds since 1970.
    pub const fn of(wall_ms: u64) -> Self {
        Self(((wall_ms / HOUR_MS + FIRST) % HOURS) as u8)
    }
}

impl fmt::Display for HourOfWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = DAYS.get(usize::from(self.0 / 24)).unwrap_or(&"?");
        write!(f, "{day} {:02}:00 UTC", self.0 % 24)
    }
}

impl From<HourOfWeek> for u64 {
    fn from(hour: HourOfWeek) -> Self {
        hour.0.into()
    }
}

impl TryFrom<u64> for HourOfWeek {
    type Error = &'static str;
    fn try_from(hour: u64) -> Result<Self, Self::Error> {
        u8::try_from(hour).ok().filter(|_| hour < HOURS).map(Self).ok_or("an hour of the week is 0 to 167")
    }
}

/// One hour of the week, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    requests: u64,
    bad: u64,
    recorded_ms: u64,
    weeks: u32,
}

/// One hour of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
struct Hour {
    counts: Counts,
    /// Wall time of the last record in it, in milliseconds since 1970.
    recorded_ms: u64,
    /// Weeks that are in it.
    weeks: u32,
}

impl From<Hour> for Written {
    fn from(hour: Hour) -> Self {
        let Hour { counts: Counts { requests, bad }, recorded_ms, weeks } = hour;
        Self { requests, bad, recorded_ms, weeks }
    }
}

impl TryFrom<Written> for Hour {
    type Error = &'static str;
    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { requests, bad, recorded_ms, weeks } = written;
        let counts = Counts::new(requests, bad)
            .ok_or("more bad requests than requests, or more than can be counted")?;
        Ok(Self { counts, recorded_ms, weeks })
    }
}

/// Records by service and hour of the week. Times are wall times, given by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Baselines(BTreeMap<String, BTreeMap<HourOfWeek, Hour>>);

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
        /// How long ago it was recorded.
        age_ms: Millis,
    },
    /// Nothing was recorded.
    Unknown,
    /// Recorded after now: a clock went back, here or there.
    Ahead {
        /// By so much.
        by_ms: Millis,
    },
}

/// Why something is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// No room for another service.
    #[error("there are {MOST_SERVICES} services already")]
    Full,
    /// What is known of its hour is newer: how much it counts can no longer be said.
    #[error("a later week of that hour is recorded already")]
    Older,
}

impl Baselines {
    /// Records what a healthy stable revision did, in the order of time. Older weeks count half as much with each new
    /// one.
    ///
    /// # Errors
    /// It has no place; nothing is changed.
    pub fn record(&mut self, service: &str, wall_ms: u64, counts: Counts) -> Result<(), NotRecorded> {
        if self.0.len() >= MOST_SERVICES && !self.0.contains_key(service) {
            return Err(NotRecorded::Full);
        }
        let hour = HourOfWeek::of(wall_ms);
        let fresh = Hour { counts: Counts::default(), recorded_ms: wall_ms, weeks: 0 };
        let hours = self.0.entry(service.to_owned()).or_default();
        let known = hours.entry(hour).or_insert(fresh);
        if known.recorded_ms.saturating_sub(wall_ms) > HOUR_MS {
            return Err(NotRecorded::Older);
        }
        let another_week = wall_ms.saturating_sub(known.recorded_ms) > HOUR_MS;
        if another_week {
            known.counts = Counts { requests: known.counts.requests / 2, bad: known.counts.bad.div_ceil(2) };
        }
        if another_week || known.weeks == 0 {
            known.weeks = known.weeks.saturating_add(1);
        }
        known.counts = known.counts.plus(counts);
        known.recorded_ms = known.recorded_ms.max(wall_ms);
        Ok(())
    }

    /// What a service does in an hour of the week, as it is known at a wall time.
    pub fn at(&self, service: &str, hour: HourOfWeek, now_ms: u64) -> Baseline {
        let Some(known) = self.0.get(service).and_then(|hours| hours.get(&hour)) else {
            return Baseline::Unknown;
        };
        let by_ms = known.recorded_ms.saturating_sub(now_ms);
        if by_ms > SLACK_MS {
            return Baseline::Ahead { by_ms };
        }
        let age_ms = now_ms.saturating_sub(known.recorded_ms);
        let counts = known.counts;
        if age_ms > MOST_AGE_MS {
            return Baseline::Stale { age_ms };
        }
        if counts.requests < FEWEST {
            return Baseline::Thin { requests: counts.requests, age_ms };
        }
        let (low, high) = clopper_pearson(counts.bad, counts.requests, 0.025);
        let finite = |value| Finite::new(value).unwrap_or_default();
        Baseline::Known { counts, age_ms, low: finite(low), high: finite(high), weeks: known.weeks }
    }

    /// The services that are recorded.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The hours of a service of which something is recorded: requests, bad ones, weeks.
    pub fn hours(&self, service: &str) -> impl Iterator<Item = (HourOfWeek, Counts, u32)> {
        let hours = self.0.get(service).into_iter().flatten();
        hours.map(|(hour, known)| (*hour, known.counts, known.weeks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK_MS: u64 = HOURS * HOUR_MS;

    fn at(all: &Baselines, service: &str, wall_ms: u64) -> Baseline {
        all.at(service, HourOfWeek::of(wall_ms), wall_ms)
    }

    #[test]
    fn a_record_is_of_its_hour_has_an_age_and_grows_stale() {
        let mut all = Baselines::default();
        let start = 1_000 * WEEK_MS;
        assert_eq!(all.record("api", start, Counts { requests: 10_000, bad: 10 }), Ok(()));
        let Baseline::Known { counts, age_ms, low, high, weeks } = at(&all, "api", start + 60_000) else {
            panic!("known");
        };
        assert_eq!((counts.bad, age_ms, weeks), (10, 60_000, 1));
        assert!(low.value() < 0.001 && high.value() > 0.001 && high.value() < 0.002);
        assert_eq!(at(&all, "api", start + HOUR_MS), Baseline::Unknown, "another hour");
        assert_eq!(at(&all, "web", start), Baseline::Unknown);
        assert_eq!(at(&all, "api", start + 6 * WEEK_MS), Baseline::Stale { age_ms: 6 * WEEK_MS });
        assert_eq!(all.record("web", start, Counts { requests: 10, bad: 0 }), Ok(()));
        assert_eq!(at(&all, "web", start), Baseline::Thin { requests: 10, age_ms: 0 });
        assert_eq!(at(&all, "api", start - WEEK_MS), Baseline::Ahead { by_ms: WEEK_MS });
    }

    #[test]
    fn an_older_week_counts_half_and_none_is_put_before_a_newer_one() {
        let mut all = Baselines::default();
        assert_eq!(all.record("api", 0, Counts { requests: 10_000, bad: 100 }), Ok(()));
        assert_eq!(all.record("api", WEEK_MS, Counts { requests: 10_000, bad: 0 }), Ok(()));
        let Baseline::Known { counts, weeks, .. } = at(&all, "api", WEEK_MS) else { panic!("known") };
        assert_eq!((counts, weeks), (Counts { requests: 15_000, bad: 50 }, 2));
        let before = all.clone();
        assert_eq!(all.record("api", 0, Counts { requests: 10_000, bad: 0 }), Err(NotRecorded::Older));
        assert_eq!(all, before);
    }

    #[test]
    fn hours_have_the_names_of_the_week() {
        let name = |wall_ms: u64| HourOfWeek::of(wall_ms).to_string();
        assert_eq!(name(0), "Thu 00:00 UTC");
        assert_eq!(name(1_796_047_463_000), "Mon 14:00 UTC");
        assert_eq!(name(4 * 24 * HOUR_MS - 1), "Sun 23:00 UTC");
        assert_eq!(u64::from(HourOfWeek::of(4 * 24 * HOUR_MS)), 0);
    }
}
