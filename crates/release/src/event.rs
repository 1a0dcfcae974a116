//! What a release hears and what it wants.

use deploy_strategies::CheckPhase;
use health::Sample;
use machine::{Durability, Durable, Key, Timestamp};
use serde::{Deserialize, Serialize};

/// The target as it was seen, from the point of view of this release.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sighting {
    /// When, in run time: arrival less age.
    pub taken: Timestamp,
    /// Orders up to this generation had been carried out.
    pub generation: u64,
    /// Name of the stable revision.
    pub stable: Option<String>,
    /// Name of the new revision.
    pub new: String,
    /// Share of the new revision, in percent.
    pub percent: u8,
    /// Instances of the new revision that are ready.
    pub ready: u32,
    /// Instances of it that are wanted; 0 while the target does not know it.
    pub wanted: u32,
    /// Instances of it that exist at all.
    pub running_new: u32,
    /// Instances of all other revisions that exist, the stable one's excepted.
    pub running_old: u32,
    /// The target returned this run's traffic to stable and takes no weight of it any more.
    pub latched: bool,
    /// Counters, `None` when they could not be read.
    pub sample: Option<Sample>,
    /// Why a check of an instance of the new revision fails, for people: nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

/// What may happen to a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The target is held by this run.
    Acquired {
        /// This run's traffic had been returned to stable before.
        restored: bool,
    },
    /// Somebody else holds the target, and says who.
    Held {
        /// In words.
        by: String,
    },
    /// The target took an order.
    Accepted {
        /// Of the order.
        key: Key,
        /// It is carried out in sightings of this generation and later.
        generation: u64,
    },
    /// The target will not do it.
    Refused {
        /// Of the order.
        key: Key,
        /// Why.
        reason: String,
    },
    /// Somebody acquired the target later, so this order was not taken. It says nothing about the traffic.
    Fenced,
    /// The target had returned this run's traffic to stable, and says so to an order.
    Latched,
    /// The return is ordered at the target.
    RestoreAccepted {
        /// It is carried out in sightings of this generation and later.
        generation: u64,
    },
    /// The return came after the promotion.
    RestoreTooLate,
    /// The target was seen.
    Seen(Box<Sighting>),
    /// The target could not be seen.
    Unseen {
        /// Why.
        reason: String,
    },
    /// Checks ended.
    ChecksEnded {
        /// Of the effect that asked for them.
        key: Key,
        /// What failed, if anything did.
        failed: Option<String>,
    },
    /// Somebody wants to go back.
    Abort {
        /// Who and why.
        reason: String,
    },
    /// Somebody answered the open question with "go on".
    Continue {
        /// Who.
        by: String,
    },
}

/// A wish about the target's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// The new revision runs.
    Running,
    /// It has this share of the traffic, in percent, under a lease.
    Weight(u8),
    /// The slot was restarted this often.
    Restarts {
        /// Which instance.
        slot: u32,
        /// How often in all.
        restarts: u32,
    },
    /// It is the stable revision.
    Stable,
    /// The revision that was stable before runs no more.
    OldStopped,
    /// The new revision runs no more.
    NewStopped,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody must act, or traffic went back.
    Critical,
}

/// Something a person should hear.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub text: String,
}

/// What a release may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Claim the target.
    Acquire,
    /// Order a wish.
    Order(Wish),
    /// All traffic to stable, latched. Waits for nothing.
    Restore,
    /// Run the checks of this phase.
    RunChecks(CheckPhase),
    /// End checks that still run.
    StopChecks,
    /// Give the target back; traffic stays as it is.
    GiveBack,
    /// Tell people.
    Say(Note),
}

impl Durable for Event {
    fn durability(&self) -> Durability {
        match self {
            Self::Abort { .. } | Self::Continue { .. } => Durability::Synced,
            _ => Durability::Grouped,
        }
    }
}

impl Durable for Effect {
    fn durability(&self) -> Durability {
        match self {
            Self::Restore | Self::Say(_) => Durability::Unwaited,
            Self::RunChecks(_) | Self::StopChecks | Self::GiveBack | Self::Acquire => Durability::Grouped,
            Self::Order(_) => Durability::Synced,
        }
    }
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// It has ended.
    #[error("the release has ended: {0}")]
    Ended(String),
    /// The strategy says no.
    #[error(transparent)]
    Strategy(#[from] deploy_strategies::Rejected),
    /// Nobody asked.
    #[error("no question is open")]
    NothingAsked,
    /// The answer is to an order that is not open (any more).
    #[error("nobody waits for this")]
    NotAwaited,
}
