//! Contract suites: what every adapter behind a port must do, whatever world stands behind it.
//!
//! A suite is called from the tests of an adapter and of the simulator, and says in one line what was broken.

use std::fmt::Debug;

use crate::PortError;

pub mod jobs;
pub mod journal;
pub mod metrics;
pub mod notices;
pub mod silences;
pub mod target;

/// Why a contract is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The other side did not answer.
    #[error("no answer: {0}")]
    Port(#[from] PortError),
    /// A promise was not kept.
    #[error("{promise}: {seen}")]
    Promise {
        /// Which.
        promise: &'static str,
        /// What was seen instead.
        seen: String,
    },
}

/// Whether a contract is kept.
pub type Kept = Result<(), Broken>;

pub(crate) fn promise(holds: bool, promise: &'static str, seen: &impl Debug) -> Kept {
    if holds { Ok(()) } else { Err(Broken::Promise { promise, seen: format!("{seen:?}") }) }
}
