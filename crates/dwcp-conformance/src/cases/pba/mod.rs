//! Cases of the Predictive Bandwidth Allocation.

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
