//! Jobs of a run under a guardian: a process of our own that outlives no job and lets no job outlive the run.
//!
//! The runner starts its own binary again as the guardian (`GuardianJobs::spawn`), which calls `serve`. The two
//! speak JSON lines over the guardian's standard input and output. The guardian is a subreaper: whatever a job
//! starts and abandons, in whatever session, becomes the guardian's child. So a job has left nothing behind exactly
//! when its group is empty and the guardian has no child that it does not know.
//!
//! ```text
//! Running --ends, nothing left--------------------------> reported
//! Running --ends, something left--> Ending --all gone---> reported
//! Running --stop: SIGTERM---------> Ending    | grace over: SIGSTOP all, SIGKILL all, again until none is left
//! ```
//!
//! When standard input closes the runner is gone, in whatever way, and everything ends like that. Out of reach
//! are processes for which somebody outside was asked (a daemon, cron), and both being killed at once.

mod charge;
mod client;
mod job;
mod log;
mod serve;
mod sweep;
mod tree;
mod wire;

pub use charge::take_charge;
pub use client::GuardianJobs;
pub use serve::serve;

/// The variable by which the processes of a job are known, whatever became of their parents.
pub const MARK: &str = "NOVA_JOB_MARK";

/// More jobs at once are refused.
pub const MAX_JOBS: usize = 4096;

/// What a log takes unless told otherwise; the rest of the output is discarded, with a notice.
pub const DEFAULT_LOG_CAP: u64 = 64 << 20;
