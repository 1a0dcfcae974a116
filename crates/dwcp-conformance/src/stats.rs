//! Statistics that decide: forecast errors and their comparison, coverage, fairness, exact binomial bounds, fair shares.
//! Each is written from its paper, and its tests hold values that were published or computed by hand.

mod binomial;
mod fair;
mod forecast;
mod special;

pub use binomial::{Interval, binomial_at_least, binomial_at_most, clopper_pearson};
pub use fair::{jain, max_min};
pub use forecast::{Comparison, coverage, diebold_mariano, mape, mean_absolute, relative_error};
pub use special::{beta_regularised, student_upper};

/// The value below which a share of the numbers lies (nearest rank); `None` of nothing.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let values = [15.0, 20.0, 35.0, 40.0, 50.0];
        for (share, want) in [(0.05, 15.0), (0.3, 20.0), (0.4, 20.0), (0.5, 35.0), (1.0, 50.0)] {
            assert_eq!(quantile(&values, share), Some(want));
        }
        assert_eq!(quantile(&[], 0.5), None);
    }
}
