//! Fairness: Jain's index, and the weighted max-min shares by filling with water.
//!
//! Sources: Jain, Chiu, Hawe 1984 (DEC-TR-301); Bertsekas and Gallager, *Data Networks*, section 6.5.2.

/// (sum x)^2 / (n sum x^2): 1 when all are equal, 1/n when one has all; 1 of nothing.
pub fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|x| x * x).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}

/// Weighted max-min shares of a capacity: each gets at least its least and at most its most, and what it gets beyond
/// its least rises with its weight. Rows are (weight, least, most).
///
/// The level of the water is found by halving: grant(level) = clamp(level x weight, least, most).
///
/// # Errors
/// `None`: the least amounts alone are more than the capacity.
pub fn max_min(capacity: f64, rows: &[(f64, f64, f64)]) -> Option<Vec<f64>> {
    let grants = |level: f64| -> Vec<f64> {
        rows.iter().map(|(weight, least, most)| (level * weight).min(*most).max(*least)).collect()
    };
    let total = |level: f64| grants(level).iter().sum::<f64>();
    if total(0.0) > capacity * (1.0 + 1e-12) {
        return None;
    }
    let full = rows.iter().map(|(weight, _, most)| most / weight).fold(0.0, f64::max);
    if total(full) <= capacity {
        return Some(grants(full));
    }
    let (mut low, mut high) = (0.0, full);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if total(middle) > capacity { high = middle } else { low = middle }
    }
    Some(grants(low))
}

#[cfg(test)]
mod tests {
    use super::{jain, max_min};

    #[test]
    fn the_index_is_that_of_the_report() {
        // Of the report: 20 of 100 users share all alike: 0.2.
        let mut shares = vec![1.0; 20];
        shares.resize(100, 0.0);
        assert!((jain(&shares) - 0.2).abs() < 1e-12);
        assert!((jain(&[50.0, 30.0, 50.0]) - 16_900.0 / 17_700.0).abs() < 1e-12);
        assert!((jain(&[3.0; 7]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn water_finds_the_shares_computed_by_hand() {
        let check = |capacity, rows: &[(f64, f64, f64)], want: &[f64]| {
            let got = max_min(capacity, rows).expect("feasible");
            assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {want:?}");
        };
        let free = |most| (1.0, 0.0, most);
        // Keshav's example: demands 2, 2.6, 4, 5 of 10.
        check(10.0, &[free(2.0), free(2.6), free(4.0), free(5.0)], &[2.0, 2.6, 2.7, 2.7]);
        // And with weights 2.5, 4, 0.5, 1 and demands 4, 2, 10, 4 of 16.
        let weighted = [(2.5, 0.0, 4.0), (4.0, 0.0, 2.0), (0.5, 0.0, 10.0), (1.0, 0.0, 4.0)];
        check(16.0, &weighted, &[4.0, 2.0, 6.0, 4.0]);
        check(10.0, &[(1.0, 6.0, 9.0), (3.0, 0.0, 9.0)], &[6.0, 4.0]);
        check(100.0, &[free(2.0), free(3.0)], &[2.0, 3.0]);
        assert_eq!(max_min(5.0, &[(1.0, 3.0, 9.0), (1.0, 3.0, 9.0)]), None);
    }
}
