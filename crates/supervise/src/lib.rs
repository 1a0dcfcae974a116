//! The rules of the embedded target: which revisions run, who gets which share of the traffic, and who may say so.
//!
//! The nouns of this crate (`RevisionSpec`, `Order`, `Observation`) are what every target speaks; the machine is
//! what one machine needs to keep its word. It does no I/O: `nova-local` carries out its effects, and the
//! simulator and the composed model drive the same code.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod observation;
mod order;
mod revision;

pub use observation::{InstanceState, InstanceView, Observation, RevisionView, TargetView};
pub use order::{Acquisition, Answer, Claim, Desired, Epoch, Generation, Order, Restoration, RunId};
pub use revision::{HttpProbe, Probes, RevisionId, RevisionSpec, Weight};
