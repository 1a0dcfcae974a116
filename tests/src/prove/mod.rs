//! Proofs: what must never happen, tried until it would have.

pub mod bad_input;

use crate::crash;
use crate::door::{Topic, Verdict};

/// All proofs.
pub const TOPICS: &[Topic] = &[
    ("crash", "kill -9 of the runner at every failpoint and 100 random times, then resume", crash_topic),
    (
        "bad-input",
        "Bad input against the real programs: message, place, code, nothing left",
        bad_input::prove,
    ),
];

fn crash_topic() -> Result<Verdict, String> {
    crash::prove(crash::Effort { passages: 5, random: 120, beside: 2 }, 20_261_125)
}
