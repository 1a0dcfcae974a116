//! The imperative shell around a machine: it waits, records, carries out, and decides nothing.
//!
//! [`drive`] is the one loop: it is used by the runner of a pipeline, by the embedded target and by the simulator.

mod clock;
mod drive;

pub use clock::{BootClock, Clock, boot_id, boot_now_ms};
pub use drive::{Arrived, Dispatch, DriveError, Log, Recorded, Verdict, drive};
