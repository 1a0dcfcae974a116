//! Cases of ASS: the scheduler and the state synchronisation.

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
