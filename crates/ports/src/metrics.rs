//! Where counters come from: one scrape gives the cumulative counters of both revisions.

use std::future::Future;

use machine::Millis;
use serde::{Deserialize, Serialize};
use supervise::RevisionId;

use crate::PortError;

/// What one scrape showed. Counters are cumulative; a fall means that the counting process started again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scrape {
    /// How old the values were when they arrived, by the observer's monotonic clock.
    pub age_ms: Millis,
    /// By revision; a revision that never had a request may be absent.
    pub arms: Vec<Arm>,
}

/// The counters of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arm {
    /// Whose.
    pub revision: RevisionId,
    /// Requests that were begun on it and have ended, in whatever way.
    pub requests: u64,
    /// Of these, answered with a status of 500 or above.
    pub server_errors: u64,
    /// Of these, without any answer: refused, reset, timed out.
    pub failures: u64,
    /// Cumulative counts of request durations: (upper bound in microseconds, requests at or below it); ascending.
    pub latency_us: Vec<(u64, u64)>,
    /// By slot.
    pub instances: Vec<InstanceSample>,
}

/// What one instance showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceSample {
    /// From 0.
    pub slot: u32,
    /// Consecutive failed health checks.
    pub failed_checks: u32,
    /// Resident memory, `None` when it could not be read.
    pub resident_bytes: Option<u64>,
    /// How often it was restarted by order.
    pub restarts: u32,
    /// What it served, where that is counted by instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<InstanceServed>,
}

/// What one instance served; cumulative over all processes of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceServed {
    /// Requests that have ended, in whatever way.
    pub requests: u64,
    /// Of these, answered with 500 or above, or without any answer.
    pub errors: u64,
}

/// A source of counters.
pub trait Metrics: Send + Sync {
    /// Reads all counters once.
    fn scrape(&self) -> impl Future<Output = Result<Scrape, PortError>> + Send;
}
