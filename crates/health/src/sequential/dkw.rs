//! Where the durations of both arms lie, at every moment: the time-uniform Dvoretzky-Kiefer-Wolfowitz band.
//!
//! With probability at least 1 - miss, for all numbers of requests t and all durations x together,
//! |F_t(x) - F(x)| <= 0.85 sqrt((ln ln(e t) + 0.8 ln(1612 / miss)) / t). Two arms at alpha/2 each.
//!
//! For a picture and for saying how much slower the canary is. It decides nothing: it pools over time, so a share of the
//! traffic that changes while the load does makes two equal arms differ (Simpson's paradox). What decides compares within
//! each stretch ([`super::EdgeTest`]). Nothing is interpolated: a quantile lies between two bounds of buckets.
//!
//! Source: Howard and Ramdas: Sequential estimation of quantiles (Bernoulli 28(3), 2022), theorem 2.

use serde::{Deserialize, Serialize};

use super::mixture::finite;
use crate::{Finite, Latency};

/// Quantiles that are told, in percent.
pub const TOLD: [u8; 4] = [50, 90, 95, 99];

/// The half width of the band after `samples` requests, missed with probability `miss` in (0, 1); at most 1.
pub fn radius(samples: u64, miss: f64) -> f64 {
    if samples == 0 {
        return 1.0;
    }
    let t = samples as f64;
    // ln ln(e t) = ln(1 + ln t).
    let iterated = libm::log(1.0 + libm::log(t));
    (0.85 * libm::sqrt((iterated + constant(miss)) / t)).min(1.0)
}

/// The part of the half width that does not grow with time.
fn constant(miss: f64) -> f64 {
    0.8 * libm::log(1612.0 / miss.clamp(1e-12, 1.0))
}

/// Where a quantile lies, in microseconds. An end without a bound is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Between {
    /// It is above this.
    pub above_us: Option<u64>,
    /// It is at most this.
    pub at_most_us: Option<u64>,
}

/// One arm: what was counted, and how far it can be from the truth.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Distribution {
    /// Requests at or below each bound.
    pub counted: Latency,
    /// The true share at each bound is within this of the counted one.
    pub radius: Finite,
    /// Where the quantiles of [`TOLD`] lie.
    pub quantiles: [Between; 4],
}

impl Distribution {
    /// What is known from a cumulative histogram, missed with probability `miss`.
    pub fn of(counted: Latency, miss: f64) -> Self {
        let radius = radius(counted.total(), miss);
        let quantiles = TOLD.map(|percent| between(&counted, radius, f64::from(percent) / 100.0));
        Self { counted, radius: finite(radius), quantiles }
    }

    /// Share of the requests at or below each bound but the open one.
    pub fn shares(&self) -> impl Iterator<Item = (u64, f64)> {
        shares(&self.counted)
    }
}

fn shares(counted: &Latency) -> impl Iterator<Item = (u64, f64)> {
    let total = counted.total().max(1) as f64;
    let bounded = counted.buckets().iter().filter(|(le, _)| *le != u64::MAX);
    bounded.map(move |(le, count)| (*le, *count as f64 / total))
}

/// Inverts the band: F(x) >= p puts the quantile at or below x, F(x) < p puts it above x.
fn between(counted: &Latency, radius: f64, p: f64) -> Between {
    let above = shares(counted).filter(|(_, share)| share + radius < p).last();
    let at_most = shares(counted).find(|(_, share)| share - radius >= p);
    Between { above_us: above.map(|(le, _)| le), at_most_us: at_most.map(|(le, _)| le) }
}

/// A quantile of the canary that is above one of stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slower {
    /// Which quantile.
    pub percent: u8,
    /// The canary's is above this, in microseconds.
    pub canary_above_us: u64,
    /// Stable's is at most this.
    pub stable_at_most_us: u64,
    /// The canary's is more than this many times stable's; above 1.
    pub times: Finite,
}

/// Where the two distributions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Apart {
    /// The largest bound at which they do, in microseconds.
    pub at_us: u64,
    /// By how much more of the canary's requests take longer, at least.
    pub at_least: Finite,
}

/// The durations of both arms, and what is proven of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durations {
    /// How often any of this is wrong, at any time.
    pub miss: Finite,
    /// The revision under evaluation.
    pub canary: Distribution,
    /// The trusted one.
    pub stable: Distribution,
    /// Where the canary's requests take longer.
    pub apart: Option<Apart>,
    /// The quantile of which most is proven.
    pub slower: Option<Slower>,
}

impl Durations {
    /// Compares two cumulative histograms at the bounds that both have. `None` when one of them is empty.
    pub fn of(canary: &Latency, stable: &Latency, miss: f64) -> Option<Self> {
        if canary.total() == 0 || stable.total() == 0 {
            return None;
        }
        let arm =
            |own: &Latency, other: &Latency| Some(Distribution::of(own.at_bounds_of(other)?, miss / 2.0));
        let (canary, stable) = (arm(canary, stable)?, arm(stable, canary)?);
        let (apart, slower) = (apart(&canary, &stable), slower(&canary, &stable));
        Some(Self { miss: finite(miss), canary, stable, apart, slower })
    }

    /// What is proven, in a sentence.
    pub fn told(&self) -> String {
        let ms = |us: u64| us as f64 / 1_000.0;
        match (self.slower, self.apart) {
            (Some(slower), _) => format!(
                "p{} of the canary is above {} ms, stable's at most {} ms: at least {:.2} times as slow",
                slower.percent,
                ms(slower.canary_above_us),
                ms(slower.stable_at_most_us),
                slower.times.value()
            ),
            (None, Some(apart)) => format!(
                "at least {:.1} % more of the canary's requests than of stable's take longer than {} ms",
                apart.at_least.value() * 100.0,
                ms(apart.at_us)
            ),
            (None, None) => "no bound at which the canary is proven to be slower".to_owned(),
        }
    }
}

fn apart(canary: &Distribution, stable: &Distribution) -> Option<Apart> {
    let within = canary.radius.value() + stable.radius.value();
    let both = canary.shares().zip(stable.shares());
    let more = both.map(|((le, canary), (_, stable))| (le, stable - canary - within));
    more.filter(|(_, more)| *more > 0.0).last().map(|(at_us, more)| Apart { at_us, at_least: finite(more) })
}

fn slower(canary: &Distribution, stable: &Distribution) -> Option<Slower> {
    let both = TOLD.into_iter().zip(canary.quantiles.iter().zip(&stable.quantiles));
    let proven = both.filter_map(|(percent, (canary, stable))| {
        let (above, at_most) = (canary.above_us?, stable.at_most_us?);
        let times = finite(above as f64 / at_most.max(1) as f64);
        let slower = Slower { percent, canary_above_us: above, stable_at_most_us: at_most, times };
        (above > at_most).then_some(slower)
    });
    proven.max_by(|a, b| a.times.value().total_cmp(&b.times.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(counts: &[(u64, u64)]) -> Latency {
        Latency::new(counts.to_vec()).unwrap()
    }

    #[test]
    fn the_constant_is_the_published_one() {
        for (miss, published) in [(0.05, 8.30), (0.01, 9.59), (0.005, 10.15)] {
            assert!((constant(miss) - published).abs() < 0.006, "{} is not {published}", constant(miss));
        }
        // At t = 1 the iterated logarithm is 0, at t = e^(e - 1) it is 1.
        let at = |samples: u64| radius(samples, 0.05) / 0.85;
        let ten_thousand = libm::log(1.0 + libm::log(10_000.0)) + constant(0.05);
        assert!((at(10_000) * at(10_000) * 10_000.0 - ten_thousand).abs() < 1e-9);
        assert!((radius(0, 0.05) - 1.0).abs() < 1e-15 && (radius(1, 0.05) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_slower_canary_is_told_with_both_bounds_and_an_equal_one_is_not() {
        let stable = [(40_000, 18_000), (80_000, 19_900), (120_000, 19_950), (u64::MAX, 20_000)];
        let canary = [(40_000, 9_000), (80_000, 12_000), (120_000, 17_000), (u64::MAX, 20_000)];
        let (stable, canary) = (histogram(&stable), histogram(&canary));
        let found = Durations::of(&canary, &stable, 0.01).unwrap();
        let slower = found.slower.unwrap();
        assert_eq!((slower.canary_above_us, slower.stable_at_most_us), (120_000, 80_000), "{slower:?}");
        assert!((slower.times.value() - 1.5).abs() < 1e-12 && [90, 95].contains(&slower.percent));
        assert_eq!(found.apart.map(|apart| apart.at_us), Some(120_000));
        assert!(found.told().ends_with("at most 80 ms: at least 1.50 times as slow"), "{}", found.told());
        let same = Durations::of(&stable, &stable, 0.01).unwrap();
        assert_eq!((same.apart, same.slower), (None, None));
        assert_eq!(same.canary.quantiles[3].at_most_us, None, "p99 is open after 20 000 requests");
        assert_eq!(Durations::of(&Latency::default(), &stable, 0.01), None);
    }

    #[test]
    fn arms_are_compared_at_the_bounds_that_both_have() {
        let fine = histogram(&[(10, 5_000), (20, 9_000), (40, 9_900), (u64::MAX, 10_000)]);
        let coarse = histogram(&[(20, 9_000), (80, 9_950), (u64::MAX, 10_000)]);
        let found = Durations::of(&fine, &coarse, 0.01).unwrap();
        for arm in [&found.canary, &found.stable] {
            assert_eq!(arm.counted, histogram(&[(20, 9_000), (u64::MAX, 10_000)]));
        }
    }
}
