//! An implementation under test: started anew for each case, spoken to in lines, ended with all that it started.
//!
//! ```text
//! start ──► child in a group of its own, with a mark in its environment
//!            stdin  ◄── send       (never blocks; a child that does not read in time has not answered in time)
//!            stdout ──► receive    (lines of at most 1 MiB; what nobody asks for waits in the pipe)
//!            stderr ──► drained in a thread, the last of it kept
//! stop  ──► stdin closed, 300 ms to end by itself, then SIGKILL to its group, its mark, and all that descends from it
//! ```
//!
//! Also the harness as TCP peer ([`peer::Peer`]). Nothing here judges.

pub mod carrier;
mod lines;
pub mod peer;
pub mod serve;
mod sut;
mod sweep;

pub use carrier::Carrier;
pub use sut::Sut;
pub use sweep::{adopt_orphans, end_all_below};
