//! Cases of ACP: congestion control and consensus.

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
