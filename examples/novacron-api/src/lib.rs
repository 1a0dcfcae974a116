//! A small real HTTP service to deliver: virtual machines in an SQLite table, health, metrics, a drain, six faults.
//!
//! It stands for the service of the user. Two binaries differ by one constant, the version, so that their digests
//! differ; everything else comes from the environment (see [`config`]). One current-thread runtime answers; the
//! database has threads of its own (see [`database`]), so a slow write never holds up a health check.

pub mod app;
pub mod bench;
pub mod cache;
pub mod config;
pub mod database;
pub mod dwcp;
pub mod fault;
pub mod health;
pub mod lifecycle;
pub mod metrics;
pub mod process;
pub mod serve;
pub mod text;
pub mod vms;

pub use serve::main_with;
