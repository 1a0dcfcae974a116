//! Two sequential tests of a mean, for comparison: the mixture SPRT of the A/B platforms, and the asymptotic confidence
//! sequence. Both take the differences of the error rates, minute by minute, as normal with the variance that was seen so
//! far, so that their promise holds only in the limit of many minutes.
//!
//! Sources: Johari, Koomen, Pekelis, Walsh: Always valid inference (Operations Research 2022); Waudby-Smith, Arbour, Sinha,
//! Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence sequences (Annals of Statistics 2024).

use crate::arms::Arms;
use crate::rule::{Decision, Rule};
use crate::trace::{Header, Scrape};

const ALPHA: f64 = 0.01;
/// Minutes before a variance is believed.
const LEAST: usize = 5;

/// Which test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaussian {
    /// Mixture over effects that vary as much as one difference does.
    MixtureSprt,
    /// The interval around the mean leaves zero.
    Interval,
}

/// ln of the mixture likelihood ratio of a mean difference `mean` of `n` pairs, each of variance `variance`, against
/// zero, over effects of variance `spread`.
fn ln_mixture(mean: f64, n: f64, variance: f64, spread: f64) -> f64 {
    let whole = variance + n * spread;
    0.5 * libm::log(variance / whole) + n * n * spread * mean * mean / (2.0 * variance * whole)
}

/// Half the width of the confidence sequence of a mean at `t` values, as a multiple of their standard deviation, tightest
/// near `planned` values.
fn half_width(t: f64, planned: f64) -> f64 {
    let ln = -2.0 * libm::log(ALPHA);
    let tuned = (ln + libm::log(ln + 1.0)) / planned;
    let wide = t * tuned + 1.0;
    libm::sqrt(2.0 * wide / (t * t * tuned) * libm::log(libm::sqrt(wide) / ALPHA))
}

/// Mean and variance of the differences of both arms.
fn moments(pairs: &[(f64, f64)]) -> (f64, f64) {
    let n = pairs.len() as f64;
    let differences = pairs.iter().map(|(canary, stable)| canary - stable);
    let mean = differences.clone().sum::<f64>() / n;
    let squares: f64 = differences.map(|one| (one - mean) * (one - mean)).sum();
    (mean, squares / (n - 1.0))
}

/// One of them as a rule.
pub struct Tested {
    which: Gaussian,
    arms: Arms,
    minutes: f64,
    score: f64,
}

impl Tested {
    /// The rule.
    pub fn new(which: Gaussian) -> Self {
        Self { which, arms: Arms::default(), minutes: 1.0, score: 0.0 }
    }

    /// How many times as far from zero as it may be, in the units of its own threshold.
    fn judged(&self) -> f64 {
        let pairs = self.arms.by_minute();
        if pairs.len() < LEAST {
            return 0.0;
        }
        let ((mean, variance), n) = (moments(&pairs), pairs.len() as f64);
        if mean <= 0.0 || variance <= 0.0 {
            return 0.0;
        }
        match self.which {
            Gaussian::MixtureSprt => ln_mixture(mean, n, variance, variance) / -libm::log(ALPHA),
            Gaussian::Interval => mean / (libm::sqrt(variance) * half_width(n, self.minutes / 2.0)),
        }
    }
}

impl Rule for Tested {
    fn name(&self) -> String {
        match self.which {
            Gaussian::MixtureSprt => "mixture SPRT 60s".to_owned(),
            Gaussian::Interval => "asymptotic 60s".to_owned(),
        }
    }

    fn begin(&mut self, header: &Header) {
        self.arms.clear();
        let ms = f64::from(header.scrapes) * header.scrape_ms as f64;
        (self.minutes, self.score) = ((ms / 60_000.0).max(1.0), 0.0);
    }

    fn scrape(&mut self, scrape: &Scrape) -> Decision {
        self.arms.push(scrape);
        self.score = self.judged();
        if self.score > 1.0 { Decision::Rollback } else { Decision::Continue }
    }

    fn score(&self) -> f64 {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_is_one_on_average_when_there_is_no_difference() {
        // Over the density of the mean of n differences of that variance.
        let (n, variance, spread) = (12.0_f64, 0.3_f64, 0.8_f64);
        let deviation = (variance / n).sqrt();
        let step = deviation / 500.0;
        let density =
            |x: f64| (-x * x / (2.0 * deviation * deviation)).exp() / (deviation * 2.506_628_274_631);
        // Its tails fall slowly: the ratio grows nearly as fast as the density falls.
        let points = (-40_000..=40_000).map(|k| f64::from(k) * step);
        let mean: f64 =
            points.map(|x| (density(x).ln() + ln_mixture(x, n, variance, spread)).exp() * step).sum();
        assert!((mean - 1.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn the_interval_is_tightest_where_it_was_planned_to_be() {
        // As a multiple of the standard error of a fixed sample.
        let by_error = |t: f64| half_width(t, 100.0) * t.sqrt();
        assert!(by_error(100.0) < by_error(50.0) && by_error(100.0) < by_error(200.0));
        // 2.576 at one look with the same alpha; the price of looking always.
        assert!((3.0..4.0).contains(&by_error(100.0)), "{}", by_error(100.0));
    }
}
