//! What the supervisor may be told: requests of runs, the life of instances, a restart of the target itself.

use std::fmt;

use machine::{Durability, Durable};
use serde::{Deserialize, Serialize};

use crate::{Claim, Epoch, Order, RevisionId, RunId};

/// One process of a revision. A process that replaces another in the same slot has another incarnation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    /// Whose.
    pub revision: RevisionId,
    /// From 0.
    pub slot: u32,
    /// Counted over all instances of the target, never repeated.
    pub incarnation: u32,
}

/// How a process is known again: a pid alone is reused by the system, a pid with its start time is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Clock ticks between boot and its start (`/proc/PID/stat`, field 22).
    pub start_time: u64,
    /// Where it listens, on loopback.
    pub port: u16,
}

/// A process of this target that still runs when the target is started again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Found {
    /// As it was started.
    pub incarnation: u32,
    /// How it is known.
    pub process: Process,
}

/// Which of the two checks of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Whether it may get traffic.
    Ready,
    /// Whether it works at all.
    Live,
}

impl ProbeKind {
    /// As a pipeline file names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Live => "live",
        }
    }
}

/// What a run may ask; the answer is `Effect::Reply` with the number of the question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// See `ports::Target::acquire`.
    Acquire {
        /// Who asks.
        claim: Claim,
    },
    /// See `ports::Target::order`.
    Order {
        /// What is wanted.
        order: Box<Order>,
    },
    /// See `ports::Target::restore_stable`.
    Restore {
        /// Whose traffic is returned.
        run: RunId,
    },
    /// See `ports::Target::renew`.
    Renew {
        /// Who watches.
        run: RunId,
        /// From its acquisition.
        epoch: Epoch,
    },
    /// See `ports::Target::release`.
    Release {
        /// Who gives the target back.
        run: RunId,
        /// From its acquisition.
        epoch: Epoch,
    },
}

/// What may happen to the supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run asked for something.
    Asked {
        /// Given by the shell, to find the asker again.
        n: u64,
        /// What.
        request: Request,
    },
    /// The artifact of a revision is kept and its digest is right.
    Fetched {
        /// Whose.
        revision: RevisionId,
        /// Where it is kept.
        path: String,
    },
    /// The artifact could not be copied, or its digest is wrong.
    FetchFailed {
        /// Whose.
        revision: RevisionId,
        /// Why, for a person.
        why: String,
    },
    /// A process was started.
    Spawned {
        /// Which.
        instance: InstanceId,
        /// How it is known.
        process: Process,
    },
    /// A process could not be started.
    SpawnFailed {
        /// Which.
        instance: InstanceId,
        /// Why, for a person.
        why: String,
    },
    /// A process has ended, asked or not.
    Exited {
        /// Which.
        instance: InstanceId,
        /// Its exit code; `None` when a signal ended it, or when it was not our child.
        code: Option<i32>,
    },
    /// A check was made.
    Probed {
        /// Of which process.
        instance: InstanceId,
        /// Which check.
        probe: ProbeKind,
        /// Passed in time.
        ok: bool,
    },
    /// The target itself was started again with this state.
    Resumed {
        /// No process can be left: another boot, or the target had stopped them itself.
        fresh: bool,
        /// Processes of this target that still run.
        found: Vec<Found>,
    },
}

impl Durable for Event {
    fn durability(&self) -> Durability {
        match self {
            Self::Asked { request: Request::Renew { .. }, .. } => Durability::Grouped,
            Self::Asked { .. } => Durability::Synced,
            Self::Probed { .. } => Durability::Unwaited,
            _ => Durability::Grouped,
        }
    }
}

/// Why an event does not fit. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rejected {
    /// There is no such process any more.
    NoSuchInstance(InstanceId),
    /// There is no such revision any more.
    NoSuchRevision(RevisionId),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchInstance(i) => {
                write!(f, "no instance {} in slot {} of revision {}", i.incarnation, i.slot, i.revision)
            }
            Self::NoSuchRevision(revision) => write!(f, "no revision {revision}"),
        }
    }
}
