//! Counts of two arms between two successful scrapes.

use serde::{Deserialize, Serialize};

/// What one arm did: requests, and how many of these were bad in the sense of the metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// Requests (or attempts).
    pub requests: u64,
    /// Of these, bad.
    pub bad: u64,
}

impl Counts {
    /// Most requests in one stratum: far above any scrape, and far below where floating point counts wrongly.
    pub const MOST: u64 = 1 << 40;

    /// Counts, if there are not more bad events than requests nor more requests than can be counted exactly.
    pub const fn new(requests: u64, bad: u64) -> Option<Self> {
        if bad > requests || requests > Self::MOST { None } else { Some(Self { requests, bad }) }
    }

    /// Bad events by request; 0 without requests.
    pub fn rate(self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.bad as f64 / self.requests as f64 }
    }

    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            bad: self.bad.saturating_add(other.bad),
        }
    }

    /// This without a part of it.
    pub const fn minus(self, part: Self) -> Self {
        Self { requests: self.requests.saturating_sub(part.requests), bad: self.bad.saturating_sub(part.bad) }
    }
}

/// Both arms over one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The revision under evaluation.
    pub canary: Counts,
    /// The trusted one.
    pub stable: Counts,
}

impl Pair {
    /// The canary's share of the requests; `None` when one arm had none, and the split says nothing.
    pub fn share(&self) -> Option<f64> {
        let (canary, stable) = (self.canary.requests as f64, self.stable.requests as f64);
        (canary > 0.0 && stable > 0.0).then(|| canary / (canary + stable))
    }

    /// Bad events of both arms.
    pub const fn bad(&self) -> u64 {
        self.canary.bad.saturating_add(self.stable.bad)
    }

    /// Both together.
    pub const fn plus(&self, other: &Self) -> Self {
        Self { canary: self.canary.plus(other.canary), stable: self.stable.plus(other.stable) }
    }
}
