//! Proofs: what must never happen, tried until it would have.

pub mod bad_input;

use crate::door::Topic;

/// All proofs.
pub const TOPICS: &[Topic] = &[(
    "bad-input",
    "Bad input against the real programs: message, place, code, nothing left",
    bad_input::prove,
)];
