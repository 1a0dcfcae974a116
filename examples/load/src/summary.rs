//! What came of all requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::request::Outcome;

/// A request that was sent more than this after its due time was late.
const LATE: Duration = Duration::from_millis(50);
/// Most different revisions or versions that are counted apart.
const MAX_NAMES: usize = 64;
/// Longest duration that is told apart: an hour, in microseconds.
const MAX_US: u64 = 3_600_000_000;

/// The summary that is printed as the last line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Requests that were begun.
    pub sent: u64,
    /// Answered below 500.
    pub ok: u64,
    /// All others, the ones that were not sent included.
    pub failed: u64,
    /// Of the failed: never sent, because too many were in flight.
    pub not_sent: u64,
    /// Sent twice, because the server had closed an idle connection.
    pub retried: u64,
    /// Sent more than 50 ms after they were due.
    pub late_50ms: u64,
    /// Answers by header `x-nova-revision`.
    pub by_revision: BTreeMap<String, u64>,
    /// Answers by header `x-novacron-version`.
    pub by_version: BTreeMap<String, u64>,
    /// Median milliseconds from the due time to the whole answer.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub p99_ms: Option<f64>,
    /// Unix milliseconds at which the first failed request was due.
    pub first_failure: Option<u64>,
    /// Unix milliseconds at which the last failed request was due.
    pub last_failure: Option<u64>,
    /// Seconds from the first due time to the end of sending.
    pub seconds: f64,
}

/// Counts while requests end.
#[derive(Debug)]
pub struct Tally {
    summary: Summary,
    durations: Histogram<u64>,
}

impl Tally {
    /// Nothing counted.
    ///
    /// # Errors
    /// The histogram cannot be made.
    pub fn new() -> Result<Self, hdrhistogram::CreationError> {
        let summary = Summary {
            sent: 0,
            ok: 0,
            failed: 0,
            not_sent: 0,
            retried: 0,
            late_50ms: 0,
            by_revision: BTreeMap::new(),
            by_version: BTreeMap::new(),
            p50_ms: None,
            p99_ms: None,
            first_failure: None,
            last_failure: None,
            seconds: 0.0,
        };
        Ok(Self { summary, durations: Histogram::new_with_bounds(1, MAX_US, 3)? })
    }

    /// One is begun, so long after its due time.
    pub fn began(&mut self, after_due: Duration) {
        self.summary.sent += 1;
        self.summary.late_50ms += u64::from(after_due > LATE);
    }

    /// One could not be begun.
    pub fn not_sent(&mut self, due_ms: u64) {
        self.summary.not_sent += 1;
        self.failed(due_ms);
    }

    /// One has ended, so long after its due time.
    pub fn ended(&mut self, outcome: &Outcome, due_ms: u64, after_due: Duration) {
        self.summary.retried += u64::from(outcome.retried);
        count(&mut self.summary.by_revision, outcome.revision.as_deref());
        count(&mut self.summary.by_version, outcome.version.as_deref());
        let us = u64::try_from(after_due.as_micros()).unwrap_or(MAX_US);
        self.durations.saturating_record(us.clamp(1, MAX_US));
        if outcome.failure.is_some() {
            self.failed(due_ms);
        } else {
            self.summary.ok += 1;
        }
    }

    fn failed(&mut self, due_ms: u64) {
        let summary = &mut self.summary;
        summary.failed += 1;
        summary.first_failure = Some(summary.first_failure.map_or(due_ms, |first| first.min(due_ms)));
        summary.last_failure = Some(summary.last_failure.map_or(due_ms, |last| last.max(due_ms)));
    }

    /// The summary of a run that sent for so long.
    pub fn finish(mut self, sending: Duration) -> Summary {
        let ms = |quantile| self.durations.value_at_quantile(quantile) as f64 / 1e3;
        if !self.durations.is_empty() {
            self.summary.p50_ms = Some(ms(0.5));
            self.summary.p99_ms = Some(ms(0.99));
        }
        self.summary.seconds = sending.as_secs_f64();
        self.summary
    }
}

fn count(names: &mut BTreeMap<String, u64>, name: Option<&str>) {
    let Some(name) = name else { return };
    let name = if names.contains_key(name) || names.len() < MAX_NAMES { name } else { "others" };
    match names.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            names.insert(name.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Failure;

    fn outcome(failure: Option<Failure>, revision: &str) -> Outcome {
        Outcome { failure, retried: false, revision: Some(revision.to_owned()), version: None }
    }

    #[test]
    fn everything_is_counted_once() {
        let mut tally = Tally::new().expect("a histogram");
        for (number, failure) in [None, Some(Failure::Status(500)), None].into_iter().enumerate() {
            tally.began(Duration::from_millis(49 + number as u64));
            tally.ended(&outcome(failure, "r-a"), 1000 + number as u64, Duration::from_millis(10));
        }
        tally.not_sent(900);
        let summary = tally.finish(Duration::from_secs(2));
        assert_eq!((summary.sent, summary.ok, summary.failed, summary.not_sent), (3, 2, 2, 1));
        assert_eq!((summary.late_50ms, summary.by_revision["r-a"]), (1, 3));
        assert_eq!((summary.first_failure, summary.last_failure), (Some(900), Some(1001)));
        assert!(summary.p50_ms.is_some_and(|ms| (9.9..10.1).contains(&ms)), "{summary:?}");
    }

    #[test]
    fn names_are_bounded() {
        let mut names = BTreeMap::new();
        for number in 0..1000 {
            count(&mut names, Some(&format!("r-{number}")));
        }
        assert!(names.len() <= MAX_NAMES + 1);
        assert_eq!(names.values().sum::<u64>(), 1000);
    }
}
