//! What is counted per revision: every attempt that was begun on it and has ended, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the histogram of durations, in microseconds; one more bucket has no bound.
pub const BUCKETS_US: [u64; 24] = [
    500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 50_000, 75_000, 100_000, 150_000,
    200_000, 300_000, 500_000, 750_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000,
];

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Answered below 500.
    Answered,
    /// Answered with 500 or above.
    ServerError,
    /// No answer, or one that broke off: refused, reset, timed out.
    Failure,
}

/// Live counters of one revision.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    server_errors: AtomicU64,
    failures: AtomicU64,
    duration_us: AtomicU64,
    buckets: [AtomicU64; BUCKETS_US.len()],
    slots: Mutex<BTreeMap<u32, Arc<Tally>>>,
}

/// Live counters of one instance, over all processes of its slot.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    errors: AtomicU64,
}

impl Tally {
    pub(crate) fn count(&self, ending: Ending) {
        // Errors first: whoever reads between the two sees no request without its error.
        if ending != Ending::Answered {
            self.errors.fetch_add(1, Relaxed);
        }
        self.requests.fetch_add(1, Relaxed);
    }

    fn read(&self) -> Served {
        let requests = self.requests.load(Relaxed);
        Served { requests, errors: self.errors.load(Relaxed).min(requests) }
    }
}

impl Counters {
    pub(crate) fn count(&self, ending: Ending, took: Duration) {
        match ending {
            Ending::Answered => {}
            Ending::ServerError => {
                self.server_errors.fetch_add(1, Relaxed);
            }
            Ending::Failure => {
                self.failures.fetch_add(1, Relaxed);
            }
        }
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.duration_us.fetch_add(us, Relaxed);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < us);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.requests.fetch_add(1, Relaxed);
    }

    /// The counters of a slot.
    pub(crate) fn slot(&self, slot: u32) -> Arc<Tally> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(slot).or_default())
    }

    pub(crate) fn read(&self) -> Counted {
        // By slot first: the sum over the slots is then never more than the whole.
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = slots.iter().map(|(slot, tally)| (*slot, tally.read())).collect();
        let mut sum = 0;
        let cumulative = |bucket: &AtomicU64| {
            sum += bucket.load(Relaxed);
            sum
        };
        let buckets: Vec<u64> = self.buckets.iter().map(cumulative).collect();
        Counted {
            requests: self.requests.load(Relaxed),
            server_errors: self.server_errors.load(Relaxed),
            failures: self.failures.load(Relaxed),
            duration_us: self.duration_us.load(Relaxed),
            buckets,
            slots,
        }
    }
}

/// Counters of one revision as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Attempts that were begun on the revision and have ended, in whatever way.
    pub requests: u64,
    /// Of these, answered with 500 or above.
    pub server_errors: u64,
    /// Of these, without a whole answer: refused, reset, timed out. Never also a server error.
    pub failures: u64,
    /// Sum of all durations, in microseconds.
    pub duration_us: u64,
    /// How many took at most `BUCKETS_US[i]`; cumulative.
    pub buckets: Vec<u64>,
    /// What each slot served.
    pub slots: BTreeMap<u32, Served>,
}

/// What one slot served, over all of its processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Attempts that have ended, in whatever way.
    pub requests: u64,
    /// Of these, answered with 500 or above, or without a whole answer.
    pub errors: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_on_the_bound_belongs_to_its_bucket() {
        let counters = Counters::default();
        counters.count(Ending::Answered, Duration::from_micros(500));
        counters.count(Ending::ServerError, Duration::from_micros(501));
        counters.count(Ending::Failure, Duration::from_mins(1));
        let read = counters.read();
        assert_eq!((read.requests, read.server_errors, read.failures), (3, 1, 1));
        assert_eq!((read.buckets[0], read.buckets[1], read.buckets[23]), (1, 2, 2));
        assert_eq!(read.duration_us, 60_001_001);
    }
}
