//! Rollout machines: how a new revision gets its traffic, step by step, and how it loses it.
//!
//! A strategy hears that its wishes came true, that an analysis passed, failed, was inconclusive or had no data, and
//! that somebody wants to go back. It does not know how health is judged, nor what a target is.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod blue_green;
mod plan;
mod wait;

pub use blue_green::{BlueGreen, CheckPhase, Effect, Event, Finding, Phase, Rejected};
pub use plan::{Plan, PlanError, Step};
pub use wait::Wait;
