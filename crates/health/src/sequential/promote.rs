//! Evidence for going on, and what a rollout of a given size can see at all.

use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::numerics::{bisect, kl};
use super::{LogE, Pair};
use crate::Finite;

/// The other way round: evidence that the ratio is below `excluded`, from the beginning of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClearTest {
    excluded: Finite,
    /// Bets on no change at all and on half of what is to be excluded, as products from the step's beginning.
    same: LogE,
    half: LogE,
    totals: Pair,
}

impl ClearTest {
    /// Excludes a ratio of `excluded` or more, such as 2.
    pub fn new(excluded: f64) -> Self {
        Self {
            excluded: finite(excluded.max(1.01)),
            same: LogE::ONE,
            half: LogE::ONE,
            totals: Pair::default(),
        }
    }

    /// The traffic share changes: the next step is cleared by its own requests.
    pub fn step(&mut self) {
        *self = Self::new(self.excluded.value());
    }

    /// Takes the counts of one stretch. `power` below 1 tempers it.
    pub fn observe(&mut self, pair: &Pair, power: f64) {
        self.totals = self.totals.plus(pair);
        let Some(share) = pair.share() else { return };
        let factor = |ratio: f64| {
            let excluded = self.excluded.value();
            let (canary, all) = (pair.canary.bad as f64, pair.bad() as f64);
            let norm = libm::log((ratio * share + 1.0 - share) / (excluded * share + 1.0 - share));
            power * (canary * libm::log(ratio / excluded) - all * norm)
        };
        self.same = self.same.times(factor(1.0));
        self.half = self.half.times(factor(f64::midpoint(1.0, self.excluded.value())));
    }

    /// The evidence; at 1/beta the step may end before its time.
    pub fn evidence(&self) -> LogE {
        self.same.plus(self.half).times(-std::f64::consts::LN_2)
    }

    /// All that was counted in this step.
    pub const fn totals(&self) -> &Pair {
        &self.totals
    }
}

/// Wald's expected number of requests to clear a release whose rate is `base` of a rate `worse`, and the expected
/// number to find it when it has that rate: (cleared, found).
pub fn wald(base: f64, worse: f64, alpha: f64, beta: f64) -> (f64, f64) {
    let (reject, accept) = (libm::log((1.0 - beta) / alpha), libm::log(beta / (1.0 - alpha)));
    let found = ((1.0 - beta) * reject + beta * accept) / kl(worse, base);
    let cleared = (-(1.0 - alpha) * accept - alpha * reject) / kl(base, worse);
    (cleared, found)
}

/// Fewest canary requests to find `worse` at all when `base` is known: ln(1/alpha) / kl.
pub fn known_base_bound(base: f64, worse: f64, alpha: f64) -> f64 {
    -libm::log(alpha) / kl(worse, base)
}

/// The same when the base is observed only at the same time, at canary share `share`: ln(1/alpha) w / J.
pub fn concurrent_bound(base: f64, worse: f64, share: f64, alpha: f64) -> f64 {
    let common = share * worse + (1.0 - share) * base;
    let j = share * kl(worse, common) + (1.0 - share) * kl(base, common);
    -libm::log(alpha) * share / j
}

/// The smallest regression that `requests` of the canary could have seen: the ratio to `base` from which on a healthy
/// release would have been told from a worse one, missed with probability `beta`. `None` when no ratio is. Anything
/// weaker is unproven.
pub fn smallest_seen(base: f64, requests: u64, alpha: f64, beta: f64) -> Option<f64> {
    if base <= 0.0 || base >= 1.0 {
        return None;
    }
    let sees = |ratio: f64| wald(base, base * ratio, alpha, beta).0 <= requests as f64;
    let most = 0.999_999 / base;
    (most > 1.0 && sees(most)).then(|| bisect(1.0, most, |ratio| ratio <= 1.0 || !sees(ratio)))
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::*;

    fn near(found: f64, published: f64, within: f64) {
        assert!((found / published - 1.0).abs() < within, "{found} is not {published}");
    }

    #[test]
    fn the_limits_are_those_of_the_published_table() {
        let rates = [0.003, 0.005, 0.01, 0.02, 0.05];
        let known = [3_548.0, 1_136.0, 327.0, 112.0, 31.0];
        let found = [3_218.0, 1_030.0, 297.0, 102.0, 28.0];
        let clear = [3_222.0, 1_213.0, 432.0, 180.0, 63.0];
        let shared = [
            (0.05, [3_835.0, 1_252.0, 375.0, 135.0, 41.0]),
            (0.25, [5_327.0, 1_836.0, 596.0, 232.0, 77.0]),
            (0.50, [8_784.0, 3_155.0, 1_073.0, 433.0, 148.0]),
        ];
        for (n, worse) in rates.into_iter().enumerate() {
            near(known_base_bound(0.001, worse, 0.01), known[n], 0.02);
            near(wald(0.001, worse, 0.01, 0.05).1, found[n], 0.02);
            near(wald(0.001, worse, 0.01, 0.05).0, clear[n], 0.02);
            for (share, bounds) in shared {
                near(concurrent_bound(0.001, worse, share, 0.01), bounds[n], 0.02);
            }
        }
        assert_eq!(known_base_bound(0.001, 0.01, 0.01).round() as u64, 327);
    }

    #[test]
    fn a_ramp_of_fifteen_minutes_sees_what_the_specification_says() {
        for (per_second, ratio) in [(1_u64, 16.0), (10, 3.5), (100, 1.6), (1_000, 1.17)] {
            near(smallest_seen(0.001, 240 * per_second, 0.01, 0.05).unwrap(), ratio, 0.03);
        }
        assert_eq!(smallest_seen(0.0, 1_000, 0.01, 0.05), None);
        assert_eq!(smallest_seen(0.001, 0, 0.01, 0.05), None);
    }

    #[test]
    fn a_clean_step_is_cleared_and_a_doubled_rate_is_not() {
        let arm = |requests, bad| Counts { requests, bad };
        let (mut clean, mut doubled) = (ClearTest::new(2.0), ClearTest::new(2.0));
        for _ in 0..60 {
            clean.observe(&Pair { canary: arm(1_500, 2), stable: arm(1_500, 2) }, 1.0);
            doubled.observe(&Pair { canary: arm(1_500, 4), stable: arm(1_500, 2) }, 1.0);
        }
        assert!(clean.evidence().ln() > 3.0, "{:?}", clean.evidence());
        assert!(doubled.evidence().ln() < 0.0, "{:?}", doubled.evidence());
    }
}
