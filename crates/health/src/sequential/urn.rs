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
use super::overshoot::Outcomes;
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
    /// With so many more bad events, and so many of them of the canary.
    fn after(&self, canary_bad: u64, bad: u64) -> Self {
        Self {
            canary_bad: self.canary_bad.saturating_add(canary_bad),
            bad: self.bad.saturating_add(bad),
            ..self.clone()
        }
    }

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

    /// Hands on ln e of one stretch for each ratio against `null`, with how else the stretch could have been.
    pub(super) fn observe<const N: usize>(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        pair: &Pair,
        ratios: [f64; N],
        null: f64,
        hear: impl FnOnce([f64; N], &Outcomes<'_, N>),
    ) {
        let block = match self.open.take() {
            Some(block) if to.since(block.began) <= self.block_ms => block,
            _ => self.fresh(from, to, pair),
        };
        let gains = |canary_bad: u64| {
            let after = block.after(canary_bad, pair.bad());
            let gain = |ratio: f64| after.ln_likelihood(ratio) - block.ln_likelihood(ratio);
            let null = gain(null);
            ratios.map(|ratio| gain(ratio) - null)
        };
        // Polya's urn: shapes of both arms with what was seen in the block.
        let seen = |ratio: f64| ratio * block.canary_shape.value() + block.canary_bad as f64;
        let (canary, bad) = (seen(null), pair.bad());
        let stable = block.stable_shape.value() + block.bad.saturating_sub(block.canary_bad) as f64;
        hear(
            gains(pair.canary.bad),
            &Outcomes {
                bad,
                none: libm::exp(rise(stable, bad) - rise(canary + stable, bad)),
                ln_at_none: gains(0),
                odds: &|k| {
                    let rest = (bad - k) as f64;
                    rest / (k + 1) as f64 * (canary + k as f64) / (stable + rest - 1.0)
                },
                gain: &|lane, k| {
                    let now = (canary + k as f64).max(f64::MIN_POSITIVE);
                    ratios.get(lane).map_or(1.0, |ratio| (seen(*ratio) + k as f64) / now)
                },
            },
        );
        self.open = Some(block.after(pair.canary.bad, pair.bad()));
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
        let gain = |urn: &mut Urn, block, pair: &Pair| {
            let mut found = 0.0;
            urn.observe(start(block), end(block), pair, [12.5], 1.25, |[ln], _| found = ln);
            found
        };
        let bunch = gain(&mut Urn::new(5.0, 0.001, 60_000).unwrap(), 0, &pair(20, 1));
        let mut urn = Urn::new(5.0, 0.001, 60_000).unwrap();
        let spread: f64 = (0..20).map(|n| gain(&mut urn, 4 * n, &pair(1, 0))).sum();
        assert!(spread > 3.0 * bunch, "{spread} against {bunch}");
        let found = gain(&mut Urn::new(1.000_001, 0.001, 60_000).unwrap(), 0, &pair(3, 2));
        let expected = super::super::split::ln_factors(1.25, 0.05, &pair(3, 2))[4];
        assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
    }

    #[test]
    fn every_split_of_a_stretch_is_worth_what_it_is_worth_when_it_comes() {
        let fresh = || {
            let mut urn = Urn::new(3.0, 0.001, 60_000).unwrap();
            let at = Timestamp::from_millis;
            urn.observe(at(0), at(15_000), &pair(2, 1), [12.5], 1.25, |_, _| {});
            urn
        };
        let second = |canary: u64, hear: &mut dyn FnMut([f64; 1], &Outcomes<'_, 1>)| {
            let at = Timestamp::from_millis;
            fresh().observe(at(15_000), at(30_000), &pair(canary, 4 - canary), [12.5], 1.25, hear);
        };
        let mut told = vec![];
        second(0, &mut |_, outcomes| {
            let (mut chance, mut ln, mut all) = (outcomes.none, outcomes.ln_at_none[0], 0.0);
            for k in 0..=4 {
                told.push(ln);
                all += chance;
                chance *= (outcomes.odds)(k);
                ln += (outcomes.gain)(0, k).ln();
            }
            assert!((all - 1.0).abs() < 1e-12, "chances add up to {all}");
        });
        for (canary, told) in (0..).zip(told) {
            second(canary, &mut |[found], _| {
                assert!((found - told).abs() < 1e-9, "{canary}: {found} is not {told}");
            });
        }
    }
}
