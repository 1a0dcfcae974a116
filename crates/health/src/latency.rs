//! Cumulative latency histograms and their quantiles, in whole microseconds.

use serde::{Deserialize, Serialize};

/// Cumulative counts by upper bound, as a Prometheus histogram gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latency(Vec<(u64, u64)>);

/// A quantile as the histogram knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quantile {
    /// Interpolated inside its bucket as Prometheus' `histogram_quantile` does; microseconds.
    pub estimate_us: u64,
    /// It lies in the last, unbounded bucket: the estimate is that bucket's lower bound.
    pub open: bool,
}

impl Latency {
    /// Buckets as (upper bound in microseconds, requests at or below it), bounds and counts rising; the last bound is
    /// `u64::MAX`. `None` when they do not rise.
    pub fn new(buckets: Vec<(u64, u64)>) -> Option<Self> {
        let rising = buckets.windows(2).all(|pair| match pair {
            [(le, count), (next_le, next_count)] => le < next_le && count <= next_count,
            _ => true,
        });
        rising.then_some(Self(buckets))
    }

    /// The buckets.
    pub fn buckets(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// All requests counted.
    pub fn total(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    /// What was added since `earlier`; `None` when bounds differ or a count fell (a restart of the counting process).
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        if earlier.0.is_empty() {
            return Some(self.clone());
        }
        if self.0.len() != earlier.0.len() {
            return None;
        }
        let pairs = self.0.iter().zip(&earlier.0);
        let deltas =
            pairs.map(|((le, now), (old_le, then))| (le == old_le).then_some((*le, now.checked_sub(*then)?)));
        deltas.collect::<Option<Vec<_>>>().map(Self)
    }

    /// The same counts at the bounds that `other` has as well. `None` when not even the last one is common: then not
    /// all requests are counted at any bound of both.
    pub fn at_bounds_of(&self, other: &Self) -> Option<Self> {
        let common = |le: u64| other.0.binary_search_by_key(&le, |(le, _)| *le).is_ok();
        let kept: Vec<(u64, u64)> = self.0.iter().copied().filter(|(le, _)| common(*le)).collect();
        let whole = kept.last().map(|(le, _)| *le) == self.0.last().map(|(le, _)| *le);
        whole.then_some(Self(kept))
    }

    /// Both together, at the bounds that both have; counts at a bound are exact, so nothing is guessed between them.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let (one, two) = (self.at_bounds_of(other)?, other.at_bounds_of(self)?);
        let sums = one.0.iter().zip(&two.0).map(|((le, a), (_, b))| (*le, a.saturating_add(*b)));
        Some(Self(sums.collect()))
    }

    /// The quantile of `percent` (1 to 100); `None` without requests.
    pub fn quantile(&self, percent: u64) -> Option<Quantile> {
        let total = u128::from(self.total());
        if total == 0 {
            return None;
        }
        // All counts times 100, so that the rank is a whole number.
        let rank = total * u128::from(percent.min(100));
        let (mut lower, mut below) = (0_u64, 0_u128);
        for &(upper, count) in &self.0 {
            let count = u128::from(count) * 100;
            if count >= rank && count > below {
                if upper == u64::MAX {
                    return Some(Quantile { estimate_us: lower, open: true });
                }
                let part = u128::from(upper - lower) * (rank - below.min(rank)) / (count - below);
                return Some(Quantile { estimate_us: lower + part as u64, open: false });
            }
            (lower, below) = (upper, count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_inside_their_bucket() {
        let latency = Latency::new(vec![(1_000, 0), (2_000, 90), (4_000, 100), (u64::MAX, 100)]).unwrap();
        assert_eq!(latency.quantile(95), Some(Quantile { estimate_us: 3_000, open: false }));
        assert_eq!(latency.quantile(45), Some(Quantile { estimate_us: 1_500, open: false }));
    }

    #[test]
    fn the_open_bucket_and_the_empty_histogram_say_so() {
        let latency = Latency::new(vec![(1_000, 1), (u64::MAX, 10)]).unwrap();
        assert_eq!(latency.quantile(95), Some(Quantile { estimate_us: 1_000, open: true }));
        assert_eq!(Latency::default().quantile(95), None);
    }

    #[test]
    fn a_fall_or_other_bounds_are_no_change_but_a_new_start() {
        let old = Latency::new(vec![(1, 5), (u64::MAX, 9)]).unwrap();
        assert_eq!(Latency::new(vec![(1, 4), (u64::MAX, 9)]).unwrap().since(&old), None);
        assert_eq!(Latency::new(vec![(2, 5), (u64::MAX, 9)]).unwrap().since(&old), None);
        assert_eq!(old.since(&old).map(|l| l.total()), Some(0));
        assert_eq!(Latency::new(vec![(2, 5), (1, 9)]), None);
    }
}
