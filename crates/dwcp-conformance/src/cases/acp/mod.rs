//! Cases of ACP: congestion control and consensus.

use crate::requirement::Case;

mod congestion;
mod consensus;

/// All of them.
pub fn cases() -> Vec<Case> {
    [congestion::cases(), consensus::cases()].concat()
}
