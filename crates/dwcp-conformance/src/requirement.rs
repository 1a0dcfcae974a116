//! One sentence that an implementation must or should meet, and where it comes from.

use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::stop::Stop;

/// RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Without it there is no conformance.
    Must,
    /// There may be reasons against it; they are to be told.
    Should,
}

impl Level {
    /// As the RFC writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// What an implementation can be assessed for. Two of the five letters have two readings, each a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Profile {
    /// Adaptive Multi-Stream Transport.
    #[serde(rename = "amst")]
    Amst,
    /// Hierarchical Data Exchange.
    #[serde(rename = "hde")]
    Hde,
    /// Predictive Bandwidth Allocation.
    #[serde(rename = "pba")]
    Pba,
    /// ASS read as a scheduler.
    #[serde(rename = "ass/scheduler")]
    Scheduler,
    /// ASS read as state synchronisation.
    #[serde(rename = "ass/state-sync")]
    StateSync,
    /// ACP read as congestion control.
    #[serde(rename = "acp/congestion")]
    Congestion,
    /// ACP read as consensus.
    #[serde(rename = "acp/consensus")]
    Consensus,
    /// Metrics and status.
    #[serde(rename = "met")]
    Metrics,
}

impl Profile {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; 8] = [
        Self::Amst,
        Self::Hde,
        Self::Pba,
        Self::Scheduler,
        Self::StateSync,
        Self::Congestion,
        Self::Consensus,
        Self::Metrics,
    ];

    /// As a person writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amst => "amst",
            Self::Hde => "hde",
            Self::Pba => "pba",
            Self::Scheduler => "ass/scheduler",
            Self::StateSync => "ass/state-sync",
            Self::Congestion => "acp/congestion",
            Self::Consensus => "acp/consensus",
            Self::Metrics => "met",
        }
    }

    /// The key under `components` in the answer to `hello`.
    pub fn component(self) -> &'static str {
        self.name().split('/').next().unwrap_or_default()
    }

    /// The reading that has to be declared, where the component has two.
    pub fn reading(self) -> Option<&'static str> {
        self.name().split_once('/').map(|(_, reading)| reading)
    }

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

/// One MUST or SHOULD sentence of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requirement {
    /// As in the catalogue, e.g. `HDE-004`.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What an implementation has to have declared so that it is bound, e.g. `cubic`; empty when nothing.
    pub when: &'static str,
    /// Whom it binds.
    pub profile: Profile,
    /// The sentence, as in the catalogue.
    pub sentence: &'static str,
    /// The figure's or the rule's origin; `-` when the sentence stands for itself.
    pub source: &'static str,
    /// At most how often a conforming implementation fails by chance, over the choice of the seed; 0 when never.
    pub error_probability: f64,
    /// How often the check is tried before it counts as failed. More than one only where a real clock is read, on which
    /// a busy machine can only be slower: the best try counts.
    pub attempts: u8,
}

/// A check asks through the bench and says what it found. `Ok` is a pass.
pub type Check = fn(&mut Bench<'_>) -> Result<(), Stop>;

/// A requirement and how it is checked.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is required.
    pub requirement: Requirement,
    /// How that is found out.
    pub check: Check,
}
