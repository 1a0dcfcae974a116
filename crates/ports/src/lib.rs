//! What the shell needs from the world, as traits: a target, metrics, processes, a journal, notices, silences.
//!
//! A port is shaped for the hardest world that will stand behind it, an eventually consistent cluster. Each port
//! has one contract suite; every adapter and the simulator run it.

pub mod contract;
mod error;
mod jobs;
mod journal;
mod json;
mod metrics;
mod notices;
mod silences;
mod target;

pub use error::PortError;
pub use jobs::{Command, Ended, Jobs, LogRef, Started};
pub use journal::{Entry, Journal, Record};
pub use json::Json;
pub use metrics::{Arm, InstanceSample, InstanceServed, Metrics, Scrape};
pub use notices::{Notice, Notices};
pub use silences::{SilenceMatcher, Silences, Standing, Window};
pub use target::Target;
