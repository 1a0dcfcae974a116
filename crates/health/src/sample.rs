//! One sample: cumulative counters of both revisions at one moment.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Latency;

/// Cumulative counters of both revisions. A counter that falls means that its process started again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sample {
    /// When it was taken.
    pub taken: Timestamp,
    /// The revision under evaluation.
    pub new: Arm,
    /// The trusted one, when there is one and it has traffic.
    pub stable: Option<Arm>,
}

/// Cumulative counters of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arm {
    /// Requests that ended, in whatever way.
    pub requests: u64,
    /// Of these, answered with 500 or above.
    pub server_errors: u64,
    /// Of these, without an answer.
    pub failures: u64,
    /// Durations.
    pub latency: Latency,
    /// Its instances.
    pub instances: Vec<Instance>,
}

impl Arm {
    /// Requests that failed for the user: a server error, or no answer.
    pub const fn errors(&self) -> u64 {
        self.server_errors.saturating_add(self.failures)
    }
}

/// One instance at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Instance {
    /// Its number, from 0.
    pub slot: u32,
    /// Health checks failed in a row; an exit that nobody asked for counts as one.
    pub failed_checks: u32,
    /// Resident bytes, when they are known.
    pub resident_bytes: Option<u64>,
    /// How often it was restarted by order.
    pub restarts: u32,
    /// Requests that it was sent and that have ended, and how many of them failed, when that is counted by instance.
    /// Cumulative over all processes of the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
}

/// What one instance served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Served {
    /// Requests that ended, in whatever way.
    pub requests: u64,
    /// Of these, failed for the user: a server error, or no answer.
    pub errors: u64,
}
