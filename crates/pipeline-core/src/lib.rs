//! The plan of a pipeline and its run: which job may start, what its end means for the others.
//!
//! A pipeline is a DAG of jobs. Edges carry a policy, attempts a budget, effects a class; approvals are jobs that a
//! person does. The body of a `deploy:` job is opaque (`D`): whoever composes the pipeline runs it and tells the end.
//! There is no clock and no process here: `RunJob` is a wish, `Ended` its answer.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conclusion;
mod ends;
mod event;
mod pipeline;
mod plan;
mod schedule;
mod state;

pub use conclusion::{Conclusion, worst};
pub use event::{Effect, Ended, Event, ProbeAnswer, Rejected};
pub use pipeline::Pipeline;
pub use plan::{
    Approval, Body, Command, EffectClass, Job, Need, OutputRef, Plan, PlanError, PreAnswer, Retry, Reused,
};
pub use state::{JobState, SkipReason, Status};
