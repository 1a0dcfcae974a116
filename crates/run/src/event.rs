//! What a run hears and what it wants.

use std::collections::BTreeSet;

use machine::{Durability, Durable, Name};
use serde::{Deserialize, Serialize};

use crate::Definition;

/// What a person asks of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// End the run; releases go back. A second time skips cleanup.
    Cancel {
        /// Who.
        by: String,
    },
    /// Releases go back; before any has begun, the run ends.
    Abort {
        /// Who and why.
        by: String,
        /// Only the one on this target.
        target: Option<Name>,
    },
    /// The answer to an open question: an approval, a decision about a breach, a lost effect.
    Answer {
        /// The job that asks.
        job: Name,
        /// Yes or no.
        granted: bool,
        /// Who.
        by: String,
    },
}

/// What may happen to a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It begins.
    Opened(Box<Definition>),
    /// Something happened to a job.
    Job(pipeline_core::Event),
    /// Something happened to the release of a deploy attempt.
    Release {
        /// `JOB#ATTEMPT`.
        path: Name,
        /// What.
        event: release::Event,
    },
    /// A person asks.
    Command(Command),
    /// A person had asked while no runner was alive.
    Left {
        /// Identity of the command: it is taken once, however often a runner dies before it is cleared away.
        id: String,
        /// What.
        command: Command,
    },
    /// A runner is there again, and holds the targets of the open releases.
    Resumed {
        /// Identity of this boot.
        boot: String,
        /// Targets that had returned this run's traffic to stable.
        restored: BTreeSet<Name>,
    },
}

/// What a run may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Of the pipeline.
    Job(pipeline_core::Effect),
    /// Of a release.
    Release {
        /// `JOB#ATTEMPT`.
        path: Name,
        /// Digest of the artifact that is released.
        artifact: String,
        /// What.
        effect: release::Effect,
    },
}

impl Durable for Event {
    fn durability(&self) -> Durability {
        match self {
            Self::Opened(_) | Self::Command(_) | Self::Left { .. } | Self::Resumed { .. } => {
                Durability::Synced
            }
            Self::Job(event) => event.durability(),
            Self::Release { event, .. } => event.durability(),
        }
    }
}

impl Durable for Effect {
    fn durability(&self) -> Durability {
        match self {
            Self::Job(effect) => effect.durability(),
            Self::Release { effect, .. } => effect.durability(),
        }
    }
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// It has not begun.
    #[error("the run has not begun")]
    NotOpened,
    /// It has begun already.
    #[error("the run has begun already")]
    AlreadyOpened,
    /// No release of that path is open.
    #[error("no release {0} is open")]
    UnknownRelease(Name),
    /// Nothing is left that could go back.
    #[error("nothing to abort: {0}")]
    NothingToAbort(String),
    /// The job does not ask anything.
    #[error("{0} waits for no answer")]
    NotAsked(Name),
    /// The pipeline says no.
    #[error(transparent)]
    Pipeline(#[from] pipeline_core::Rejected),
    /// The release says no.
    #[error(transparent)]
    Release(#[from] release::Rejected),
}
