//! Test (d): after cut-over, when stable serves little or nothing, the canary against what is recorded.
//!
//! The rate that is allowed is the upper confidence bound of the recorded one, or what the held-back stable shows now
//! and over five minutes if that is more, times an allowance for drift. The bound fails with the probability that its
//! maker paid for out of alpha.

use std::collections::VecDeque;

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::numerics::{beta_regular, gamma_quantile};
use super::{Counts, LogE, Mixture, Pair};
use crate::Finite;

const FACTORS: [f64; 4] = [1.5, 3.0, 10.0, 40.0];
/// The record is confirmed when stable would show so few bad events with at most this probability if it were as bad.
const CONFIRMED: f64 = 0.0004;
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
    /// Both arms since the suspicion began.
    suspected: Pair,
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
            suspected: Pair::default(),
        })
    }

    /// Takes one stretch that ended at `to`. `counts_for_evidence` is false before cut-over: then only the stable side
    /// is remembered.
    pub fn observe(&mut self, from: Timestamp, to: Timestamp, pair: &Pair, counts_for_evidence: bool) {
        self.remember(to, pair.stable);
        if !counts_for_evidence {
            return;
        }
        let allowed = self.allowed(pair.stable);
        let bad = pair.canary.bad as f64;
        let good = pair.canary.requests.saturating_sub(pair.canary.bad) as f64;
        let factors = FACTORS.map(|factor| {
            let rate = (allowed * factor).min(f64::midpoint(allowed, 1.0));
            let ln = bad * libm::log(rate / allowed) + good * libm::log((1.0 - rate) / (1.0 - allowed));
            ln * self.power.value()
        });
        self.mixture.observe(from, factors.into_iter());
        let fresh = self.since() == Some(from);
        self.suspected = if fresh { *pair } else { self.suspected.plus(pair) };
    }

    /// Stable, serving at the same time, does not share in what the record says of the canary: so few bad events of it
    /// would be a rare chance if both were equally bad.
    pub fn confirmed(&self) -> bool {
        let Some(share) = self.suspected.share() else { return false };
        let (few, all) = (self.suspected.stable.bad as f64, self.suspected.bad() as f64);
        // P(at most `few` of `all` fall on stable).
        all > few && 1.0 - beta_regular(1.0 - share, few + 1.0, all - few) <= CONFIRMED
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
        (self.drift.value() * highest).clamp(1e-9, 0.9)
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        self.mixture.evidence()
    }

    /// Since when the canary seems to be worse than recorded.
    pub fn since(&self) -> Option<Timestamp> {
        self.mixture.leader().map(|(_, since)| since)
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
