//! From a breach to a decision: which trigger does what, whom to ask and for how long, how often to restart.
//!
//! The desk knows rules and actions. It knows neither strategies nor targets: it returns a decision, and whoever
//! composes it carries that out.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod desk;
mod policy;

pub use desk::{Decision, Desk, Question, Restarted};
pub use policy::{Action, Otherwise, Policy};
