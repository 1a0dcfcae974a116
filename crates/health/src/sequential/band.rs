//! Where the ratio of two rates lies: a confidence sequence over a fixed grid of ratios.
//!
//! The likelihood of the splits is kept for each ratio of the grid. Their mean is a bet on all of them; a ratio against
//! which this bet has won less than 1/miss is not excluded. Valid at every moment (Robbins' mixture), and of constant
//! size.

use serde::{Deserialize, Serialize};

use super::{LogE, Pair};

/// Ratios of the grid, as natural logarithms: from 1/20 to 373 in steps of 1.45.
const LOWEST: f64 = -2.995_732_273_553_991;
const STEP: f64 = 0.371_563_556_432_483;
const POINTS: u32 = 25;
/// exp of `LOWEST` and `STEP`.
const LOWEST_RATIO: f64 = 0.05;
const STEP_RATIO: f64 = 1.45;

/// The likelihood of each ratio of the grid.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RatioBand(Vec<LogE>);

impl Default for RatioBand {
    fn default() -> Self {
        Self(vec![LogE::ONE; POINTS as usize])
    }
}

impl RatioBand {
    /// Takes one stretch with canary share `share`; `power` below 1 tempers it.
    pub fn observe(&mut self, share: f64, pair: &Pair, power: f64) {
        let (canary, all) = (pair.canary.bad as f64 * power, pair.bad() as f64 * power);
        let (mut ln_ratio, mut ratio) = (LOWEST, LOWEST_RATIO);
        for point in &mut self.0 {
            *point = point.times(canary * ln_ratio - all * libm::log(ratio * share + 1.0 - share));
            ln_ratio += STEP;
            ratio *= STEP_RATIO;
        }
    }

    /// The ratios that are not excluded; outside of the grid it says 0 or the largest of the grid.
    pub fn interval(&self, miss: f64) -> (f64, f64) {
        let mean = LogE::sum(self.0.iter().copied()).times(-libm::log(f64::from(POINTS)));
        let least = mean.times(libm::log(miss)).ln();
        let inside = |point: &LogE| point.ln() > least;
        let first = self.0.iter().position(inside).unwrap_or(0);
        let last = self.0.iter().rposition(inside).unwrap_or(POINTS as usize - 1);
        let edge = |from: usize, to: usize| {
            let value = |at: usize| self.0.get(at).map_or(f64::NEG_INFINITY, |point| point.ln());
            let (inner, outer) = (value(from), value(to));
            // Between two points of the grid the likelihood is taken as a straight line.
            let part = if outer < inner { (inner - least) / (inner - outer) } else { 1.0 };
            let towards = if to > from { 1.0 } else { -1.0 };
            libm::exp(LOWEST + STEP * (from as f64 + towards * part.clamp(0.0, 1.0)))
        };
        let low = if first == 0 { 0.0 } else { edge(first, first - 1) };
        let high = if last + 1 == POINTS as usize {
            libm::exp(LOWEST + STEP * f64::from(POINTS - 1))
        } else {
            edge(last, last + 1)
        };
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::*;

    #[test]
    fn the_steps_of_the_grid_are_exponentials() {
        assert!((libm::exp(STEP) - STEP_RATIO).abs() < 1e-12);
        assert!((libm::exp(LOWEST) - LOWEST_RATIO).abs() < 1e-12);
    }

    #[test]
    fn the_interval_closes_around_the_true_ratio_and_is_open_without_data() {
        let mut band = RatioBand::default();
        assert!(band.interval(0.05).0 < 1e-9 && band.interval(0.05).1 > 300.0);
        let arm = |bad| Counts { requests: 10_000, bad };
        for _ in 0..20 {
            band.observe(0.5, &Pair { canary: arm(30), stable: arm(10) }, 1.0);
        }
        let (low, high) = band.interval(0.05);
        assert!(low > 2.2 && low < 3.0 && high > 3.0 && high < 4.2, "{low} to {high}");
    }
}
