//! One run: a pipeline composed with the releases of its deploy jobs, and the file that describes both.
//!
//! [`Run`] is the machine that the runner, the replay, the simulator and the model check drive. A deploy job opens a
//! child release in the same step in which the pipeline starts it, and ends when the release has.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accepts;
mod compose;
mod definition;
mod event;
mod file;
mod probe;

pub use compose::{Rollout, Run};
pub use definition::{
    ArtifactRef, Check, CommandSpec, Definition, ReadyCheck, ReleaseSpec, SilenceSpec, TargetSpec, Value,
    Webhook, Workload,
};
pub use event::{Command, Effect, Event, Rejected};
pub use file::{Beside, MAX_FILE_BYTES, Only, Pick, Problem, Problems, Source, bytes_of, millis_of, read};
pub use probe::{Probe, ProbeAction, ProbeSet};
