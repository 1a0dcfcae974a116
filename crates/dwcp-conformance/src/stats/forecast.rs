//! How good forecasts are, and whether one is better than another.
//!
//! Sources: Hyndman and Koehler 2006 (scaled errors), Diebold and Mariano 1995, Harvey, Leybourne and Newbold 1997 (small
//! samples), Newey and West 1987 (weights of the long-run variance).

use super::student_upper;

/// Mean absolute error of (actual, forecast); NaN of nothing.
pub fn mean_absolute(pairs: &[(f64, f64)]) -> f64 {
    pairs.iter().map(|(actual, forecast)| (actual - forecast).abs()).sum::<f64>() / pairs.len() as f64
}

/// The mean absolute error of a forecast over that of another one of the same points. Where the other makes no error,
/// 1 when this one makes none either, else infinity.
pub fn relative_error(actual: &[f64], forecast: &[f64], naive: &[f64]) -> f64 {
    let error = |of: &[f64]| actual.iter().zip(of).map(|(a, f)| (a - f).abs()).sum::<f64>();
    let (own, other) = (error(forecast), error(naive));
    if other > 0.0 {
        own / other
    } else if own > 0.0 {
        f64::INFINITY
    } else {
        1.0
    }
}

/// Mean absolute percentage error over the points with an actual that is not 0; `None` without such a point.
pub fn mape(pairs: &[(f64, f64)]) -> Option<f64> {
    let parts: Vec<f64> = pairs.iter().filter(|(a, _)| *a != 0.0).map(|(a, f)| ((a - f) / a).abs()).collect();
    (!parts.is_empty()).then(|| parts.iter().sum::<f64>() / parts.len() as f64)
}

/// How many of (actual, low, high) lie inside, ends included.
pub fn coverage(points: &[(f64, f64, f64)]) -> u64 {
    points.iter().filter(|(actual, low, high)| low <= actual && actual <= high).count() as u64
}

/// What Diebold and Mariano's test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The statistic, corrected for small samples; negative when the first is better.
    pub statistic: f64,
    /// Chance of as small a statistic when both are equally good (one-sided, Student with n - 1 degrees).
    pub first_better_p: f64,
}

/// Compares two series of errors of forecasts `horizon` steps ahead, by absolute loss. The long-run variance has the
/// weights of Newey and West up to lag `horizon - 1`. `None` for fewer than 8 points or when all losses are alike.
pub fn diebold_mariano(first: &[f64], second: &[f64], horizon: usize) -> Option<Comparison> {
    let gaps: Vec<f64> = first.iter().zip(second).map(|(a, b)| a.abs() - b.abs()).collect();
    let (count, h) = (gaps.len(), horizon.max(1));
    if count < 8 || h >= count {
        return None;
    }
    let (n, h_real) = (count as f64, h as f64);
    let mean = gaps.iter().sum::<f64>() / n;
    let covariance =
        |lag: usize| (lag..count).map(|t| (gaps[t] - mean) * (gaps[t - lag] - mean)).sum::<f64>() / n;
    let weighted: f64 = (1..h).map(|lag| (1.0 - lag as f64 / h_real) * covariance(lag)).sum();
    let variance = (covariance(0) + 2.0 * weighted) / n;
    if variance <= 0.0 {
        return None;
    }
    let correction = libm::sqrt((n + 1.0 - 2.0 * h_real + h_real * (h_real - 1.0) / n) / n);
    let statistic = correction * mean / libm::sqrt(variance);
    Some(Comparison { statistic, first_better_p: student_upper(-statistic, n - 1.0) })
}

#[cfg(test)]
mod tests {
    use super::{coverage, diebold_mariano, mape, mean_absolute, relative_error};
    use crate::rng::Rng;

    #[test]
    fn errors_are_those_computed_by_hand() {
        assert!((mean_absolute(&[(1.0, 2.0), (5.0, 2.0)]) - 2.0).abs() < 1e-12);
        assert!((relative_error(&[3.0, 5.0], &[2.0, 5.0], &[1.0, 3.0]) - 0.25).abs() < 1e-12);
        assert!(relative_error(&[1.0], &[2.0], &[1.0]).is_infinite());
        assert!((mape(&[(0.0, 4.0), (10.0, 9.0)]).expect("one point") - 0.1).abs() < 1e-12);
        assert_eq!(mape(&[(0.0, 4.0)]), None);
        assert_eq!(coverage(&[(1.0, 1.0, 2.0), (3.0, 1.0, 2.0), (1.5, 1.0, 2.0)]), 2);
    }

    #[test]
    fn the_statistic_is_that_computed_by_hand() {
        // Losses 1,2,1,2,1,2,1,2 against 2: gaps -1,0,-1,0,...; mean -1/2, variance 1/4, h = 1.
        let first = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0];
        let seen = diebold_mariano(&first, &[2.0; 8], 1).expect("enough");
        // sqrt((8 + 1 - 2) / 8) x -0.5 / sqrt(0.25 / 8) = -sqrt(7).
        assert!((seen.statistic + 7.0_f64.sqrt()).abs() < 1e-12, "{seen:?}");
        // Student with 7 degrees: P(T < -2.6458) = 0.01658 (integrated by Simpson's rule).
        assert!((seen.first_better_p - 0.0166).abs() < 2e-4, "{seen:?}");
        // h = 2: covariance at lag 1 is -7/32, weight 1/2: variance (1/4 - 7/32) / 8 = 1/256;
        // sqrt((8 + 1 - 4 + 2/8) / 8) x -0.5 x 16.
        let two = diebold_mariano(&first, &[2.0; 8], 2).expect("enough");
        assert!((two.statistic + (5.25_f64 / 8.0).sqrt() * 8.0).abs() < 1e-9, "{two:?}");
    }

    #[test]
    fn equal_forecasts_are_rarely_called_different() {
        // At 5 % one-sided, 400 times: 20 expected; more than 45 has a chance below 1e-6 even at a true size of 5 %.
        let mut rng = Rng::new(11);
        let called = (0..400)
            .filter(|_| {
                let mut errors = || (0..60).map(|_| rng.normal()).collect::<Vec<_>>();
                let (a, b) = (errors(), errors());
                diebold_mariano(&a, &b, 1).is_some_and(|it| it.first_better_p < 0.05)
            })
            .count();
        assert!((5..=45).contains(&called), "{called}");
    }
}
