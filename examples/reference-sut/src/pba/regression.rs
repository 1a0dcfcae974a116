//! Recursive least squares with forgetting.

/// Regressors.
pub(super) const SIZE: usize = 9;
const FORGET: f64 = 0.998;

/// The coefficients and the inverse of the moments.
#[derive(Clone)]
pub(super) struct Regression {
    coefficients: [f64; SIZE],
    inverse: [[f64; SIZE]; SIZE],
}

impl Regression {
    pub(super) fn new() -> Self {
        let mut inverse = [[0.0; SIZE]; SIZE];
        (0..SIZE).for_each(|n| inverse[n][n] = 0.1);
        Self { coefficients: [0.0; SIZE], inverse }
    }

    pub(super) fn value(&self, x: &[f64; SIZE]) -> f64 {
        self.coefficients.iter().zip(x).map(|(c, x)| c * x).sum()
    }

    /// Learns that `x` gave `y`.
    pub(super) fn learn(&mut self, x: &[f64; SIZE], y: f64) {
        let mut gain = [0.0; SIZE];
        for (row, gain) in self.inverse.iter().zip(&mut gain) {
            *gain = row.iter().zip(x).map(|(p, x)| p * x).sum();
        }
        let scale = FORGET + x.iter().zip(&gain).map(|(x, g)| x * g).sum::<f64>();
        let error = y - self.value(x);
        for (coefficient, gain) in self.coefficients.iter_mut().zip(gain) {
            *coefficient += gain / scale * error;
        }
        for row in 0..SIZE {
            for column in 0..=row {
                let value = (self.inverse[row][column] - gain[row] * gain[column] / scale) / FORGET;
                // What is not excited must not grow without end.
                let value = value.clamp(-1e3, 1e3);
                (self.inverse[row][column], self.inverse[column][row]) = (value, value);
            }
        }
    }
}
