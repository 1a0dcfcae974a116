//! Exact binomial tails and the interval of Clopper and Pearson (1934).

use super::beta_regularised;

/// Both ends of an interval for a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end, 0..1.
    pub low: f64,
    /// Upper end, 0..1.
    pub high: f64,
}

/// P(X >= k) of n trials with chance p.
pub fn binomial_at_least(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        _ if k > n => 0.0,
        _ => beta_regularised(k as f64, (n - k) as f64 + 1.0, p),
    }
}

/// P(X <= k) of n trials with chance p.
pub fn binomial_at_most(k: u64, n: u64, p: f64) -> f64 {
    1.0 - binomial_at_least(k + 1, n, p)
}

/// The share's interval after k of n, missing it with at most the chance `error`, half of it on each side.
pub fn clopper_pearson(k: u64, n: u64, error: f64) -> Interval {
    let solve = |wanted: f64, tail: &dyn Fn(f64) -> f64| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if tail(middle) < wanted { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    let low = if k == 0 { 0.0 } else { solve(error / 2.0, &|p| binomial_at_least(k, n, p)) };
    let high = if k >= n { 1.0 } else { solve(1.0 - error / 2.0, &|p| binomial_at_least(k + 1, n, p)) };
    Interval { low, high }
}

#[cfg(test)]
mod tests {
    use super::{binomial_at_least, binomial_at_most, clopper_pearson};

    #[test]
    fn tails_are_those_counted_by_hand() {
        // 4 fair coins: 5 of 16 show three heads or more, 11 of 16 two or fewer.
        assert!((binomial_at_least(3, 4, 0.5) - 5.0 / 16.0).abs() < 1e-12);
        assert!((binomial_at_most(2, 4, 0.5) - 11.0 / 16.0).abs() < 1e-12);
        assert!((binomial_at_least(10, 10, 0.9) - 0.9_f64.powi(10)).abs() < 1e-12);
    }

    #[test]
    fn the_interval_is_that_of_the_published_example() {
        // 10 successes in 100 trials, 95 %: 0.0490 to 0.1762 (R, binom.test); none of 10: 0 to 0.3085.
        let seen = clopper_pearson(10, 100, 0.05);
        assert!((seen.low - 0.049_005).abs() < 1e-5 && (seen.high - 0.176_223).abs() < 1e-5, "{seen:?}");
        let none = clopper_pearson(0, 10, 0.05);
        assert!(none.low.abs() < 1e-12 && (none.high - 0.308_498).abs() < 1e-5, "{none:?}");
    }
}
