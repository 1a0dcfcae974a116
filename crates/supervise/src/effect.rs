//! What the supervisor may want: processes, one routing table, kept artifacts, answers.

use machine::{Durability, Durable, Millis};
use serde::{Deserialize, Serialize};

use crate::{
    Acquisition, Answer, Generation, InstanceId, Process, Restoration, RevisionId, RevisionSpec, Weight,
};

/// Where requests can be sent: one instance that is ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Upstream {
    /// Number of the instance in its revision.
    pub slot: u32,
    /// Tells processes apart that were in the same slot.
    pub incarnation: u32,
    /// Where it listens, on loopback.
    pub port: u16,
}

/// The share of one revision and who carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Share {
    /// Whose.
    pub revision: RevisionId,
    /// In percent. A revision without a ready instance is routed around.
    pub weight: Weight,
    /// Ready instances, by slot.
    pub upstreams: Vec<Upstream>,
}

/// The whole routing at once: it is swapped as one value, so no two shares ever disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Table {
    /// The desired state that it carries out.
    pub generation: Generation,
    /// Weights sum to 100, or there is no share at all.
    pub shares: Vec<Share>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Acquire`.
    Acquisition(Acquisition),
    /// To `Order`, `Renew` and `Release`.
    Answer(Answer),
    /// To `Restore`.
    Restoration(Restoration),
}

/// What the shell should do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Copy the program into the kept artifacts and verify its digest; answered by `Fetched` or `FetchFailed`.
    FetchArtifact {
        /// For whom.
        revision: RevisionId,
        /// `sha256:` and 64 hexadecimal digits.
        artifact: String,
        /// Absolute path to copy from.
        source: String,
    },
    /// Delete a kept artifact that no revision names any more.
    DropArtifact {
        /// `sha256:` and 64 hexadecimal digits.
        artifact: String,
    },
    /// Start a process and check it; answered by `Spawned` or `SpawnFailed`, then `Probed`, at last `Exited`.
    StartInstance {
        /// Which.
        instance: InstanceId,
        /// What to run.
        spec: Box<RevisionSpec>,
        /// The kept artifact.
        path: String,
    },
    /// Watch and check a process that runs already; answered as if it had been started.
    AdoptInstance {
        /// Which.
        instance: InstanceId,
        /// How it is known.
        process: Process,
        /// How it is checked.
        spec: Box<RevisionSpec>,
    },
    /// Wait until its requests have ended, SIGTERM, and SIGKILL after the maximum; answered by `Exited`.
    StopInstance {
        /// Which.
        instance: InstanceId,
        /// How it is known, if it ever ran.
        process: Option<Process>,
        /// Longest wait for requests, and longest time from SIGTERM to SIGKILL.
        drain_max_ms: Millis,
    },
    /// Swap the routing table.
    Route {
        /// From now on.
        table: Table,
        /// It follows from an order that moves traffic away from stable, so it waits for the disk.
        ordered: bool,
    },
    /// Answer a request.
    Reply {
        /// As it was asked.
        n: u64,
        /// What.
        reply: Reply,
    },
}

impl Durable for Effect {
    fn durability(&self) -> Durability {
        match self {
            Self::Route { ordered: false, .. } => Durability::Unwaited,
            Self::Route { .. } => Durability::Synced,
            _ => Durability::Grouped,
        }
    }
}
