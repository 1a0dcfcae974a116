//! What a pipeline hears and what it wants.

use std::collections::BTreeMap;

use machine::{Durability, Durable, Name};
use serde::{Deserialize, Serialize};

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, `None` when a signal or a loss ended it. A deploy job gives its outcome's code.
    pub code: Option<i32>,
    /// What it gave.
    pub outputs: BTreeMap<String, String>,
    /// In words, when there is something to say.
    pub remark: Option<String>,
}

/// What a probe says about a lost effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAnswer {
    /// Its result is there.
    Done,
    /// It is not.
    NotDone,
    /// Nobody knows: a person must say.
    Unknown,
}

/// What may happen to a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It begins.
    Opened,
    /// The process of an attempt exists.
    Started {
        /// Which job.
        job: Name,
        /// Which attempt, from 1.
        attempt: u32,
        /// Process id.
        pid: u32,
    },
    /// A service is ready.
    ServiceReady {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
    },
    /// An attempt ended.
    Ended {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
        /// How.
        ended: Ended,
    },
    /// The probe of a lost effect answered.
    Probed {
        /// Which job.
        job: Name,
        /// The attempt that was lost.
        attempt: u32,
        /// What it says.
        answer: ProbeAnswer,
    },
    /// A person answered: an approval, or whether a lost effect had happened.
    Answered {
        /// Which job.
        job: Name,
        /// Yes or no.
        granted: bool,
        /// Who.
        by: String,
    },
    /// Somebody wants it to end. A second time skips cleanup.
    Cancelled {
        /// Who and why.
        by: String,
    },
    /// The runner is there again; attempts of commands that ran are lost.
    Resumed,
}

/// What a run may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Start an attempt of a command.
    RunJob {
        /// Which job.
        job: Name,
        /// Which attempt, from 1.
        attempt: u32,
        /// Its visible result must exist once.
        once: bool,
        /// Outputs that it reads, as `JOB.OUTPUT`.
        reads: BTreeMap<String, String>,
    },
    /// End an attempt and all that descends from it.
    StopJob {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
    },
    /// Ask whether a lost effect had happened.
    Probe {
        /// Which job.
        job: Name,
        /// The attempt that was lost.
        attempt: u32,
        /// Outputs that it reads.
        reads: BTreeMap<String, String>,
    },
    /// Ask a person.
    Ask {
        /// Which job.
        job: Name,
        /// Whether it is about a lost effect, not an approval.
        lost: bool,
    },
    /// Open a deploy job.
    OpenDeploy {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
        /// Outputs that it reads.
        reads: BTreeMap<String, String>,
    },
    /// A deploy job shall go back.
    AbortDeploy {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
        /// Why.
        reason: String,
    },
}

impl Durable for Event {
    fn durability(&self) -> Durability {
        match self {
            Self::Opened | Self::Answered { .. } | Self::Cancelled { .. } | Self::Resumed => {
                Durability::Synced
            }
            _ => Durability::Grouped,
        }
    }
}

impl Durable for Effect {
    fn durability(&self) -> Durability {
        match self {
            Self::RunJob { once: true, .. } | Self::OpenDeploy { .. } => Durability::Synced,
            Self::Ask { .. } => Durability::Unwaited,
            _ => Durability::Grouped,
        }
    }
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// No such job.
    #[error("there is no job {0}")]
    UnknownJob(Name),
    /// The attempt is not the one that runs.
    #[error("attempt {attempt} of {job} does not run")]
    NotRunning {
        /// Which job.
        job: Name,
        /// Which attempt.
        attempt: u32,
    },
    /// Nothing is asked about it.
    #[error("{0} waits for no answer")]
    NotAsked(Name),
    /// It has not begun.
    #[error("the run has not begun")]
    NotOpen,
    /// It has begun already.
    #[error("the run has begun already")]
    AlreadyOpen,
    /// It has ended.
    #[error("the run has ended")]
    Ended,
}
