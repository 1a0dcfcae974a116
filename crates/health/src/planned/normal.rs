//! The normal distribution, the same bits on every platform.

use crate::sequential::numerics::bisect;

/// Density at `z`.
pub(super) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) * std::f64::consts::FRAC_2_SQRT_PI * 0.5 * std::f64::consts::FRAC_1_SQRT_2
}

/// Probability above `z`.
pub(super) fn above(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The z above which there is a probability of `p`.
pub(super) fn upper_quantile(p: f64) -> f64 {
    bisect(-40.0, 40.0, |z| above(z) > p)
}
