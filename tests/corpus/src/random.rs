//! Chance from a seed, the same on every platform: uniform, normal, gamma, Poisson and binomial numbers.
//!
//! Sources: Steele, Lea, Flood (2014) for the stream; Marsaglia and Tsang (2000) for gamma; Hormann (1993) for Poisson
//! (PTRS) and binomial (BTRS) numbers by transformed rejection.

#![expect(clippy::many_single_char_names, reason = "names of one letter are those of the sources")]

/// A stream that depends on its seed only.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed and a purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut stream = Self(seed ^ purpose.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        stream.draw();
        Self(stream.draw())
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Above 0 and below 1.
    pub fn unit(&mut self) -> f64 {
        ((self.draw() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// A number below `limit`, which is above 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// Mean 0, variance 1.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Shape `shape`, scale 1.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * libm::pow(self.unit(), 1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(self.unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Poisson with this mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean < 10.0 {
            let least = libm::exp(-mean);
            let (mut product, mut count) = (self.unit(), 0);
            while product > least {
                product *= self.unit();
                count += 1;
            }
            return count;
        }
        self.poisson_large(mean)
    }

    fn poisson_large(&mut self, mean: f64) -> u64 {
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.unit() - 0.5;
            let v = self.unit();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = libm::log(v * inverse_alpha / (a / (us * us) + b));
            if left <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    /// How many of `n` happen, each with probability `p`.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if n == 0 || p <= 0.0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        if n as f64 * p < 10.0 { self.binomial_small(n, p) } else { self.binomial_large(n as f64, p) }
    }

    /// Jumps from hit to hit.
    fn binomial_small(&mut self, n: u64, p: f64) -> u64 {
        let ln_miss = libm::log1p(-p);
        let (mut at, mut hits) = (0.0, 0);
        loop {
            at += (libm::log(self.unit()) / ln_miss).floor() + 1.0;
            if at > n as f64 {
                return hits;
            }
            hits += 1;
        }
    }

    fn binomial_large(&mut self, n: f64, p: f64) -> u64 {
        let deviation = (n * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let c = n * p + 0.5;
        let v_r = 0.92 - 4.2 / b;
        let r = p / (1.0 - p);
        let alpha = (2.83 + 5.1 / b) * deviation;
        let m = ((n + 1.0) * p).floor();
        let ln_factorial = |k: f64| libm::lgamma(k + 1.0);
        loop {
            let u = self.unit() - 0.5;
            let v = self.unit();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + c).floor();
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || k > n {
                continue;
            }
            let left = libm::log(v * alpha / (a / (us * us) + b));
            let right = ln_factorial(m) + ln_factorial(n - m) - ln_factorial(k) - ln_factorial(n - k)
                + (k - m) * libm::log(r);
            if left <= right {
                return k as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draws: impl Iterator<Item = f64>) -> (f64, f64) {
        let all: Vec<f64> = draws.collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        (mean, all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / all.len() as f64)
    }

    fn check(name: &str, found: (f64, f64), mean: f64, variance: f64) {
        assert!((found.0 / mean - 1.0).abs() < 0.02, "{name}: mean {} is not {mean}", found.0);
        assert!((found.1 / variance - 1.0).abs() < 0.05, "{name}: variance {} is not {variance}", found.1);
    }

    #[test]
    fn means_and_variances_are_those_of_the_distributions() {
        let mut r = Random::new(1, 2);
        for mean in [0.3, 4.0, 10.0, 75.0, 1_500.0] {
            check("poisson", moments((0..40_000).map(|_| r.poisson(mean) as f64)), mean, mean);
        }
        for (n, p) in [(75, 0.001), (75, 0.3), (1_425, 0.5), (15_000, 0.01), (40, 0.9)] {
            let mean = n as f64 * p;
            let draws = (0..60_000).map(|_| r.binomial(n, p) as f64);
            check("binomial", moments(draws), mean, mean * (1.0 - p));
        }
        check("gamma", moments((0..80_000).map(|_| r.gamma(0.3))), 0.3, 0.3);
        check("gamma", moments((0..40_000).map(|_| r.gamma(5.0))), 5.0, 5.0);
    }
}
