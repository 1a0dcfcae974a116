//! The common frame of every test: capital spread over alternatives and over the moments at which a defect may begin.
//!
//! Each lane bets on one alternative. Before a scrape is looked at, some of the capital that is still in reserve is laid
//! on every lane; then the lane is multiplied by its e-value of the scrape. What is left in reserve counts as it is, so
//! the sum is an e-process: its mean is at most 1 under the null at every stopping time (Ville). Weights: six tenths at the
//! start, a tenth at each of three traffic steps, a tenth evenly over the planned scrapes.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::LogE;
use crate::Finite;

/// Capital that is laid at the first scrape.
const AT_START: f64 = 0.6;
/// Capital that is laid when the traffic share changes.
const AT_STEP: f64 = 0.1;
/// Steps that are paid so.
const STEPS: u32 = 3;
/// Capital for defects that begin at any other moment.
const SPREAD: f64 = 0.1;

/// One alternative and what a bet on it is worth.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Lane {
    /// Its part of all capital that is laid.
    weight: Finite,
    evidence: LogE,
    /// The most likely moment at which the defect began: where the sum of the bet's gains was lowest (Page).
    since: Timestamp,
    /// What was gained since then.
    gained: Finite,
}

/// Evidence over a grid of alternatives, mixed over the moment at which a defect began.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mixture {
    lanes: Vec<Lane>,
    /// What is not laid yet of the evenly spread part.
    spread: Finite,
    /// Traffic steps that are still paid for.
    steps: u32,
    /// A traffic step came and was not yet seen in a scrape.
    stepped: bool,
    scrapes: u32,
    /// Planned scrapes.
    horizon: u32,
    /// The most evidence that there ever was.
    highest: LogE,
}

impl Mixture {
    /// `lanes` alternatives of equal weight, over about `horizon` scrapes. A longer run stays valid; what begins after
    /// the horizon is found more slowly.
    pub fn new(lanes: usize, horizon: u32) -> Self {
        Self::weighted(&vec![1.0; lanes], horizon)
    }

    /// As [`Mixture::new`], with a weight for each alternative, relative to their sum.
    pub fn weighted(weights: &[f64], horizon: u32) -> Self {
        let whole: f64 = weights.iter().sum();
        let lane = |weight: f64| Lane {
            weight: finite(weight / whole),
            evidence: LogE::ZERO,
            since: Timestamp::ZERO,
            gained: Finite::default(),
        };
        Self {
            lanes: weights.iter().map(|weight| lane(*weight)).collect(),
            spread: finite(SPREAD),
            steps: STEPS,
            stepped: false,
            scrapes: 0,
            horizon: horizon.max(1),
            highest: LogE::ONE,
        }
    }

    /// The traffic share changes; the next scrape is laid on with a step's weight.
    pub const fn step(&mut self) {
        self.stepped = true;
    }

    /// Takes the logarithms of the e-values of one scrape, one for each lane. `at` is when the stretch began.
    pub fn observe(&mut self, at: Timestamp, ln_factors: impl Iterator<Item = f64>) {
        let stake = self.lay();
        for (lane, factor) in self.lanes.iter_mut().zip(ln_factors) {
            if lane.gained.value() <= 0.0 {
                lane.since = at;
            }
            lane.gained = finite((lane.gained.value() + factor).max(0.0));
            let laid = LogE::from_amount(stake * lane.weight.value());
            lane.evidence = lane.evidence.plus(laid).times(factor);
        }
        let now = self.evidence();
        if now > self.highest {
            self.highest = now;
        }
    }

    /// A scrape that says nothing: capital is laid, nothing is multiplied.
    pub fn pass(&mut self, at: Timestamp) {
        self.observe(at, std::iter::repeat(0.0));
    }

    /// Takes what is due from the reserve.
    fn lay(&mut self) -> f64 {
        let left = self.horizon.saturating_sub(self.scrapes).max(self.horizon / 4).max(1);
        let even = self.spread.value() / f64::from(left);
        self.spread = finite(self.spread.value() - even);
        let mut stake = even;
        if self.scrapes == 0 {
            // What brought the first traffic is the start, not a step after it.
            self.stepped = false;
            stake += AT_START;
        } else if self.stepped && self.steps > 0 {
            self.steps -= 1;
            stake += AT_STEP;
        }
        self.stepped = false;
        self.scrapes = self.scrapes.saturating_add(1);
        stake
    }

    fn reserve(&self) -> f64 {
        let start = if self.scrapes == 0 { AT_START } else { 0.0 };
        start + AT_STEP * f64::from(self.steps) + self.spread.value()
    }

    /// The evidence: what the lanes are worth and what is in reserve.
    pub fn evidence(&self) -> LogE {
        LogE::sum(self.lanes.iter().map(|lane| lane.evidence)).plus(LogE::from_amount(self.reserve()))
    }

    /// The most evidence that there ever was: its inverse is the always-valid p-value.
    pub const fn highest(&self) -> LogE {
        self.highest
    }

    /// The evidence as it would be if each lane were multiplied by `ln_factors`, without laying capital.
    pub fn evidence_with(&self, ln_factors: impl Iterator<Item = f64> + Clone) -> LogE {
        let lanes = self.lanes.iter().zip(ln_factors).map(|(lane, factor)| lane.evidence.times(factor));
        LogE::sum(lanes).plus(LogE::from_amount(self.reserve()))
    }

    /// The leading lane's number and since when its defect seems to have begun.
    pub fn leader(&self) -> Option<(usize, Timestamp)> {
        let best = |a: &(usize, &Lane), b: &(usize, &Lane)| a.1.evidence.ln().total_cmp(&b.1.evidence.ln());
        self.lanes.iter().enumerate().max_by(best).map(|(number, lane)| (number, lane.since))
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        for lane in &mut self.lanes {
            v.time(&mut lane.since);
        }
    }
}

/// A number that is finite by construction.
pub(crate) fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_evidence_the_capital_stays_one() {
        let mut mixture = Mixture::new(7, 100);
        for n in 0..300 {
            assert!(mixture.evidence().ln().abs() < 1e-9, "after {n} scrapes");
            if n % 40 == 20 {
                mixture.step();
            }
            mixture.pass(Timestamp::from_millis(n * 1_000));
        }
    }

    #[test]
    fn the_leader_knows_when_the_defect_began() {
        let mut mixture = Mixture::new(2, 100);
        for n in 0..50 {
            let good = n < 30;
            let factors = if good { [-0.5, -1.0] } else { [0.5, 2.0] };
            mixture.observe(Timestamp::from_millis(n * 1_000), factors.into_iter());
        }
        assert_eq!(mixture.leader(), Some((1, Timestamp::from_millis(30_000))));
        assert!(mixture.evidence().ln() > 20.0);
    }
}
