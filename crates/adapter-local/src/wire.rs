//! What goes over the control socket. Paths begin with `/v1/`; every request and answer names the protocol.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | POST /v1/acquire | `Claim` | `Acquisition` |
//! | POST /v1/order | `Order` | `Answer` |
//! | POST /v1/restore | [`Restore`] | `Restoration` |
//! | POST /v1/renew, /v1/release | [`EpochOf`] | `Answer` |
//! | GET /v1/observe | | `Observation` |
//! | GET /v1/metrics | | Prometheus text 0.0.4 |
//! | GET /v1/status | | [`Status`] |
//! | POST /v1/stop | [`Stop`] | [`Stopping`] |
//! | POST /v1/upgrade | [`Upgrade`] | [`Upgraded`] |

use serde::{Deserialize, Serialize};
use supervise::{Epoch, Observation, RunId};

/// Version of the protocol and of the durable state. Another one is refused.
pub const PROTOCOL: u32 = 1;

/// Names the protocol in requests and answers.
pub const PROTOCOL_HEADER: &str = "nova-protocol";

/// Longest body of a request, in bytes.
pub(crate) const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Longest body of an answer, in bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Return traffic to stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// Whose traffic.
    pub run: RunId,
}

/// A run under an epoch: it watches still, or gives the target back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochOf {
    /// Which run.
    pub run: RunId,
    /// From its acquisition.
    pub epoch: Epoch,
}

/// End the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Leave the instances running; the next start adopts them.
    pub keep_instances: bool,
}

/// The target is ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// The process that ends.
    pub pid: u32,
}

/// Hand over to another program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// Absolute path of the new `nova-local`.
    pub program: String,
}

/// The new process serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgraded {
    /// The process that handed over.
    pub from_pid: u32,
    /// The process that serves now.
    pub pid: u32,
}

/// The target for people and scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program.
    pub program_version: String,
    /// Version of the protocol.
    pub protocol: u32,
    /// Process id.
    pub pid: u32,
    /// Where requests of users are taken.
    pub address: String,
    /// Why artifacts are not kept: (revision, reason).
    pub problems: Vec<(String, String)>,
    /// Everything else.
    pub observation: Observation,
}
