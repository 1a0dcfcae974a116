//! The exact 2 x 2 form of test (a) for frequent events: each stretch is its own stratum, conditional on both margins.
//!
//! With K from the hypergeometric distribution, an e-value against odds ratio `null` is
//! (psi/null)^x E[null^K] / E[psi^K]. The common rate may drift freely between stretches.
//!
//! Source: Turner, Ly, Grunwald (JSPI 230, 2024); Turner, Grunwald: stratified counts (arXiv 2302.11401).

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::band::RatioBand;
use super::mixture::finite;
use super::numerics::ln_gamma;
use super::{LogE, Mixture, Pair};
use crate::Finite;

/// Alternatives as multiples of the null's odds ratio.
const FACTORS: [f64; 4] = [1.3, 1.7, 3.0, 8.0];

/// Sequential comparison of two odds, exact for frequent events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableTest {
    null: Finite,
    mixture: Mixture,
    band: RatioBand,
    totals: Pair,
}

impl TableTest {
    /// Tests whether the canary's odds are more than `null` times the stable one's.
    pub fn new(null: f64, horizon: u32) -> Self {
        Self {
            null: finite(null),
            mixture: Mixture::new(FACTORS.len(), horizon),
            band: RatioBand::default(),
            totals: Pair::default(),
        }
    }

    /// The traffic share changes.
    pub const fn step(&mut self) {
        self.mixture.step();
    }

    /// Takes the counts of one stretch that began at `from`.
    pub fn observe(&mut self, from: Timestamp, pair: &Pair) {
        self.totals = self.totals.plus(pair);
        let (Some(share), true) = (pair.share(), pair.bad() > 0) else {
            self.mixture.pass(from);
            return;
        };
        let null = self.null.value();
        self.mixture.observe(from, ln_factors(null, pair).into_iter());
        self.band.observe(share, pair, 1.0);
    }

    /// The evidence now.
    pub fn evidence(&self) -> LogE {
        self.mixture.evidence()
    }

    /// The most evidence that there ever was.
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

    /// Where the ratio of the rates lies; conservative, since it takes the split as binomial.
    pub fn interval(&self, miss: f64) -> (f64, f64) {
        self.band.interval(miss)
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        self.mixture.visit(v);
    }
}

/// ln e of one stretch for each alternative odds ratio.
fn ln_factors(null: f64, pair: &Pair) -> [f64; 4] {
    let margins = Margins::of(pair);
    let x = pair.canary.bad as f64;
    let ln_null = libm::log(null);
    let base = margins.ln_sum(ln_null);
    FACTORS.map(|factor| {
        let ln_factor = libm::log(factor);
        x * ln_factor + base - margins.ln_sum(ln_null + ln_factor)
    })
}

/// ln e of one stretch at one odds ratio against another.
pub fn ln_e(null: f64, psi: f64, pair: &Pair) -> f64 {
    let margins = Margins::of(pair);
    let (ln_null, ln_psi) = (libm::log(null), libm::log(psi));
    pair.canary.bad as f64 * (ln_psi - ln_null) + margins.ln_sum(ln_null) - margins.ln_sum(ln_psi)
}

/// The margins of one table.
struct Margins {
    canary: f64,
    stable: f64,
    bad: f64,
    low: f64,
    high: f64,
}

impl Margins {
    fn of(pair: &Pair) -> Self {
        let (canary, stable) = (pair.canary.requests as f64, pair.stable.requests as f64);
        let bad = pair.bad() as f64;
        Self { canary, stable, bad, low: (bad - stable).max(0.0), high: bad.min(canary) }
    }

    /// ln of the sum over k of C(canary, k) C(stable, bad - k) psi^k, but for a constant of the margins.
    ///
    /// Summed from the mode outwards by the ratio of neighbours; what is below 1e-17 of the sum cannot change it.
    fn ln_sum(&self, ln_psi: f64) -> f64 {
        let psi = libm::exp(ln_psi);
        let mode = self.mode(psi);
        let stable_less = self.stable - self.bad;
        let (mut sum, mut term, mut k) = (1.0, 1.0, mode);
        while k < self.high {
            term *= (self.canary - k) * (self.bad - k) * psi / ((k + 1.0) * (stable_less + k + 1.0));
            sum += term;
            k += 1.0;
            if term < sum * 1e-17 {
                break;
            }
        }
        let inverse = 1.0 / psi;
        (term, k) = (1.0, mode);
        while k > self.low {
            term *= k * (stable_less + k) * inverse / ((self.canary - k + 1.0) * (self.bad - k + 1.0));
            sum += term;
            k -= 1.0;
            if term < sum * 1e-17 {
                break;
            }
        }
        self.ln_term(mode) + mode * ln_psi + libm::log(sum)
    }

    fn ln_term(&self, k: f64) -> f64 {
        -ln_gamma(k + 1.0)
            - ln_gamma(self.canary - k + 1.0)
            - ln_gamma(self.bad - k + 1.0)
            - ln_gamma(self.stable - self.bad + k + 1.0)
    }

    /// The most likely k: where neighbours are equal, a root of a quadratic equation (Liao and Rosen 2001).
    fn mode(&self, psi: f64) -> f64 {
        let a = psi - 1.0;
        let b = -((self.canary + self.bad + 2.0) * psi + self.stable - self.bad);
        let c = psi * (self.canary + 1.0) * (self.bad + 1.0);
        let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
        // The form without cancellation; also right when a is zero.
        (2.0 * c / (root - b)).floor().clamp(self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::*;

    fn pair(canary: (u64, u64), stable: (u64, u64)) -> Pair {
        let arm = |(requests, bad)| Counts { requests, bad };
        Pair { canary: arm(canary), stable: arm(stable) }
    }

    fn choose(n: u64, k: u64) -> f64 {
        if k > n { 0.0 } else { (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64) }
    }

    #[test]
    fn the_sum_is_that_over_the_whole_support() {
        for (canary, stable) in [((20, 3), (30, 4)), ((5, 5), (4, 3)), ((40, 0), (7, 7)), ((9, 9), (3, 0))] {
            let table = pair(canary, stable);
            let mean = |psi: f64| -> f64 {
                (0..=table.bad())
                    .filter(|k| table.bad() - k <= stable.0)
                    .map(|k| choose(canary.0, k) * choose(stable.0, table.bad() - k) * psi.powi(k as i32))
                    .sum()
            };
            for (null, psi) in [(1.25_f64, 2.0_f64), (1.0, 8.0), (1.25, 0.3)] {
                let slow = canary.1 as f64 * (psi / null).ln() + (mean(null) / mean(psi)).ln();
                let found = ln_e(null, psi, &table);
                assert!((found - slow).abs() < 1e-10, "{canary:?} {stable:?}: {found} is not {slow}");
            }
        }
    }

    #[test]
    fn its_mean_under_the_null_is_one() {
        // Every table of these margins, weighed by the noncentral hypergeometric distribution at the null.
        let (canary, stable, bad, null) = (30_u64, 50_u64, 12_u64, 1.25_f64);
        let weight = |k: u64| choose(canary, k) * choose(stable, bad - k) * null.powi(k as i32);
        let all: f64 = (0..=bad).map(weight).sum();
        let e = |k: u64| ln_e(null, 3.0, &pair((canary, k), (stable, bad - k))).exp();
        let mean: f64 = (0..=bad).map(|k| weight(k) / all * e(k)).sum();
        assert!((mean - 1.0).abs() < 1e-10, "{mean}");
    }
}
