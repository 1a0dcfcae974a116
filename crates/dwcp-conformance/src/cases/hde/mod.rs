//! Cases of the Hierarchical Data Exchange.

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
