//! Series of bandwidth by seed: what a forecaster is asked to foretell. All values are positive Mbit/s.

use crate::rng::Rng;

/// A kind of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Always the same.
    Constant,
    /// Rises by a fixed step, with a little noise.
    Ramp,
    /// A sine of period 60 with noise.
    Seasonal,
    /// Returns to its mean: x' = mean + 0.8 (x - mean) + noise.
    Autoregressive,
    /// Each step is independent of the past.
    RandomWalk,
    /// A day of a link: slow and quick rhythm, noise with memory, bursts of cross traffic. Made by the seed, not
    /// recorded from a network.
    Trace,
    /// A link of a datacenter: 10 Gbit/s, little noise with memory.
    Datacenter,
    /// A path of the internet: 100 Mbit/s, more noise with memory, a slow rhythm.
    Internet,
}

impl Series {
    /// The five on which a forecaster is compared with the naive one.
    pub const COMPARED: [Self; 5] =
        [Self::Ramp, Self::Seasonal, Self::Autoregressive, Self::RandomWalk, Self::Trace];

    /// As it stands in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Ramp => "ramp",
            Self::Seasonal => "seasonal",
            Self::Autoregressive => "ar1",
            Self::RandomWalk => "random-walk",
            Self::Trace => "trace",
            Self::Datacenter => "datacenter",
            Self::Internet => "internet",
        }
    }

    /// So many values of the series of that seed.
    pub fn values(self, seed: u64, count: usize) -> Vec<f64> {
        let mut rng = Rng::of(seed, self.name(), 0);
        let mut memory = Memory::default();
        (0..count).map(|t| self.value(t as f64, &mut rng, &mut memory)).collect()
    }

    fn value(self, t: f64, rng: &mut Rng, memory: &mut Memory) -> f64 {
        let wave = |period: f64| libm::sin(2.0 * std::f64::consts::PI * t / period);
        match self {
            Self::Constant => 250.0,
            Self::Ramp => 100.0 + 0.5 * t + rng.normal(),
            Self::Seasonal => 200.0 + 60.0 * wave(60.0) + 6.0 * rng.normal(),
            Self::Autoregressive => 200.0 + memory.step(0.8, 10.0, rng),
            Self::RandomWalk => {
                // Reflected far from 0, so that it stays positive and is a walk all the same.
                memory.level = (memory.level + rng.normal()).abs();
                1_000.0 + memory.level
            }
            Self::Trace => {
                if memory.burst == 0 && rng.chance(0.004) {
                    memory.burst = 10 + rng.below(40);
                }
                memory.burst = memory.burst.saturating_sub(1);
                let burst = if memory.burst > 0 { 60.0 } else { 0.0 };
                (300.0 + 80.0 * wave(240.0) + 20.0 * wave(24.0) + memory.step(0.7, 8.0, rng) - burst).max(1.0)
            }
            Self::Datacenter => 9_000.0 + memory.step(0.9, 150.0, rng),
            Self::Internet => (100.0 + 20.0 * wave(300.0) + memory.step(0.9, 4.0, rng)).max(20.0),
        }
    }
}

/// What a series remembers of itself.
#[derive(Default)]
struct Memory {
    level: f64,
    burst: u64,
}

impl Memory {
    fn step(&mut self, keep: f64, noise: f64, rng: &mut Rng) -> f64 {
        self.level = keep * self.level + noise * rng.normal();
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    fn moments(values: &[f64]) -> (f64, f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let cov = |lag: usize| {
            (lag..values.len()).map(|t| (values[t] - mean) * (values[t - lag] - mean)).sum::<f64>() / n
        };
        (mean, cov(0), cov(1) / cov(0))
    }

    #[test]
    fn a_series_has_the_moments_that_its_formula_gives() {
        // AR(1): variance 100 / (1 - 0.64) = 277.8, correlation 0.8; six standard errors are about 4, 40 and 0.04.
        let (mean, variance, correlation) = moments(&Series::Autoregressive.values(3, 20_000));
        assert!((mean - 200.0).abs() < 4.0 && (variance - 277.8).abs() < 40.0, "{mean} {variance}");
        assert!((correlation - 0.8).abs() < 0.04, "{correlation}");
        // A sine of 60 with noise 6: variance 1800 + 36.
        let (mean, variance, _) = moments(&Series::Seasonal.values(3, 6_000));
        assert!((mean - 200.0).abs() < 1.0 && (variance - 1_836.0).abs() < 60.0, "{mean} {variance}");
        let ramp = Series::Ramp.values(3, 1_000);
        assert!((ramp[999] - ramp[0] - 499.5).abs() < 8.0);
    }

    #[test]
    fn all_are_positive_and_depend_on_the_seed_only() {
        for series in
            [Series::Constant, Series::Datacenter, Series::Internet].into_iter().chain(Series::COMPARED)
        {
            let values = series.values(5, 3_000);
            assert!(values.iter().all(|v| v.is_finite() && *v > 0.0), "{}", series.name());
            assert_eq!(values, series.values(5, 3_000));
            assert!(series == Series::Constant || values != series.values(6, 3_000));
        }
    }
}
