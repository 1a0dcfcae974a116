//! Chance from a seed: uniform and Poisson numbers, the same on every platform.
//!
//! Source: Steele, Lea, Flood (2014) for the stream; Knuth for Poisson numbers, in parts of small mean.

/// A part of a Poisson number has at most this mean: far above where `exp(-mean)` is too small to be told from 0.
const PART: f64 = 16.0;
/// Above this mean a Poisson number is taken as normal: its skewness is below 0.03 there.
const NORMAL: f64 = 1_024.0;

/// A stream that depends on its seed only.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        let mut stream = Self(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        stream.draw();
        Self(stream.draw())
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Above 0 and below 1.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.draw() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// Poisson with this mean.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > NORMAL {
            let radius = (-2.0 * libm::log(self.unit())).sqrt();
            let normal = radius * libm::cos(std::f64::consts::TAU * self.unit());
            return (mean + normal * mean.sqrt()).round().max(0.0) as u64;
        }
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let least = libm::exp(-left.min(PART));
            let mut product = self.unit();
            while product > least {
                product *= self.unit();
                count += 1;
            }
            left -= PART;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_are_those_of_the_distribution() {
        let mut chance = Chance::new(3);
        for mean in [0.02, 4.0, 15.9, 16.1, 300.0, 5_000.0] {
            let all: Vec<f64> = (0..20_000).map(|_| chance.poisson(mean) as f64).collect();
            let found = all.iter().sum::<f64>() / all.len() as f64;
            let variance = all.iter().map(|x| (x - found) * (x - found)).sum::<f64>() / all.len() as f64;
            let error = (mean / all.len() as f64).sqrt();
            assert!((found - mean).abs() < 5.0 * error, "{found} is not {mean}");
            assert!((variance / mean - 1.0).abs() < 0.1, "variance {variance} is not {mean}");
        }
    }
}
