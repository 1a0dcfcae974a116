//! The shared idea of every deciding part of the house: a machine takes events and returns effects.
//!
//! A machine reads no clock, no file, no random source. Time arrives as an argument, identities come from
//! outside, and what should happen in the world is returned as plain values for a shell to carry out. So a
//! run can be replayed from its journal, and every interleaving of a small one can be walked by a checker.
//!
//! This crate holds no policy: it does not know pipelines, rollouts or targets.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod key;
mod replay;
mod step;
mod time;

pub use key::{Key, Keyed, Name};
pub use replay::{Fingerprint, fingerprint, fingerprints, sha256_hex, to_hex};
pub use step::{Durability, Durable, Input, MAX_WAKES, Machine, Progress, Stepped, Visit, step};
pub use time::{Millis, Timestamp};
