//! Test (c): whether one arm's rate is over an absolute limit.
//!
//! Null: the rate is at most the limit. Bets on 1.25 to 10 times the limit; valid for every rate below it by the
//! monotone likelihood ratio.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::{Counts, LogE, Mixture};
use crate::Finite;

const FACTORS: [f64; 6] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0];

/// Sequential test of one rate against a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SloTest {
    limit: Finite,
    mixture: Mixture,
    totals: Counts,
    power: Finite,
}

impl SloTest {
    /// Tests whether the rate is over `limit`, a share between 0 and 1; `power` below 1 tempers.
    pub fn new(limit: f64, horizon: u32, power: f64) -> Self {
        let limit = finite(limit.clamp(1e-9, 1.0 - 1e-9));
        let mixture = Mixture::new(FACTORS.len(), horizon);
        Self { limit, mixture, totals: Counts::default(), power: finite(power) }
    }

    /// The traffic share changes.
    pub const fn step(&mut self) {
        self.mixture.step();
    }

    /// Takes the counts of one stretch that began at `from`.
    pub fn observe(&mut self, from: Timestamp, counts: Counts) {
        self.totals = self.totals.plus(counts);
        let limit = self.limit.value();
        let bad = counts.bad as f64;
        let good = counts.requests.saturating_sub(counts.bad) as f64;
        let factors = FACTORS.map(|factor| {
            let rate = (limit * factor).min(f64::midpoint(limit, 1.0));
            let ln = bad * libm::log(rate / limit) + good * libm::log((1.0 - rate) / (1.0 - limit));
            ln * self.power.value()
        });
        self.mixture.observe(from, factors.into_iter());
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        self.mixture.evidence()
    }

    /// Since when the rate seems to be over the limit.
    pub fn since(&self) -> Option<Timestamp> {
        self.mixture.leader().map(|(_, since)| since)
    }

    /// All that was counted.
    pub const fn totals(&self) -> Counts {
        self.totals
    }

    /// The limit.
    pub const fn limit(&self) -> Finite {
        self.limit
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        self.mixture.visit(v);
    }
}
