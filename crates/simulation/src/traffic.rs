//! Users and the splitter: requests by weight, counted by revision.

use std::collections::BTreeMap;

use machine::Millis;
use supervise::{RevisionId, Table};

use crate::{Behaviour, Random};

/// Upper bounds of the histogram, in microseconds; the last has no bound.
const BUCKETS_US: [u64; 12] = [
    10_000,
    20_000,
    30_000,
    50_000,
    75_000,
    100_000,
    150_000,
    200_000,
    500_000,
    1_000_000,
    5_000_000,
    u64::MAX,
];

/// What was counted of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// When its first request was, in world time.
    pub first_ms: Option<Millis>,
    /// Requests that ended.
    pub requests: u64,
    /// Answers of 500.
    pub server_errors: u64,
    /// Without an answer.
    pub failures: u64,
    buckets: [u64; BUCKETS_US.len()],
}

impl Counted {
    /// Cumulative counts by upper bound in microseconds.
    pub fn latency_us(&self) -> Vec<(u64, u64)> {
        let mut sum = 0;
        let cumulative = |(bound, n): (&u64, &u64)| {
            sum += n;
            (*bound, sum)
        };
        BUCKETS_US.iter().zip(&self.buckets).map(cumulative).collect()
    }

    fn count(&mut self, now: Millis, of: &Behaviour, random: &mut Random) {
        let age = now - *self.first_ms.get_or_insert(now);
        let burst = of.burst.filter(|b| (b.from_ms..b.from_ms + b.length_ms).contains(&age));
        self.requests += 1;
        if random.happens(of.failure_ppm) {
            self.failures += 1;
        } else if random.happens(burst.map_or(of.error_ppm, |burst| burst.ppm)) {
            self.server_errors += 1;
        }
        let (low, high) = of.latency_us;
        let took = low + random.below(high.saturating_sub(low) + 1);
        let bucket = BUCKETS_US.iter().position(|bound| took <= *bound).unwrap_or(0);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }
}

/// The splitter's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splitter {
    pub(crate) table: Table,
    pub(crate) counted: BTreeMap<RevisionId, Counted>,
    /// Requests that nobody could take.
    pub(crate) unserved: u64,
    carry: u64,
}

impl Splitter {
    /// The requests of one tick.
    pub(crate) fn serve(
        &mut self,
        now: Millis,
        (users_per_s, tick_ms): (u64, Millis),
        random: &mut Random,
        of: impl Fn(&RevisionId) -> Behaviour,
    ) {
        self.carry += users_per_s * tick_ms;
        let requests = self.carry / 1_000;
        self.carry %= 1_000;
        let shares: Vec<(RevisionId, u64, Behaviour)> = self
            .table
            .shares
            .iter()
            .filter(|share| !share.upstreams.is_empty())
            .map(|share| (share.revision.clone(), share.weight.percent().into(), of(&share.revision)))
            .collect();
        let sum: u64 = shares.iter().map(|(_, weight, _)| weight).sum();
        if sum == 0 {
            self.unserved += requests;
            return;
        }
        for _ in 0..requests {
            let mut at = random.below(sum);
            let taken = shares.iter().find(|(_, weight, _)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            if let Some((revision, _, behaviour)) = taken {
                self.counted.entry(revision.clone()).or_default().count(now, behaviour, random);
            }
        }
    }
}
