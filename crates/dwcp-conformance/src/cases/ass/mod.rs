//! Cases of ASS: the scheduler and the state synchronisation.

use crate::requirement::Case;

mod scheduler;
mod sync;

/// All of them.
pub fn cases() -> Vec<Case> {
    [scheduler::cases(), sync::cases()].concat()
}
