//! Where a job is.

use std::collections::BTreeMap;

use machine::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a job was not run. A skip is not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Something that it needs was skipped.
    UpstreamSkipped,
    /// Something that it needs failed.
    UpstreamFailed,
    /// It is not part of this run.
    LeftOut,
}

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its needs.
    Pending,
    /// Waits for a worker, or for the pause before the next attempt.
    Ready,
    /// Waits for a person: an approval, or whether a lost effect had happened.
    Waiting,
    /// An attempt runs. A service that is ready satisfies its dependants while it runs.
    Running,
    /// Whether the lost effect had happened is being asked.
    Probing,
    /// It did what it should.
    Succeeded,
    /// The result of an earlier run is used.
    Cached,
    /// It ended otherwise.
    Failed,
    /// It took too long, and was ended.
    TimedOut,
    /// Somebody cancelled the run.
    Cancelled,
    /// It was not run.
    Skipped(SkipReason),
}

impl Status {
    /// Whether it will not change any more.
    pub const fn settled(&self) -> bool {
        !matches!(self, Self::Pending | Self::Ready | Self::Waiting | Self::Running | Self::Probing)
    }

    /// Whether a dependant may start by the default policy.
    pub const fn satisfies(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Cached)
    }
}

/// One job of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobState {
    /// Where it is.
    pub status: Status,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts that count against the budget: those that were lost in a crash do not.
    pub spent: u32,
    /// Needs that are not settled.
    pub open: u32,
    /// When the present attempt began.
    pub started: Option<Timestamp>,
    /// When it was settled.
    pub ended: Option<Timestamp>,
    /// When something must happen by itself: timeout, end of a pause, end of a question.
    pub due: Option<Timestamp>,
    /// Exit code of the last attempt; for a deploy job, its outcome's code.
    pub code: Option<i32>,
    /// A service that is ready.
    pub ready: bool,
    /// A service that was ready once: its dependants do not wait for its end.
    pub released: bool,
    /// It is being ended: the reason becomes its status.
    pub stopping: Option<Box<Status>>,
    /// What it gave.
    pub outputs: BTreeMap<String, String>,
    /// In words: who approved, why it failed.
    pub remark: Option<String>,
}

impl JobState {
    pub(crate) const fn new(open: u32) -> Self {
        Self {
            status: Status::Pending,
            attempts: 0,
            spent: 0,
            open,
            started: None,
            ended: None,
            due: None,
            code: None,
            ready: false,
            released: false,
            stopping: None,
            outputs: BTreeMap::new(),
            remark: None,
        }
    }
}
