//! The embedded target as others reach it: HTTP/1.1 and JSON over a Unix socket that only its owner can open.
//!
//! [`LocalTarget`] is the client and implements `ports::Target`; [`serve`] is the other end and hands every request
//! to a [`Desk`]. [`SlotStore`] keeps the desired state in two slots that are overwritten in place. The rules are in
//! `supervise`; what drives them is `nova-local`.

mod client;
mod metrics;
mod server;
mod slots;
mod socket;
mod wire;

pub use client::LocalTarget;
pub use metrics::{Resident, text};
pub use server::{Desk, Refusal, serve};
pub use slots::{SLOT_BYTES, SlotStore, StoreError};
pub use socket::control_socket;
pub use wire::{EpochOf, PROTOCOL, PROTOCOL_HEADER, Restore, Status, Stop, Stopping, Upgrade, Upgraded};
