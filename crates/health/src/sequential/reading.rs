//! One scrape of both arms, and what is added from one successful scrape of an instance to its next.
//!
//! A lost scrape loses nothing, a restart begins a new stratum, and what is no count is refused with a reason.

use std::collections::BTreeMap;

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::{Counts, Edges, Pair};
use crate::Latency;

/// Instances of both arms that are followed; more are refused.
const MOST_INSTANCES: usize = 512;

/// The number of what an arm counts beside its instances, or without them. It is never blamed.
pub const WHOLE: u32 = u32::MAX;

/// Why a value or a reading is not evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// NaN, also the stale marker.
    #[error("not a number")]
    NotANumber,
    /// Plus or minus infinity.
    #[error("infinite")]
    Infinite,
    /// Below zero.
    #[error("negative")]
    Negative,
    /// More than can be counted exactly.
    #[error("too large to be a count")]
    TooLarge,
    /// A counter fell and its process did not start again.
    #[error("a counter fell without a restart")]
    Fell,
    /// More bad events than requests.
    #[error("more bad events than requests")]
    MoreBadThanRequests,
    /// Not later than the reading before it.
    #[error("not later than the last reading")]
    OutOfOrder,
    /// The histogram lacks a bound at which it is compared.
    #[error("the histogram has other bounds")]
    OtherBounds,
    /// More instances than are followed.
    #[error("too many instances")]
    TooMany,
}

/// A sample's value as a count; what is no count is refused and never coerced.
pub fn count_of(value: f64) -> Result<u64, Refused> {
    if value.is_nan() {
        Err(Refused::NotANumber)
    } else if value.is_infinite() {
        Err(Refused::Infinite)
    } else if value < 0.0 {
        Err(Refused::Negative)
    } else if value > 9_007_199_254_740_992.0 {
        Err(Refused::TooLarge)
    } else {
        Ok(value as u64)
    }
}

/// Both arms at one scrape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reading {
    /// When.
    pub taken: Timestamp,
    /// The revision under evaluation.
    pub canary: Vec<Seen>,
    /// The trusted one.
    pub stable: Vec<Seen>,
}

/// One instance at one scrape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seen {
    /// Its number within its arm.
    pub instance: u32,
    /// What it counted; `None` when the scrape failed.
    pub counters: Option<Counters>,
}

/// Cumulative counters of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counters {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, bad.
    pub bad: u64,
    /// Durations, empty when there is no histogram.
    pub latency: Latency,
    /// When its process started, in milliseconds of the run; before it, negative. `None` when that is not known.
    pub started: Option<i64>,
}

/// What one arm added between two readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArmAdded {
    /// Requests and bad ones.
    pub counts: Counts,
    /// By instance.
    pub by_instance: Vec<(u32, Counts)>,
    /// Requests with a duration, and by edge how many were slower.
    pub slower: Vec<Counts>,
    /// Scrapes tried, and how many failed.
    pub scrapes: Counts,
    /// What was refused.
    pub refused: Vec<(u32, Refused)>,
}

/// Remembers the last counters of every instance of one arm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Followed(BTreeMap<u32, Last>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Last {
    counts: Counts,
    /// Requests with a duration, and by edge how many were slower; empty without edges.
    timed: u64,
    slower: Vec<u64>,
    started: Option<i64>,
}

impl Followed {
    /// What was added since the last reading of each instance. An instance seen first adds nothing: where it began is
    /// not known.
    ///
    /// `began` is when the stretch began: durations of a process that was younger then than `grace_ms` are not counted,
    /// for a cold start is no regression.
    pub fn added(
        &mut self,
        arm: &[Seen],
        edges: Option<&Edges>,
        began: Timestamp,
        grace_ms: u64,
    ) -> ArmAdded {
        let width = edges.map_or(0, |edges| edges.bounds().len());
        let mut all = ArmAdded { slower: vec![Counts::default(); width], ..ArmAdded::default() };
        for seen in arm {
            let failed = seen.counters.is_none();
            all.scrapes = all.scrapes.plus(Counts { requests: 1, bad: u64::from(failed) });
            let Some(counters) = &seen.counters else { continue };
            let warm = counters.started.is_none_or(|started| {
                let age = began.as_millis().cast_signed().saturating_sub(started);
                age >= 0 && age as u64 >= grace_ms
            });
            if let Err(why) = self.one(seen.instance, counters, edges, warm, &mut all) {
                all.refused.push((seen.instance, why));
            }
        }
        all
    }

    fn one(
        &mut self,
        id: u32,
        counters: &Counters,
        edges: Option<&Edges>,
        warm: bool,
        all: &mut ArmAdded,
    ) -> Result<(), Refused> {
        if counters.bad > counters.requests {
            return Err(Refused::MoreBadThanRequests);
        }
        let slower = match edges {
            Some(edges) if !counters.latency.buckets().is_empty() => {
                edges.slower(&counters.latency).ok_or(Refused::OtherBounds)?
            }
            _ => vec![],
        };
        let now = Last {
            counts: Counts { requests: counters.requests, bad: counters.bad },
            timed: counters.latency.total(),
            slower,
            started: counters.started,
        };
        let Some(last) = self.0.get(&id) else {
            if self.0.len() >= MOST_INSTANCES {
                return Err(Refused::TooMany);
            }
            self.0.insert(id, now);
            return Ok(());
        };
        match difference(last, &now) {
            Some((counts, timed, slower)) if Counts::new(counts.requests, counts.bad).is_some() => {
                all.counts = all.counts.plus(counts);
                all.by_instance.push((id, counts));
                for (sum, bad) in all.slower.iter_mut().zip(slower).filter(|_| warm) {
                    *sum = sum.plus(Counts { requests: timed, bad: bad.min(timed) });
                }
            }
            // Started again: a new stratum begins. Without a start time a fall is taken as one.
            _ if last.started != now.started || now.started.is_none() => {}
            _ => return Err(Refused::Fell),
        }
        self.0.insert(id, now);
        Ok(())
    }
}

fn difference(last: &Last, now: &Last) -> Option<(Counts, u64, Vec<u64>)> {
    if last.started != now.started {
        return None;
    }
    let requests = now.counts.requests.checked_sub(last.counts.requests)?;
    let bad = now.counts.bad.checked_sub(last.counts.bad)?;
    let timed = now.timed.checked_sub(last.timed)?;
    if last.slower.len() != now.slower.len() {
        return Some((Counts { requests, bad }, 0, vec![]));
    }
    let slower = now.slower.iter().zip(&last.slower).map(|(now, last)| now.checked_sub(*last));
    Some((Counts { requests, bad }, timed, slower.collect::<Option<Vec<_>>>()?))
}

/// What both arms added from one reading to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Of the reading before.
    pub from: Timestamp,
    /// Of this reading.
    pub to: Timestamp,
    /// The revision under evaluation.
    pub canary: ArmAdded,
    /// The trusted one.
    pub stable: ArmAdded,
}

impl Added {
    /// Requests and bad ones of both.
    pub const fn counts(&self) -> Pair {
        Pair { canary: self.canary.counts, stable: self.stable.counts }
    }

    /// Scrapes tried and failed of both.
    pub const fn scrapes(&self) -> Pair {
        Pair { canary: self.canary.scrapes, stable: self.stable.scrapes }
    }

    /// Slower than each edge, of both.
    pub fn slower(&self) -> Vec<Pair> {
        let both = self.canary.slower.iter().zip(&self.stable.slower);
        both.map(|(canary, stable)| Pair { canary: *canary, stable: *stable }).collect()
    }
}

/// Both arms as they were last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sampler {
    taken: Option<Timestamp>,
    canary: Followed,
    stable: Followed,
}

impl Sampler {
    /// Takes a reading. The first one begins everything, and adds nothing.
    pub fn added(
        &mut self,
        reading: &Reading,
        edges: Option<&Edges>,
        grace_ms: u64,
    ) -> Result<Added, Refused> {
        let from = self.taken.unwrap_or(reading.taken);
        if self.taken.is_some_and(|last| reading.taken <= last) {
            return Err(Refused::OutOfOrder);
        }
        self.taken = Some(reading.taken);
        Ok(Added {
            from,
            to: reading.taken,
            canary: self.canary.added(&reading.canary, edges, from, grace_ms),
            stable: self.stable.added(&reading.stable, edges, from, grace_ms),
        })
    }

    /// The canary's evidence begins here: what it counted before is not looked at (I26).
    pub fn forget_canary(&mut self) {
        self.canary = Followed::default();
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(taken) = &mut self.taken {
            v.time(taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(requests: u64, bad: u64, started: i64) -> Seen {
        let counters = Counters { requests, bad, started: Some(started), ..Counters::default() };
        Seen { instance: 0, counters: Some(counters) }
    }

    #[test]
    fn a_lost_scrape_loses_nothing_a_restart_begins_anew_and_a_fall_is_refused() {
        let mut arm = Followed::default();
        assert_eq!(arm.added(&[seen(100, 1, 7)], None, Timestamp::ZERO, 0).counts, Counts::default());
        let lost = arm.added(&[Seen { instance: 0, counters: None }], None, Timestamp::ZERO, 0);
        assert_eq!((lost.counts, lost.scrapes), (Counts::default(), Counts { requests: 1, bad: 1 }));
        assert_eq!(
            arm.added(&[seen(150, 3, 7)], None, Timestamp::ZERO, 0).counts,
            Counts { requests: 50, bad: 2 }
        );
        let fell = arm.added(&[seen(140, 3, 7)], None, Timestamp::ZERO, 0);
        assert_eq!((fell.counts, fell.refused), (Counts::default(), vec![(0, Refused::Fell)]));
        assert_eq!(arm.added(&[seen(5, 5, 8)], None, Timestamp::ZERO, 0).counts, Counts::default());
        assert_eq!(
            arm.added(&[seen(9, 6, 8)], None, Timestamp::ZERO, 0).counts,
            Counts { requests: 4, bad: 1 }
        );
        assert_eq!(
            arm.added(&[seen(9, 10, 8)], None, Timestamp::ZERO, 0).refused,
            [(0, Refused::MoreBadThanRequests)]
        );
    }

    #[test]
    fn what_is_no_count_has_a_name() {
        let refused = [f64::NAN, f64::INFINITY, -1.0, 1e300].map(|value| count_of(value).unwrap_err());
        assert_eq!(refused, [Refused::NotANumber, Refused::Infinite, Refused::Negative, Refused::TooLarge]);
        assert_eq!(count_of(12.0), Ok(12));
    }
}
