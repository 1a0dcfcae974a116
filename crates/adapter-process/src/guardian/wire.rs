//! What runner and guardian say to each other, one JSON line each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A longer line is an error of the other side.
pub(super) const MAX_LINE: usize = 8 << 20;

/// From the runner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    Start(Box<Start>),
    Stop { name: String },
}

/// Everything about a job.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) name: String,
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) secrets: Vec<String>,
    pub(super) grace_ms: u64,
    pub(super) log_cap: u64,
}

/// From the guardian.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The first line: it is in charge. All jobs' marks begin with `mark`.
    Ready {
        mark: String,
    },
    Started {
        name: String,
        pid: u32,
    },
    Refused {
        name: String,
        why: String,
    },
    Ended(Over),
}

/// How a job ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Over {
    pub(super) name: String,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) bytes: u64,
    pub(super) tail: Vec<String>,
}
