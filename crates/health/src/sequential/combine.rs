//! Several metrics as one: a weighted mean of e-values, valid under any dependence; and which of them it was (e-BH).
//!
//! Source: Wang and Ramdas: False discovery rate control with e-values (JRSS-B 2022).

use super::LogE;

/// The weighted mean. Weights need not sum to 1; they are taken relative to their sum.
pub fn combined(metrics: &[(f64, LogE)]) -> LogE {
    let whole: f64 = metrics.iter().map(|(weight, _)| weight.max(0.0)).sum();
    if whole <= 0.0 {
        return LogE::ONE;
    }
    LogE::sum(metrics.iter().map(|(weight, e)| LogE::from_amount(weight.max(0.0) / whole).times(e.ln())))
}

/// Which metrics are named at `alpha`: the k largest, where the k-th is at least K / (k alpha). One flag a metric.
pub fn named(metrics: &[LogE], alpha: f64) -> Vec<bool> {
    let mut falling: Vec<f64> = metrics.iter().map(|e| e.ln()).collect();
    falling.sort_by(|a, b| b.total_cmp(a));
    let needed = |k: usize| libm::log(metrics.len() as f64 / ((k + 1) as f64 * alpha));
    let last = falling.iter().enumerate().rposition(|(k, ln)| *ln >= needed(k));
    let least = last.and_then(|k| falling.get(k)).copied();
    metrics.iter().map(|e| least.is_some_and(|least| e.ln() >= least)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_keeps_one_and_weighs_as_told() {
        assert!(combined(&[(0.4, LogE::ONE), (0.2, LogE::ONE)]).ln().abs() < 1e-12);
        let e = [(3.0, LogE::from_amount(200.0)), (1.0, LogE::ZERO)];
        assert!((combined(&e).amount() - 150.0).abs() < 1e-9);
        assert_eq!(combined(&[]), LogE::ONE);
    }

    #[test]
    fn two_strong_ones_carry_a_third_that_alone_would_not_be_named() {
        let e = |amount: f64| LogE::from_amount(amount);
        assert_eq!(named(&[e(1_000.0), e(250.0), e(140.0), e(1.0)], 0.01), [true, true, true, false]);
        assert_eq!(named(&[e(140.0), e(1.0), e(1.0), e(1.0)], 0.01), [false; 4]);
        assert_eq!(named(&[], 0.01), [false; 0]);
    }
}
