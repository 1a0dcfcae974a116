//! A discrete-event simulator of a network: virtual time, links, packets, timers. Seeded and deterministic.
//!
//! It is sans-IO: the caller offers packets and timers, then takes occurrences in the order of time. Nothing in it
//! knows a protocol; [`crate::sim::Flows`] is a sender with a window on top of it.
//!
//! ```
//! use dwcp_conformance::sim::{Link, Network, Occurrence, Packet};
//!
//! // 8 Mbit/s and 10 ms: a packet of 1000 bytes takes 1 ms to send and arrives after 11 ms.
//! let mut network = Network::new(7);
//! let link = network.add(Link::new(8_000_000, 10_000_000));
//! network.send(link, Packet { flow: 0, number: 1, bytes: 1000, sent_ns: 0, marked: false });
//! let arrived = network.next().unwrap();
//! assert_eq!(network.now_ns(), 11_000_000);
//! assert!(matches!(arrived, Occurrence::Arrived { packet, .. } if packet.number == 1));
//! ```
//!
//! Sources: Law and Kelton, *Simulation Modeling and Analysis* (event list); the figures that its tests compare with
//! are those of Kleinrock, *Queueing Systems* (M/M/1, M/D/1, Little's law).

mod bucket;
#[cfg(test)]
mod faults;
mod flows;
mod link;
mod network;
#[cfg(test)]
mod queueing;
mod sender;

pub use bucket::TokenBucket;
pub use flows::{FlowReport, Flows, Path, Probe, Watcher};
pub use link::{Change, Link, LinkCount};
pub use network::{LinkId, Lost, Network, Occurrence, Packet};
pub use sender::{Ack, Controller, Loss, Window};

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds in a millisecond.
pub const MS_NS: u64 = 1_000_000;
