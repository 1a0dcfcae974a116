//! Test (d): where stable serves less than most of the traffic, the canary against what is recorded.
//!
//! The rate that is allowed is the upper confidence bound of the recorded one, or what the held-back stable shows now
//! and over five minutes if that is more, times an allowance for drift. The bound fails with the probability that its
//! maker paid for out of alpha.

use std::collections::VecDeque;

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::combine::combined;
use super::mixture::finite;
use super::numerics::gamma_quantile;
use super::split::ln_split;
use super::{Counts, LogE, Mixture, Pair};
use crate::Finite;

const FACTORS: [f64; 4] = [1.5, 3.0, 10.0, 40.0];
/// How many times as bad as stable the canary is bet to be, when it is asked whether stable shares what the record says.
const UNSHARED: [f64; 2] = [10.0, 100.0];
/// What the bets must be worth: if stable were as bad as the canary, they reach it with a chance of at most 1 in 150.
const LN_CONFIRMED: f64 = 5.010_635_294_096_256;
/// The canary is suspect from this multiple of what is allowed on.
const SUSPECT: f64 = 3.0;
/// Rates that a likelihood ratio can be taken of.
const LEAST: f64 = 1e-9;
const MOST: f64 = 0.9;
/// How far back the held-back stable is looked at.
const RECENT_MS: u64 = 300_000;
/// Most stretches in that span; when scrapes are closer, two are taken as one.
const RECENT_MOST: usize = 32;

/// Sequential test of the canary's rate against a recorded one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HistoryTest {
    /// Upper confidence bound of the recorded rate.
    bound: Finite,
    drift: Finite,
    mixture: Mixture,
    recent: VecDeque<(Timestamp, Counts)>,
    /// How much each e-value counts, when bad events bunch.
    power: Finite,
    /// How much the canary alone speaks against what is recorded, since it last did not (Page). What stable shows does
    /// not enter: the bets below begin with it, and are fair only when stable has no part in when they begin.
    suspicion: Finite,
    /// What the bets that stable does not share it are worth, since the suspicion began.
    unshared: [LogE; 2],
}

impl HistoryTest {
    /// `recorded` is what stable did over the last hours; its bound fails with probability `miss`. `drift` is how many
    /// times that rate is still nothing unusual; `power` below 1 tempers. `None` without requests.
    pub fn new(recorded: Counts, miss: f64, drift: f64, horizon: u32, power: f64) -> Option<Self> {
        let bound = gamma_quantile(1.0 - miss, recorded.bad as f64 + 1.0) / recorded.requests as f64;
        Some(Self {
            bound: Finite::new(bound)?,
            drift: finite(drift),
            mixture: Mixture::new(FACTORS.len(), horizon),
            recent: VecDeque::new(),
            power: finite(power),
            suspicion: Finite::default(),
            unshared: [LogE::ONE; 2],
        })
    }

    /// Takes one stretch that ended at `to`. `counts_for_evidence` is false while the share is small: then only the stable side
    /// is remembered.
    pub fn observe(&mut self, from: Timestamp, to: Timestamp, pair: &Pair, counts_for_evidence: bool) {
        self.remember(to, pair.stable);
        if !counts_for_evidence {
            return;
        }
        let allowed = self.allowed(pair.stable);
        let factors = FACTORS.map(|factor| ln_likelihood(pair.canary, allowed, factor) * self.power.value());
        self.mixture.observe(from, factors.into_iter());
        self.ask_stable(pair);
    }

    /// Bets on how the bad events split, from when the canary alone became suspect.
    fn ask_stable(&mut self, pair: &Pair) {
        if self.suspicion.value() <= 0.0 {
            self.unshared = [LogE::ONE; 2];
        }
        let gain = ln_likelihood(pair.canary, self.at_rest(), SUSPECT);
        self.suspicion = finite((self.suspicion.value() + gain).max(0.0));
        let Some(share) = pair.share() else { return };
        for (bet, ratio) in self.unshared.iter_mut().zip(UNSHARED) {
            *bet = bet.times(ln_split(ratio, share, pair) * self.power.value());
        }
    }

    /// The traffic share changes.
    pub const fn step(&mut self) {
        self.mixture.step();
    }

    /// Stable, serving at the same time, does not share in what the record says of the canary. An e-process on how the
    /// bad events split, against equal rates.
    pub fn confirmed(&self) -> bool {
        combined(&self.unshared.map(|bet| (1.0, bet))).ln() >= LN_CONFIRMED
    }

    fn remember(&mut self, to: Timestamp, stable: Counts) {
        self.recent.push_back((to, stable));
        while self.recent.front().is_some_and(|(at, _)| to.since(*at) > RECENT_MS) {
            self.recent.pop_front();
        }
        if self.recent.len() > RECENT_MOST
            && let Some((_, oldest)) = self.recent.pop_front()
            && let Some((_, next)) = self.recent.front_mut()
        {
            *next = next.plus(oldest);
        }
    }

    /// The rate that is still nothing unusual.
    fn allowed(&self, now: Counts) -> f64 {
        let recent = self.recent.iter().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
        let highest = self.bound.value().max(recent.rate()).max(now.rate());
        (self.drift.value() * highest).clamp(LEAST, MOST)
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        self.mixture.evidence()
    }

    /// Since when the canary seems to be worse than recorded.
    pub fn since(&self) -> Option<Timestamp> {
        self.mixture.leader().map(|(_, since)| since)
    }

    /// The rate that is nothing unusual while stable shows no more than is recorded: the bound with its allowance.
    pub fn at_rest(&self) -> f64 {
        (self.drift.value() * self.bound.value()).clamp(LEAST, MOST)
    }

    /// The upper confidence bound of the recorded rate.
    pub const fn bound(&self) -> Finite {
        self.bound
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        self.mixture.visit(v);
        for (at, _) in &mut self.recent {
            v.time(at);
        }
    }
}

/// ln of the likelihood of an arm's counts at `factor` times the allowed rate, against the allowed one.
fn ln_likelihood(arm: Counts, allowed: f64, factor: f64) -> f64 {
    let rate = (allowed * factor).min(f64::midpoint(allowed, 1.0));
    let (bad, good) = (arm.bad as f64, arm.requests.saturating_sub(arm.bad) as f64);
    bad * libm::log(rate / allowed) + good * libm::log((1.0 - rate) / (1.0 - allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(stable_bad: &[u64]) -> HistoryTest {
        let counts = |requests, bad| Counts { requests, bad };
        let mut test = HistoryTest::new(counts(2_160_000, 2_160), 0.0002, 1.5, 120, 1.0).unwrap();
        for (n, bad) in (0..).zip(stable_bad) {
            let pair = Pair { canary: counts(1_425, 43), stable: counts(75, *bad) };
            let at = |n: u64| Timestamp::from_millis(15_000 * n);
            test.observe(at(n), at(n + 1), &pair, true);
        }
        test
    }

    #[test]
    fn a_stable_that_stays_clean_confirms_and_one_that_shares_it_does_not() {
        assert!(!after(&[0, 0]).confirmed(), "too early to tell");
        assert!(after(&[0, 0, 0]).confirmed());
        assert!(!after(&[4, 3, 0, 2, 3, 1]).confirmed());
    }

    #[test]
    fn what_stable_shows_has_no_part_in_when_the_bets_begin() {
        assert!(!after(&[4, 0, 0, 0]).confirmed(), "three clean scrapes do not make up for four failures");
    }
}
