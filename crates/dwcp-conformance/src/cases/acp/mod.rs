//! Cases of ACP: congestion control and consensus.

use crate::requirement::Case;

mod congestion;

/// All of them.
pub fn cases() -> Vec<Case> {
    congestion::cases()
}
