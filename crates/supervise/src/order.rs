//! What a run may ask of a target, and what it hears back.

use std::fmt;

use machine::Millis;
use serde::{Deserialize, Serialize};

use crate::{RevisionId, RevisionSpec, Weight};

/// Identity of a run, drawn by the shell when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Takes an id as it stands in a record.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Issued by the target at every acquisition, always rising. A write under a lower one is fenced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Counts the changes of the target's desired state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// A run that wants to give orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Who.
    pub run: RunId,
    /// Where the run can be spoken to (path of its control socket), so that an abort reaches it.
    pub control: String,
    /// Take over from another run. That run's traffic must be back on stable first.
    pub supersede: bool,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acquisition {
    /// The run may order under this epoch.
    Acquired {
        /// To be sent with every order.
        epoch: Epoch,
        /// The run's traffic was returned to stable before (lease or abort), and the latch is closed.
        restored: bool,
    },
    /// Somebody else holds the target.
    Held {
        /// Which run.
        by: RunId,
        /// Its control socket.
        control: String,
        /// Milliseconds since it was acquired.
        for_ms: Millis,
        /// It has been heard within its lease.
        alive: bool,
    },
}

/// A wish about the target's state; never a verb, so that it may arrive late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// The revision's instances run.
    Running {
        /// What to run.
        spec: Box<RevisionSpec>,
    },
    /// `revision` has this share of the traffic and stable the rest; returned to stable when the lease runs out.
    Weight {
        /// The new revision.
        revision: RevisionId,
        /// Its share.
        weight: Weight,
        /// Renewed by `Target::renew`; starts when the order is accepted.
        lease_ms: Millis,
    },
    /// The slot of the revision has been restarted this often since it first ran.
    Restarts {
        /// Whose slot.
        revision: RevisionId,
        /// Number of the instance, from 0.
        slot: u32,
        /// The count, including this one.
        restarts: u32,
    },
    /// The revision is the stable one and has all traffic. No lease.
    Stable {
        /// The promoted revision.
        revision: RevisionId,
    },
    /// No instance of the revision runs; artifact and configuration are kept for `retain_ms`.
    Stopped {
        /// Which.
        revision: RevisionId,
        /// How long its artifact and configuration are kept.
        retain_ms: Millis,
    },
}

/// One order: what is wanted, by whom, and under which view of the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// Idempotency key: the same key never acts twice.
    pub key: String,
    /// Who orders.
    pub run: RunId,
    /// From the acquisition.
    pub epoch: Epoch,
    /// Act only if this is still the target's generation.
    pub expects: Option<Generation>,
    /// What is wanted.
    pub desired: Desired,
}

/// What the target says to an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Durable, and part of the desired state since this generation.
    Accepted {
        /// To be found in later observations.
        generation: Generation,
    },
    /// Somebody acquired the target later.
    Fenced {
        /// The epoch in force.
        epoch: Epoch,
    },
    /// The run's traffic was returned to stable; no weight order of it is taken any more.
    Restored {
        /// How long ago.
        for_ms: Millis,
    },
    /// The target has changed since the order was made.
    Conflict {
        /// The generation in force.
        generation: Generation,
    },
    /// Can never be done as it stands.
    Refused {
        /// Why, for a person.
        reason: String,
    },
}

/// What the target says to "return traffic to stable".
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restoration {
    /// All traffic is ordered back to stable, and the latch is closed for the run.
    Restored {
        /// Since this generation.
        generation: Generation,
        /// There is a stable revision; else the target was emptied.
        stable: bool,
    },
    /// Too late: the run's revision was promoted.
    Promoted {
        /// How long ago.
        for_ms: Millis,
    },
}
