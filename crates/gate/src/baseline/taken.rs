//! What is taken into the baselines: minutes of a stable revision, each of them once.

use std::collections::{BTreeMap, BTreeSet};

use health::baseline::{HourOfWeek, NotRecorded, SLACK_MS};
use health::sequential::Counts;
use serde::{Deserialize, Serialize};

use super::BaselineFile;
use crate::history::Minutes;

const MINUTE_MS: u64 = 60_000;
const HOUR_MINUTES: u64 = 60;
/// Stretches that are remembered of a service; with more, the oldest are joined to one.
const MOST_STRETCHES: usize = 4_096;

/// Minutes since 1970 that are in the baselines: stretches in order, first and last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>")]
pub(super) struct Covered(Vec<(u64, u64)>);

impl TryFrom<Vec<(u64, u64)>> for Covered {
    type Error = &'static str;
    fn try_from(stretches: Vec<(u64, u64)>) -> Result<Self, Self::Error> {
        if stretches.iter().any(|(first, last)| first > last) {
            return Err("a stretch ends before it begins");
        }
        let apart = stretches.windows(2).all(|pair| matches!(pair, [(_, last), (next, _)] if last < next));
        if apart { Ok(Self(stretches)) } else { Err("stretches overlap or are out of order") }
    }
}

impl Covered {
    fn has(&self, minute: u64) -> bool {
        let at = self.0.partition_point(|(first, _)| *first <= minute);
        at.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| minute <= *last)
    }

    fn add(&mut self, minutes: impl IntoIterator<Item = u64>) {
        self.0.extend(minutes.into_iter().map(|minute| (minute, minute)));
        self.0.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (first, last) in self.0.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        // What lies between old stretches is then taken to be in: a minute less is no harm, one counted twice is.
        while let [(first, _), (_, last), rest @ ..] = joined.as_slice()
            && joined.len() > MOST_STRETCHES
        {
            let oldest = (*first, *last);
            joined = std::iter::once(oldest).chain(rest.iter().copied()).collect();
        }
        self.0 = joined;
    }
}

/// What was taken in, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Requests and bad ones.
    pub counts: Counts,
    /// The hours that they are of.
    pub hours: BTreeSet<HourOfWeek>,
    /// Minutes that are new.
    pub minutes: u64,
    /// Minutes that were in already.
    pub again: u64,
    /// Minutes of hours of which a later week is in.
    pub older: u64,
}

impl Taken {
    /// In lines for a person; `source` says of what.
    pub fn lines(&self, service: &str, source: &str) -> Vec<String> {
        let Self { counts: Counts { requests, bad }, hours, minutes, again, older } = self;
        let of = |n: &u64| format!("{n} {} of {source}", if *n == 1 { "minute" } else { "minutes" });
        let mut lines = Vec::new();
        if *requests > 0 {
            let hours = hours.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            lines.push(format!("{service}: {requests} requests, {bad} failed, in {} ({hours})", of(minutes)));
        }
        if *again > 0 {
            lines.push(format!("{service}: not counted again, {} in the baselines already", of(again)));
        }
        if *older > 0 {
            lines.push(format!("{service}: left out, {} before what is recorded of that hour", of(older)));
        }
        if lines.is_empty() {
            lines.push(format!("{service}: nothing added, {source} has no requests of the stable revision"));
        }
        lines
    }
}

/// Why nothing was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It lies so many milliseconds after now: a clock went back.
    Ahead(u64),
    /// There is no room for another service.
    Full,
}

impl BaselineFile {
    /// Takes in what a stable revision did from a wall time on, each minute once. With an error nothing is changed.
    ///
    /// # Errors
    /// It is from the future, or there is no room.
    pub fn take(
        &mut self,
        service: &str,
        began_ms: u64,
        of: &Minutes,
        now_ms: u64,
    ) -> Result<Taken, NotTaken> {
        let (mut next, mut taken) = (self.clone(), Taken::default());
        let covered = next.taken.entry(service.to_owned()).or_default();
        // By hour, not of the week but of all time: its last minute and its sum.
        let mut by_hour: BTreeMap<u64, (u64, u64, Counts)> = BTreeMap::new();
        let mut fresh = Vec::new();
        for (minute, counts) in of.totals() {
            let minute = began_ms / MINUTE_MS + minute;
            let ahead = (minute * MINUTE_MS).saturating_sub(now_ms);
            if ahead > SLACK_MS {
                return Err(NotTaken::Ahead(ahead));
            }
            if covered.has(minute) {
                taken.again += 1;
                continue;
            }
            fresh.push(minute);
            let (last, minutes, sum) = by_hour.entry(minute / HOUR_MINUTES).or_default();
            (*last, *minutes, *sum) = (minute, *minutes + 1, sum.plus(counts));
        }
        covered.add(fresh);
        for (last, minutes, counts) in by_hour.into_values().filter(|(.., counts)| counts.requests > 0) {
            match next.services.record(service, last * MINUTE_MS, counts) {
                Ok(()) => {
                    taken.counts = taken.counts.plus(counts);
                    taken.minutes += minutes;
                    taken.hours.insert(HourOfWeek::of(last * MINUTE_MS));
                }
                Err(NotRecorded::Older) => taken.older += minutes,
                Err(NotRecorded::Full) => return Err(NotTaken::Full),
            }
        }
        *self = next;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Count;
    use health::baseline::Baseline;

    const HOUR_MS: u64 = 3_600_000;
    const WEEK_MS: u64 = 168 * HOUR_MS;
    const NOW: u64 = 3_000 * WEEK_MS;

    /// 100 requests a minute, one in a hundred bad, for so many minutes.
    fn steady(minutes: u64) -> Minutes {
        let mut all = Minutes::default();
        for n in 0..=minutes {
            let counts = Counts { requests: 100 * n, bad: n };
            all.add(Count { instance: 0, at_ms: n * MINUTE_MS, counts, started_ms: None });
        }
        all
    }

    #[test]
    fn each_minute_counts_once_however_often_and_in_whatever_file_it_comes() {
        let (mut file, began) = (BaselineFile::default(), NOW - 2 * HOUR_MS);
        let first = file.take("api", began, &steady(90), NOW).unwrap();
        assert_eq!((first.counts, first.hours.len()), (Counts { requests: 9_000, bad: 90 }, 2));
        let kept = file.clone();
        let again = file.take("api", began, &steady(90), NOW).unwrap();
        assert_eq!((again.counts.requests, again.again), (0, 91));
        assert_eq!(file, kept, "nothing is changed");
        let grown = file.take("api", began, &steady(100), NOW).unwrap();
        assert_eq!(
            (grown.counts, grown.again),
            (Counts { requests: 1_000, bad: 10 }, 91),
            "only what is new"
        );
        assert_eq!(file.take("web", began, &steady(5), NOW).unwrap().counts.requests, 500, "another service");
        let read = BaselineFile::read(&file.write().unwrap()).unwrap();
        assert_eq!(read, file);
        let found = file.baselines().at("api", HourOfWeek::of(began), NOW);
        assert!(
            matches!(found, Baseline::Known { counts: Counts { requests: 5_900, .. }, weeks: 1, .. }),
            "{found:?}"
        );
    }

    #[test]
    fn the_future_and_an_older_week_are_not_taken() {
        let mut file = BaselineFile::default();
        assert_eq!(file.take("api", NOW + HOUR_MS, &steady(1), NOW), Err(NotTaken::Ahead(HOUR_MS)));
        assert_eq!(file, BaselineFile::default());
        assert!(file.take("api", NOW - HOUR_MS, &steady(10), NOW).is_ok());
        let older = file.take("api", NOW - HOUR_MS - WEEK_MS, &steady(10), NOW).unwrap();
        assert_eq!((older.older, older.counts.requests), (11, 0));
        assert!(older.lines("api", "week.jsonl")[0].contains("left out"), "{older:?}");
        let none = file.take("api", NOW - HOUR_MS, &Minutes::default(), NOW).unwrap();
        assert!(none.lines("api", "x")[0].contains("nothing added"), "{none:?}");
    }

    #[test]
    fn stretches_are_joined_and_bounded() {
        let mut covered = Covered::default();
        covered.add([5, 6, 9, 1]);
        assert_eq!(covered.0, [(1, 1), (5, 6), (9, 9)]);
        covered.add([7, 8]);
        assert_eq!(covered.0, [(1, 1), (5, 9)]);
        assert!(covered.has(1) && covered.has(9) && !covered.has(2) && !covered.has(10) && !covered.has(0));
        covered.add((0..5_000).map(|n| 100 + 2 * n));
        assert_eq!(covered.0.len(), MOST_STRETCHES);
        assert!(covered.has(2), "the oldest are one");
    }
}
