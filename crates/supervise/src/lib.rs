//! The rules of the embedded target: which revisions run, who gets which share of the traffic, and who may say so.
//!
//! The nouns of this crate (`RevisionSpec`, `Order`, `Observation`) are what every target speaks; the machine
//! ([`Supervisor`]) is what one machine needs to keep its word. It does no I/O: `nova-local` carries out its
//! effects, and the simulator and the composed model drive the same code.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod admission;
mod claims;
mod effect;
mod event;
mod fleet;
mod instance;
mod memory;
mod observation;
mod order;
mod orders;
mod probe;
mod resume;
mod revision;
mod supervisor;
mod traffic;
mod view;

pub use effect::{Effect, Reply, Share, Table, Upstream};
pub use event::{Event, Found, InstanceId, ProbeKind, Process, Rejected, Request};
pub use instance::{BACK_OFF_MAX_MS, BACK_OFF_MIN_MS, REPLACEMENT_READY_MAX_MS, STEADY_AFTER_MS};
pub use memory::{KEYS_MAX, RUNS_MAX};
pub use observation::{InstanceState, InstanceView, Observation, RevisionView, TargetView};
pub use order::{Acquisition, Answer, Claim, Desired, Epoch, Generation, Order, Restoration, RunId};
pub use probe::{Action, Probe, Probes};
pub use revision::{RevisionId, RevisionSpec, Weight};
pub use supervisor::{REVISIONS_MAX, Supervisor};
