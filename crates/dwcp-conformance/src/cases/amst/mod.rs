//! Cases of the Adaptive Multi-Stream Transport.

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
