//! A seeded world on virtual time: users, a splitter, workloads, and the production target that rules them.
//!
//! The world stands behind every port of the shell, so that the production drive loop runs in it unchanged. Time is
//! tokio's paused clock: a bake of 15 minutes takes as long as there is to compute. All chance comes from one seed;
//! the same seed gives the same journal, bit for bit.
//!
//! It decides nothing about releases: it holds what a real world would do to them.

mod behaviour;
mod jobs;
mod processes;
mod random;
mod silences;
mod target;
mod traffic;
mod universe;

pub use behaviour::{Behaviour, Burst, Faults, Only, Setup};
pub use jobs::{SimJobs, SimNotices};
pub use random::Random;
pub use silences::{Answering, SimSilences};
pub use target::{SimMetrics, SimTarget};
pub use traffic::{Counted, Slot};
pub use universe::{TICK_MS, Universe};
