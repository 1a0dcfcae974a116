//! Test (a): how the bad events of a scrape split between canary and stable.
//!
//! Given the bad events of both arms together, each falls on the canary with probability w, its share of the requests,
//! when the rates are equal; at rate ratio r with r w / (r w + 1 - w). What shakes both arms cancels. Exact for Poisson
//! counts, conservative for binomial ones. Null: the ratio is at most the tolerance.
//!
//! Source: Lindon, Sanden, Shirikian: Rapid Regression Detection in Software Deployments (KDD 2022).

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::band::RatioBand;
use super::mixture::finite;
use super::overshoot::Outcomes;
use super::urn::Urn;
use super::{LogE, Mixture, Pair};
use crate::Finite;

/// Alternatives as multiples of the tolerance, with their logarithms.
pub const FACTORS: [(f64, f64); 7] = [
    (1.5, 0.405_465_108_108_164_4),
    (2.0, std::f64::consts::LN_2),
    (3.0, 1.098_612_288_668_109_7),
    (5.0, 1.609_437_912_434_100_3),
    (10.0, std::f64::consts::LN_10),
    (25.0, 3.218_875_824_868_200_6),
    (60.0, 4.094_344_562_222_1),
];

/// How capital is laid on them: most on what a rollout should be sent back for within a minute or two.
const WEIGHTS: [f64; 7] = [0.06, 0.08, 0.1, 0.22, 0.28, 0.16, 0.1];

/// How bad events bunch together in the stable revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispersion {
    /// One by one.
    Poisson,
    /// In bunches: every e-value is raised to the power of the inverse of variance by mean. Not exact.
    Tempered(Finite),
    /// In bunches: each minute of each instance draws its own rate. Exact for that model (beta-binomial).
    Urn {
        /// Variance by mean of bad events per instance and block, above 1.
        phi: Finite,
        /// Bad events by request of the stable revision.
        rate: Finite,
        /// How long a drawn rate lasts.
        block_ms: u64,
    },
}

/// Sequential comparison of two rates by the split of the bad events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SplitTest {
    tolerance: Finite,
    mixture: Mixture,
    band: RatioBand,
    tempering: Finite,
    urn: Option<Urn>,
    totals: Pair,
}

impl SplitTest {
    /// Tests whether the canary's rate is more than `tolerance` times the stable one's, over about `horizon` scrapes.
    pub fn new(tolerance: f64, horizon: u32, dispersion: Dispersion) -> Self {
        let (tempering, urn) = match dispersion {
            Dispersion::Poisson => (1.0, None),
            Dispersion::Tempered(phi) => (1.0 / phi.value().max(1.0), None),
            Dispersion::Urn { phi, rate, block_ms } => (1.0, Urn::new(phi.value(), rate.value(), block_ms)),
        };
        Self {
            tolerance: finite(tolerance),
            mixture: Mixture::weighted(&WEIGHTS, horizon),
            band: RatioBand::default(),
            tempering: finite(tempering),
            urn,
            totals: Pair::default(),
        }
    }

    /// The same, for a use in which the logarithm `ln_enough` decides: see [`SplitTest::deciding`]. Tempered evidence stays as it
    /// is, since its law is not known.
    pub fn enough_at(mut self, ln_enough: f64) -> Self {
        self.mixture = self.mixture.enough_at(ln_enough);
        self
    }

    /// The traffic share changes.
    pub fn step(&mut self) {
        self.mixture.step();
        if let Some(urn) = &mut self.urn {
            urn.close();
        }
    }

    /// Takes the counts of one stretch, from `from` to `to`.
    pub fn observe(&mut self, from: Timestamp, to: Timestamp, pair: &Pair) {
        self.totals = self.totals.plus(pair);
        let Some(share) = pair.share() else {
            self.mixture.pass(from);
            return;
        };
        if let Some(urn) = &mut self.urn {
            let tolerance = self.tolerance.value();
            let ratios = FACTORS.map(|(factor, _)| factor * tolerance);
            urn.observe(from, to, pair, ratios, tolerance, |factors, outcomes| {
                self.mixture.observe_one_of(from, factors, outcomes);
            });
        } else if pair.bad() == 0 {
            self.mixture.pass(from);
        } else {
            self.split(from, share, pair);
        }
        if pair.bad() > 0 {
            self.band.observe(share, pair, self.tempering.value());
        }
    }

    /// Bad events that fall one by one, or are tempered.
    fn split(&mut self, from: Timestamp, share: f64, pair: &Pair) {
        let (power, tolerance) = (self.tempering.value(), self.tolerance.value());
        let factors = ln_factors(tolerance, share, pair);
        if power < 1.0 {
            return self.mixture.observe(from, factors.map(|ln| ln * power).into_iter());
        }
        let none = Pair { stable: super::Counts { requests: 1, bad: pair.bad() }, ..Pair::default() };
        let on_canary = tolerance * share / (tolerance * share + 1.0 - share);
        let odds = on_canary / (1.0 - on_canary);
        let outcomes = Outcomes {
            bad: pair.bad(),
            none: libm::exp(pair.bad() as f64 * libm::log1p(-on_canary)),
            ln_at_none: ln_factors(tolerance, share, &none),
            odds: &|k| (pair.bad() - k) as f64 / (k + 1) as f64 * odds,
            gain: &|lane, _| FACTORS.get(lane).map_or(1.0, |(factor, _)| *factor),
        };
        self.mixture.observe_one_of(from, factors, &outcomes);
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        self.mixture.evidence()
    }

    /// What is compared with the amount that decides: at least the evidence, and it reaches that amount as seldom when the
    /// canary is as good as stable. What it is above that amount is no evidence.
    pub fn deciding(&self) -> LogE {
        self.mixture.deciding()
    }

    /// The most evidence that there ever was: its inverse is the always-valid p-value.
    pub const fn highest(&self) -> LogE {
        self.mixture.highest()
    }

    /// Since when the canary seems to be worse.
    pub fn since(&self) -> Option<Timestamp> {
        self.mixture.leader().map(|(_, since)| since)
    }

    /// All that was counted.
    pub const fn totals(&self) -> &Pair {
        &self.totals
    }

    /// Where the ratio of the rates lies, missed with probability `miss` however often it is asked.
    pub fn interval(&self, miss: f64) -> (f64, f64) {
        self.band.interval(miss)
    }

    /// How many more bad events of the canary alone, at the share of the totals, would take the evidence over
    /// `ln_threshold`; `None` when no number up to 100 000 does.
    pub fn short_of(&self, ln_threshold: f64) -> Option<u64> {
        let share = self.totals.share()?;
        let one = Pair { canary: super::Counts { requests: 1, bad: 1 }, ..Pair::default() };
        let by_event = ln_factors(self.tolerance.value(), share, &one).map(|ln| ln * self.tempering.value());
        let reaches = |count: u64| {
            let factors = by_event.iter().map(|ln| ln * count as f64);
            self.mixture.evidence_with(factors).ln() >= ln_threshold
        };
        let mut high = 1_u64;
        while !reaches(high) {
            high = high.saturating_mul(2);
            if high > 100_000 {
                return None;
            }
        }
        let mut low = high / 2;
        while low + 1 < high {
            let middle = u64::midpoint(low, high);
            if reaches(middle) { high = middle } else { low = middle }
        }
        Some(if reaches(0) { 0 } else { high })
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        self.mixture.visit(v);
        if let Some(urn) = &mut self.urn {
            urn.visit(v);
        }
    }
}

/// ln e of one stretch for each alternative, with canary share `share`.
pub fn ln_factors(tolerance: f64, share: f64, pair: &Pair) -> [f64; 7] {
    let (canary, all) = (pair.canary.bad as f64, pair.bad() as f64);
    let rest = 1.0 - share;
    let null = tolerance * share + rest;
    FACTORS.map(|(factor, ln)| canary * ln - all * libm::log((factor * tolerance * share + rest) / null))
}

/// ln e of one stretch for one ratio of the rates, against equal ones.
pub(crate) fn ln_split(ratio: f64, share: f64, pair: &Pair) -> f64 {
    pair.canary.bad as f64 * libm::log(ratio) - pair.bad() as f64 * libm::log(ratio * share + 1.0 - share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithms_of_the_grid_are_those_of_libm() {
        for (factor, ln) in FACTORS {
            assert!((libm::log(factor) - ln).abs() < 1e-15 * ln, "{factor}");
        }
    }

    #[test]
    fn one_stretch_is_the_likelihood_ratio_of_the_binomial_split() {
        let counts = |requests, bad| super::super::Counts::new(requests, bad).unwrap();
        let pair = Pair { canary: counts(50, 3), stable: counts(950, 2) };
        let pi = |ratio: f64| ratio * 0.05 / (ratio * 0.05 + 0.95);
        let found = ln_factors(1.25, 0.05, &pair);
        for ((factor, _), found) in FACTORS.iter().zip(found) {
            let (p1, p0) = (pi(1.25 * factor), pi(1.25));
            let expected = 3.0 * (p1 / p0).ln() + 2.0 * ((1.0 - p1) / (1.0 - p0)).ln();
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
