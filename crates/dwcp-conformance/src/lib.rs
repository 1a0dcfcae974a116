//! Whether an implementation of DWCP v3 does what it must: requirements, cases, driver and report.
//!
//! ```text
//! Requirement + Check = Case ──► Bench ──lines──► World (a port: the process, the TCP peer, the clock)
//!                                  │
//!                                  └─ transcript, measurements, plots ──► Report ──► JSON, JUnit, SARIF, Markdown, HTML
//! ```
//!
//! A case asks through the [`bench::Bench`], in the line protocol of [`protocol`]. What is sent, and what is right, comes
//! from here ([`payload`], [`rng`], the simulators beside the cases), by seed. This crate never touches a socket, a
//! process or a clock: [`world::World`] is what it needs of them.
//! Not here: how a process is started and ended (`adapter-sut`), the command line (`dwcp-conformance-cli`).

pub mod b64;
pub mod bench;
pub mod bus;
pub mod cases;
pub mod checkup;
pub mod driver;
pub mod fields;
pub mod payload;
pub mod protocol;
pub mod report;
pub mod requirement;
pub mod rng;
pub mod series;
pub mod sim;
pub mod stats;
pub mod stop;
pub mod world;
