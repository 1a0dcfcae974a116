//! How a release ended, and what it cost.

use std::fmt;

use health::{Breach, Sample};
use machine::{Millis, Timestamp, Visit};
use serde::{Deserialize, Serialize};

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The new revision is stable.
    Promoted,
    /// There was nothing to do.
    Unchanged {
        /// Why.
        why: String,
    },
    /// The new revision has no traffic.
    Aborted {
        /// Why.
        reason: String,
        /// A stable revision serves; otherwise the target is empty.
        stable: bool,
    },
    /// The target was not to be had; nothing was changed.
    Refused {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The exit code of the job: 0, 11 with stable intact, 10 without a stable revision, 2 when refused.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Promoted | Self::Unchanged { .. } => 0,
            Self::Aborted { stable: true, .. } => 11,
            Self::Aborted { stable: false, .. } => 10,
            Self::Refused { .. } => 2,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promoted => f.write_str("promoted"),
            Self::Unchanged { why } => write!(f, "unchanged: {why}"),
            Self::Aborted { reason, stable: true } => write!(f, "aborted, all traffic on stable: {reason}"),
            Self::Aborted { reason, stable: false } => write!(f, "aborted, the target is empty: {reason}"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
        }
    }
}

/// What the new revision cost its users, as far as the target's counters show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cost {
    /// The breach that led back, if one did.
    pub breach: Option<Breach>,
    /// Highest share that was observed, in percent.
    pub peak_percent: u8,
    /// When all traffic was seen back on stable.
    pub stable_again: Option<Timestamp>,
    /// Why a check of the new revision failed when it was last seen before it went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
    first: Option<(u64, u64)>,
    last: (u64, u64),
}

impl Cost {
    /// Requests that the new revision answered or failed to.
    pub fn requests(&self) -> u64 {
        self.first.map_or(0, |(requests, _)| self.last.0.saturating_sub(requests))
    }

    /// Of these, failed for the user.
    pub fn failed(&self) -> u64 {
        self.first.map_or(0, |(_, errors)| self.last.1.saturating_sub(errors))
    }

    /// From the first bad request (or failed check) to all traffic on stable, in milliseconds.
    pub fn exposure_ms(&self) -> Option<Millis> {
        Some(self.stable_again?.since(self.breach.as_ref()?.since))
    }

    pub(crate) fn count(&mut self, sample: &Sample) {
        let now = (sample.new.requests, sample.new.errors());
        self.first.get_or_insert(now);
        self.last = now;
    }

    pub(crate) fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(at) = &mut self.stable_again {
            v.time(at);
        }
        if let Some(breach) = &mut self.breach {
            v.time(&mut breach.since);
        }
    }
}
