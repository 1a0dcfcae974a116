//! Test (e): how bad events bunch together in the stable revision, estimated from what is recorded of it.
//!
//! Variance by mean over instances of the same block, so that what shakes all instances at once (and cancels in the
//! split) is not counted. Taken over blocks of 1, 2 and 5 minutes; the longest correlation wins.

use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::{Counts, Dispersion};
use crate::Finite;

const MINUTE_MS: u64 = 60_000;
const BLOCK_MINUTES: [usize; 3] = [1, 2, 5];
/// A longer block is taken only when it shows this much more.
const CLEARLY_MORE: f64 = 1.2;
/// What is within so many standard errors of 1 is taken as 1.
const ERRORS_OF_ONE: f64 = 4.0;
/// The estimate is raised by so many standard errors, since too small a value is the dangerous side.
const ERRORS_ADDED: f64 = 1.0;

/// What was found about bunching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bunching {
    /// Variance by mean of bad events per instance and block; 1 when they come one by one.
    pub phi: Finite,
    /// Bad events by request.
    pub rate: Finite,
    /// The block at which it was found.
    pub block_ms: u64,
}

impl Bunching {
    /// Looks at minutes of several instances: the outer slice is time, the inner one instances in a fixed order. One
    /// by one when there is too little to tell.
    pub fn of(minutes: &[Vec<Counts>]) -> Self {
        let all = minutes.iter().flatten().fold(Counts::default(), |sum, c| sum.plus(*c));
        let mut found = Self { phi: finite(1.0), rate: finite(all.rate()), block_ms: MINUTE_MS };
        for block in BLOCK_MINUTES {
            let Some((phi, error)) = variance_by_mean(minutes, block, all.rate()) else { continue };
            let phi = if phi < 1.0 + ERRORS_OF_ONE * error { 1.0 } else { phi + ERRORS_ADDED * phi * error };
            if phi > found.phi.value() * if block == 1 { 1.0 } else { CLEARLY_MORE } {
                found.phi = finite(phi);
                found.block_ms = MINUTE_MS * block as u64;
            }
        }
        found
    }

    /// The exact form: beta-binomial.
    pub fn urn(self) -> Dispersion {
        if self.phi.value() <= 1.0 {
            return Dispersion::Poisson;
        }
        Dispersion::Urn { phi: self.phi, rate: self.rate, block_ms: self.block_ms }
    }

    /// The simple form: e-values to the power of 1/phi.
    pub fn tempered(self) -> Dispersion {
        if self.phi.value() <= 1.0 { Dispersion::Poisson } else { Dispersion::Tempered(self.phi) }
    }
}

/// Variance by mean, and its standard error if it were 1.
fn variance_by_mean(minutes: &[Vec<Counts>], block: usize, rate: f64) -> Option<(f64, f64)> {
    let (mut squares, mut expected, mut cells) = (0.0, 0.0, 0.0);
    for chunk in minutes.chunks_exact(block) {
        let instances = chunk.iter().map(Vec::len).min()?;
        let cell = |n: usize| {
            chunk.iter().filter_map(|minute| minute.get(n)).fold(Counts::default(), |sum, c| sum.plus(*c))
        };
        let whole = (0..instances).fold(Counts::default(), |sum, n| sum.plus(cell(n)));
        if whole.requests == 0 {
            continue;
        }
        for counts in (0..instances).map(cell) {
            let share = counts.requests as f64 / whole.requests as f64;
            // A single instance has only its own past to be compared with.
            let (mean, spread) = if instances == 1 {
                (rate * counts.requests as f64, rate * counts.requests as f64)
            } else {
                (whole.bad as f64 * share, whole.bad as f64 * share * (1.0 - share))
            };
            let off = counts.bad as f64 - mean;
            squares += off * off;
            expected += spread;
            cells += 1.0;
        }
    }
    let mean = expected / f64::max(cells, 1.0);
    (cells >= 30.0 && expected >= 10.0).then(|| (squares / expected, ((1.0 / mean + 2.0) / cells).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(bad: impl Fn(usize, usize) -> u64) -> Vec<Vec<Counts>> {
        (0..300).map(|t| (0..10).map(|i| Counts { requests: 300, bad: bad(t, i) }).collect()).collect()
    }

    #[test]
    fn bunches_of_ten_are_seen_and_a_shared_shock_is_not() {
        // Ten at once, at one instance in ten, each minute: mean 1, variance 9.
        let found = Bunching::of(&minutes(|t, i| if t % 10 == i { 10 } else { 0 }));
        assert!(found.phi.value() > 8.0 && found.phi.value() < 12.0, "{found:?}");
        let shared = Bunching::of(&minutes(|t, _| if t % 30 == 0 { 20 } else { 0 }));
        assert_eq!(shared.phi.value().to_bits(), 1.0_f64.to_bits());
        assert_eq!(shared.urn(), Dispersion::Poisson);
        assert_eq!(Bunching::of(&[]).tempered(), Dispersion::Poisson);
    }
}
