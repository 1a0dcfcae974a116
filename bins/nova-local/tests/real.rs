//! The real `nova-local` with real processes: its contract, crashes, leases, drains, upgrades.

#[path = "real/bed.rs"]
mod bed;
#[path = "real/contract.rs"]
mod contract;
#[path = "real/crash.rs"]
mod crash;
#[path = "real/load.rs"]
mod load;
#[path = "real/probes.rs"]
mod probes;
#[path = "real/usage.rs"]
mod usage;
