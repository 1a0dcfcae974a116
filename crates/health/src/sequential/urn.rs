//! The split of bad events that come in bunches: beta-binomial, block by block.
//!
//! When each block of an instance draws its rate from a gamma distribution, counts are negative binomial, and the split
//! of their sum is beta-binomial with the shapes of both arms. Within a block what was seen so far predicts the rest
//! (Polya's urn), so a bunch counts little more than one event.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::Pair;
use super::mixture::finite;
use super::numerics::ln_gamma;
use crate::Finite;

/// The open block of both arms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Urn {
    /// Shape of the drawn rate per request of a block.
    shape: Finite,
    block_ms: u64,
    /// When the open block began, with its shapes and what fell in it.
    open: Option<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Block {
    began: Timestamp,
    canary_shape: Finite,
    stable_shape: Finite,
    canary_bad: u64,
    bad: u64,
}

impl Block {
    /// ln of the beta-binomial likelihood at a ratio, but for what no ratio changes.
    fn ln_likelihood(&self, ratio: f64) -> f64 {
        let canary = ratio * self.canary_shape.value();
        rise(canary, self.canary_bad) - rise(canary + self.stable_shape.value(), self.bad)
    }
}

impl Urn {
    /// Blocks of `block_ms` with variance by mean `phi` at `rate`; `None` when the events do not bunch.
    pub fn new(phi: f64, rate: f64, block_ms: u64) -> Option<Self> {
        let shape = finite(rate / (phi - 1.0));
        (phi > 1.0 && shape.value() > 0.0).then(|| Self { shape, block_ms: block_ms.max(1), open: None })
    }

    /// The block ends here.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// ln e of one stretch for each ratio against `null`.
    pub fn observe<const N: usize>(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        pair: &Pair,
        ratios: [f64; N],
        null: f64,
    ) -> [f64; N] {
        let block = match self.open.take() {
            Some(block) if to.since(block.began) <= self.block_ms => block,
            _ => self.fresh(from, to, pair),
        };
        let after = Block {
            canary_bad: block.canary_bad.saturating_add(pair.canary.bad),
            bad: block.bad.saturating_add(pair.bad()),
            ..block.clone()
        };
        let gain = |ratio: f64| after.ln_likelihood(ratio) - block.ln_likelihood(ratio);
        let found = if pair.bad() == 0 {
            [0.0; N]
        } else {
            let null = gain(null);
            ratios.map(|ratio| gain(ratio) - null)
        };
        self.open = Some(after);
        found
    }

    /// The shapes of a block are those of the requests that it will hold at the traffic of its first stretch.
    fn fresh(&self, from: Timestamp, to: Timestamp, pair: &Pair) -> Block {
        let stretches = (self.block_ms as f64 / to.since(from).max(1) as f64).max(1.0);
        let shape = |requests: u64| finite(self.shape.value() * requests as f64 * stretches);
        Block {
            began: from,
            canary_shape: shape(pair.canary.requests),
            stable_shape: shape(pair.stable.requests),
            canary_bad: 0,
            bad: 0,
        }
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(block) = &mut self.open {
            v.time(&mut block.began);
        }
    }
}

/// ln of Gamma(x + n) / Gamma(x).
fn rise(x: f64, n: u64) -> f64 {
    if n > 8 {
        return ln_gamma(x + n as f64) - ln_gamma(x);
    }
    libm::log((0..n).fold(1.0, |product, k| product * (x + k as f64)))
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::*;

    fn pair(canary: u64, stable: u64) -> Pair {
        let arm = |requests, bad| Counts { requests, bad };
        Pair { canary: arm(75, canary), stable: arm(1_425, stable) }
    }

    #[test]
    fn a_rising_factorial_is_a_quotient_of_gammas() {
        for n in [0, 1, 5, 8, 9, 100] {
            let gammas = ln_gamma(0.3 + n as f64) - ln_gamma(0.3);
            assert!((rise(0.3, n) - gammas).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn a_bunch_in_one_block_counts_as_little_and_in_many_as_much() {
        let end = |block: u64| Timestamp::from_millis(15_000 * (block + 1));
        let start = |block: u64| Timestamp::from_millis(15_000 * block);
        let mut urn = Urn::new(5.0, 0.001, 60_000).unwrap();
        let [bunch] = urn.observe(start(0), end(0), &pair(20, 1), [12.5], 1.25);
        let mut urn = Urn::new(5.0, 0.001, 60_000).unwrap();
        let spread: f64 =
            (0..20).map(|n| urn.observe(start(4 * n), end(4 * n), &pair(1, 0), [12.5], 1.25)[0]).sum();
        assert!(spread > 3.0 * bunch, "{spread} against {bunch}");
        let mut poisson = Urn::new(1.000_001, 0.001, 60_000).unwrap();
        let [found] = poisson.observe(start(0), end(0), &pair(3, 2), [12.5], 1.25);
        let expected = super::super::split::ln_factors(1.25, 0.05, &pair(3, 2))[4];
        assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
    }
}
