//! One release: a rollout, the judgement of its health and the decision about it, composed into one machine.
//!
//! A sighting of the target becomes evidence, evidence a verdict, a breach a decision, a decision an event of the
//! strategy. This is the only place where the three meet. It does not know what a target is made of: it orders
//! wishes, and the shell knows how to say them.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ending;
mod event;
mod evidence;
mod orders;
mod outcome;
mod release;
mod wishes;

pub use deploy_strategies::{BlueGreen, CheckPhase, Phase, Plan, PlanError, Step, Wait};
pub use event::{Effect, Event, Note, Rejected, Severity, Sighting, Wish};
pub use health::{
    Arm, ArmShown, Breach, Instance, Judge, Latency, Literal, Panel, RuleName, Rules, Sample, Shown, Tests,
};
pub use outcome::{Cost, Outcome};
pub use release::{Release, Setup, Stage};
pub use rollback::{Action, Otherwise, Policy, Question};
