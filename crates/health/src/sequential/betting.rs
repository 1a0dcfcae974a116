//! Betting on a mean: whether a metric between 0 and 1 is above a limit on average.
//!
//! Null: whatever was seen before, the next value is at most the limit on average. The capital
//! K_t = prod (1 + l_i (X_i - limit)) is then a supermartingale for any l_i in [0, 1 / limit) that depends on the past alone,
//! and passes 1/miss at any time with probability at most miss (Ville). Here
//! l_t = min(c / limit, sqrt(2 ln(2/miss) / (s_(t-1) t ln(t + 1)))), c = 1/2, with s the running variance; c keeps the
//! capital above zero. Values need not be independent, nor of one distribution. Values that overlap (a mean of five
//! minutes, asked every minute) are not what the null says: the next one then is about the last one.
//!
//! Coins of rate 0.6, 0.5 and 0.4 against a limit of 0.3 are found at 1 % after 1.25, 1.46 and 2.2 times ln(1/miss) / kl, the
//! least that any test needs that knows both rates.
//!
//! Whose fault it is, is not asked: a limit compares the canary with nobody.
//!
//! Source: Waudby-Smith and Ramdas: Estimating means of bounded random variables by betting (JRSS-B 86(1), 2024),
//! section 3 and equation 24 (predictable plug-in, one side).

use serde::{Deserialize, Serialize};

use super::LogE;
use super::mixture::finite;
use crate::Finite;

/// The part of 1/limit that is bet at most.
const MOST_BET: f64 = 0.5;
/// Mean and variance before anything is seen, each with the weight of one value.
const PRIOR_MEAN: f64 = 0.5;
const PRIOR_VARIANCE: f64 = 0.25;

/// A value that is not in [0, 1], or no number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not between 0 and 1")]
pub struct Outside(pub f64);

/// Sequential test of a mean against a limit, both in [0, 1].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Betting {
    limit: Finite,
    miss: Finite,
    seen: u64,
    /// Of the values, without the prior.
    sum: Finite,
    /// Of the squared distances to the mean as it was then, without the prior.
    squares: Finite,
    capital: LogE,
    highest: LogE,
}

impl Betting {
    /// Tests whether the mean is above `limit`, with a false alarm in at most `miss` of the cases. `None` unless both are
    /// between 0 and 1, the ends excluded.
    pub fn new(limit: f64, miss: f64) -> Option<Self> {
        let inside = |value: f64| value > 0.0 && value < 1.0;
        (inside(limit) && inside(miss)).then(|| Self {
            limit: finite(limit),
            miss: finite(miss),
            seen: 0,
            sum: Finite::default(),
            squares: Finite::default(),
            capital: LogE::ONE,
            highest: LogE::ONE,
        })
    }

    /// Takes one value.
    ///
    /// # Errors
    /// It is outside of [0, 1]; nothing has changed.
    pub fn observe(&mut self, value: f64) -> Result<(), Outside> {
        if !(0.0..=1.0).contains(&value) {
            return Err(Outside(value));
        }
        self.capital = self.capital.times(libm::log1p(self.bet() * (value - self.limit.value())));
        self.highest = self.highest.larger(self.capital);
        self.seen = self.seen.saturating_add(1);
        self.sum = finite(self.sum.value() + value);
        let mean = (PRIOR_MEAN + self.sum.value()) / (self.seen as f64 + 1.0);
        self.squares = finite(self.squares.value() + (value - mean) * (value - mean));
        Ok(())
    }

    /// What is bet on the next value: known before it is.
    fn bet(&self) -> f64 {
        let t = self.seen as f64 + 1.0;
        let variance = (PRIOR_VARIANCE + self.squares.value()) / t;
        let bold = 2.0 * libm::log(2.0 / self.miss.value()) / (variance * t * libm::log(t + 1.0));
        libm::sqrt(bold).min(MOST_BET / self.limit.value())
    }

    /// The evidence now.
    pub const fn evidence(&self) -> LogE {
        self.capital
    }

    /// The most evidence that there ever was.
    pub const fn highest(&self) -> LogE {
        self.highest
    }

    /// The logarithm of the evidence at which the mean is called above the limit.
    pub fn ln_threshold(&self) -> f64 {
        -libm::log(self.miss.value())
    }

    /// Values that were taken.
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// The mean of the values; `None` before the first.
    pub fn mean(&self) -> Option<Finite> {
        (self.seen > 0).then(|| finite(self.sum.value() / self.seen as f64))
    }
}
