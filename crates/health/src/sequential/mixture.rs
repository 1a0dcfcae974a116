//! The common frame of every test: capital spread over alternatives and over the moments at which a defect may begin.
//!
//! Each lane bets on one alternative. Before a scrape is looked at, some of the capital that is still in reserve is laid
//! on every lane; then the lane is multiplied by its e-value of the scrape. What is left in reserve counts as it is, so
//! the sum is an e-process: its mean is at most 1 under the null at every stopping time (Ville). Weights: 0.7 at the
//! start, 0.07 at each of three traffic steps, 0.09 evenly over the planned scrapes.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::LogE;
use super::overshoot::Outcomes;
use crate::Finite;

/// Capital that is laid at the first scrape.
const AT_START: f64 = 0.7;
/// Capital that is laid when the traffic share changes.
const AT_STEP: f64 = 0.07;
/// Steps that are paid so.
const STEPS: u32 = 3;
/// Capital for defects that begin at any other moment.
const SPREAD: f64 = 0.09;

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

/// The lanes as they decide: what would be won beyond `enough` is paid back beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Deciding {
    /// The amount that decides.
    enough: Finite,
    lanes: Vec<LogE>,
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
    /// Where an amount decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deciding: Option<Deciding>,
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
            deciding: None,
        }
    }

    /// The same, for a use in which the logarithm `ln_enough` decides: see [`Mixture::deciding`].
    pub(super) fn enough_at(mut self, ln_enough: f64) -> Self {
        let enough = finite(libm::exp(ln_enough));
        self.deciding = Some(Deciding { enough, lanes: vec![LogE::ZERO; self.lanes.len()] });
        self
    }

    /// The traffic share changes; the next scrape is laid on with a step's weight.
    pub const fn step(&mut self) {
        self.stepped = true;
    }

    /// Takes the logarithms of the e-values of one scrape, one for each lane. `at` is when the stretch began.
    pub fn observe(&mut self, at: Timestamp, ln_factors: impl Iterator<Item = f64> + Clone) {
        let stake = self.lay();
        self.decide(stake, ln_factors.clone(), 0.0);
        self.take(at, stake, ln_factors);
    }

    /// As [`Mixture::observe`], where it is known how else the scrape could have been.
    pub(super) fn observe_one_of<const N: usize>(
        &mut self,
        at: Timestamp,
        ln_factors: [f64; N],
        outcomes: &Outcomes<'_, N>,
    ) {
        let stake = self.lay();
        let reserve = self.reserve();
        let paid_back = self.deciding.as_ref().map_or(0.0, |deciding| {
            let mut capital = [0.0; N];
            for ((amount, before), lane) in capital.iter_mut().zip(&deciding.lanes).zip(&self.lanes) {
                *amount = before.amount() + stake * lane.weight.value();
            }
            outcomes.ln_paid_back(capital, reserve, deciding.enough.value())
        });
        self.decide(stake, ln_factors.into_iter(), paid_back);
        self.take(at, stake, ln_factors.into_iter());
    }

    fn decide(&mut self, stake: f64, ln_factors: impl Iterator<Item = f64>, paid_back: f64) {
        let Some(deciding) = &mut self.deciding else { return };
        for ((evidence, lane), factor) in deciding.lanes.iter_mut().zip(&self.lanes).zip(ln_factors) {
            let laid = LogE::from_amount(stake * lane.weight.value());
            *evidence = evidence.plus(laid).times(factor + paid_back);
        }
    }

    fn take(&mut self, at: Timestamp, stake: f64, ln_factors: impl Iterator<Item = f64>) {
        for (lane, factor) in self.lanes.iter_mut().zip(ln_factors) {
            if lane.gained.value() <= 0.0 {
                lane.since = at;
            }
            lane.gained = finite((lane.gained.value() + factor).max(0.0));
            let laid = LogE::from_amount(stake * lane.weight.value());
            lane.evidence = lane.evidence.plus(laid).times(factor);
        }
        self.highest = [self.evidence(), self.decided()].into_iter().fold(self.highest, LogE::larger);
    }

    /// What decides, but no more than what is enough: beyond that it is no evidence.
    fn decided(&self) -> LogE {
        let Some(deciding) = &self.deciding else { return LogE::ZERO };
        let enough = LogE::from_amount(deciding.enough.value());
        if self.deciding() > enough { enough } else { self.deciding() }
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

    /// What is compared with the amount that decides: at least the evidence, and it reaches that amount as seldom under the
    /// null. What it is above that amount is no evidence.
    pub fn deciding(&self) -> LogE {
        let Some(deciding) = &self.deciding else { return self.evidence() };
        LogE::sum(deciding.lanes.iter().copied()).plus(LogE::from_amount(self.reserve()))
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
