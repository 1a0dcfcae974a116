//! Users and the splitter: requests by weight, counted by revision.

use std::collections::BTreeMap;

use machine::Millis;
use supervise::{RevisionId, Table, Upstream};

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
    /// By slot.
    pub slots: BTreeMap<u32, Slot>,
}

/// What was counted of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, answered with 500, or without an answer.
    pub errors: u64,
    /// The process that was the first one here.
    first: Option<u32>,
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

    /// The instance whose turn it is.
    fn turn<'a>(&self, upstreams: &'a [Upstream]) -> Option<&'a Upstream> {
        upstreams.get((self.requests % upstreams.len().max(1) as u64) as usize)
    }

    fn count(&mut self, now: Millis, of: &Behaviour, upstreams: &[Upstream], random: &mut Random) {
        let Some(upstream) = self.turn(upstreams) else { return };
        let slot = self.slots.entry(upstream.slot).or_default();
        let first = *slot.first.get_or_insert(upstream.incarnation) == upstream.incarnation;
        let here = of.only.is_none_or(|only| only.slot == upstream.slot && (first || !only.cured));
        let age = now - *self.first_ms.get_or_insert(now);
        let burst = of.burst.filter(|b| (b.from_ms..b.from_ms + b.length_ms).contains(&age));
        self.requests += 1;
        let failed = random.happens(of.failure_ppm) && here;
        let refused = !failed && random.happens(burst.map_or(of.error_ppm, |burst| burst.ppm)) && here;
        self.failures += u64::from(failed);
        self.server_errors += u64::from(refused);
        slot.requests += 1;
        slot.errors += u64::from(failed || refused);
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
        let shares: Vec<(RevisionId, u64, Behaviour, Vec<Upstream>)> = self
            .table
            .shares
            .iter()
            .filter(|share| !share.upstreams.is_empty())
            .map(|share| {
                let weight = share.weight.percent().into();
                (share.revision.clone(), weight, of(&share.revision), share.upstreams.clone())
            })
            .collect();
        let sum: u64 = shares.iter().map(|(_, weight, ..)| weight).sum();
        if sum == 0 {
            self.unserved += requests;
            return;
        }
        for _ in 0..requests {
            let mut at = random.below(sum);
            let taken = shares.iter().find(|(_, weight, ..)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            if let Some((revision, _, behaviour, upstreams)) = taken {
                let counted = self.counted.entry(revision.clone()).or_default();
                counted.count(now, behaviour, upstreams, random);
            }
        }
    }
}
