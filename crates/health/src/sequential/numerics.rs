//! Special functions, the same bits on every platform: gamma and beta, their inverses, divergence.
//!
//! Source of the series and continued fractions: Press et al., Numerical Recipes, 6.2 and 6.4. The inverses bisect:
//! they are asked for once an hour, and a bisection cannot diverge.

#![expect(clippy::many_single_char_names, reason = "names of one letter are those of the source")]

const ROUNDS: u32 = 200;
const TINY: f64 = 1e-300;
const NEAR: f64 = 1e-15;

/// The logarithm of the gamma function.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Kullback-Leibler divergence of two Bernoulli rates: p ln(p/q) + (1-p) ln((1-p)/(1-q)).
pub fn kl(p: f64, q: f64) -> f64 {
    let term = |a: f64, b: f64| if a <= 0.0 { 0.0 } else { a * libm::log(a / b) };
    term(p, q) + term(1.0 - p, 1.0 - q)
}

/// The regularised lower incomplete gamma function P(a, x).
pub fn gamma_lower(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - ln_gamma(a));
    if x < a + 1.0 { front * gamma_series(a, x) } else { 1.0 - front * gamma_fraction(a, x) }
}

fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * NEAR {
            break;
        }
    }
    sum
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / not_zero(an * d + b);
        c = not_zero(b + an / c);
        h *= d * c;
        if (d * c - 1.0).abs() < NEAR {
            break;
        }
    }
    h
}

fn not_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// The quantile of the gamma distribution with shape `a` and scale 1: the x at which P(a, x) = `p`.
pub fn gamma_quantile(p: f64, a: f64) -> f64 {
    let mut high = a + 1.0;
    while gamma_lower(a, high) < p && high < 1e15 {
        high *= 2.0;
    }
    bisect(0.0, high, |x| gamma_lower(a, x) < p)
}

/// The regularised incomplete beta function I(x; a, b).
pub fn beta_regular(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let ln_front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(ln_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / not_zero(1.0 + even * d);
        c = not_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / not_zero(1.0 + odd * d);
        c = not_zero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < NEAR {
            break;
        }
    }
    h
}

/// The quantile of the beta distribution: the x at which I(x; a, b) = `p`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    bisect(0.0, 1.0, |x| beta_regular(x, a, b) < p)
}

/// Clopper and Pearson's interval of a rate: `hits` of `tries`, each end missed with probability `miss`.
pub fn clopper_pearson(hits: u64, tries: u64, miss: f64) -> (f64, f64) {
    let (x, n) = (hits.min(tries) as f64, tries as f64);
    let low = if hits == 0 { 0.0 } else { beta_quantile(miss, x, n - x + 1.0) };
    let high = if hits >= tries { 1.0 } else { beta_quantile(1.0 - miss, x + 1.0, n - x) };
    (low, high)
}

/// The place between `low` and `high` where `below` turns false.
pub fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..ROUNDS {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, published: f64, within: f64) {
        assert!((found / published - 1.0).abs() < within, "{found} is not {published}");
    }

    #[test]
    fn quantiles_agree_with_printed_tables() {
        // Chi-square with 2k degrees of freedom is twice a gamma of shape k.
        near(2.0 * gamma_quantile(0.95, 1.0), 5.991_464_547, 1e-9);
        near(2.0 * gamma_quantile(0.99, 5.0), 23.209_251_159, 1e-9);
        near(gamma_quantile(0.9975, 1.0), -libm::log(0.0025), 1e-9);
        near(2.0 * gamma_quantile(0.95, 50.0), 124.342_113_4, 1e-8);
        near(beta_quantile(0.95, 1.0, 10_000.0), 2.995_283e-4, 1e-5);
    }

    #[test]
    fn intervals_are_those_of_clopper_and_pearson() {
        let (low, high) = clopper_pearson(10, 100, 0.025);
        near(low, 0.049_004_69, 1e-6);
        near(high, 0.176_222_60, 1e-6);
        assert_eq!(clopper_pearson(0, 10, 0.05).0.to_bits(), 0);
        near(clopper_pearson(0, 10, 0.05).1, 1.0 - libm::pow(0.05, 0.1), 1e-9);
        near(clopper_pearson(10, 10, 0.05).1, 1.0, 1e-15);
    }
}
