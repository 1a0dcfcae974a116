//! The record of a run: what happened, and the fingerprints of what was wanted because of it.

use machine::{Durability, Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Json, PortError};

/// One entry as it is given to the journal. `event` is `None` for a wake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in the run's own time.
    pub ts: Timestamp,
    /// The event as JSON, or `None` for a wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Json>,
    /// Keys and hashes of the effects, in order.
    pub effects: Vec<Fingerprint>,
    /// Why the event was rejected, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
}

/// One entry as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Line")]
pub struct Record {
    /// From 1, without gaps.
    pub seq: u64,
    /// Hash of the record before (of the header, for the first).
    pub prev: String,
    /// What was recorded.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 over the record without this field.
    pub hash: String,
}

/// How a record is read: flattened fields would go through a tree, which keeps no text.
#[derive(Deserialize)]
struct Line {
    seq: u64,
    prev: String,
    ts: Timestamp,
    #[serde(default)]
    event: Option<Json>,
    effects: Vec<Fingerprint>,
    #[serde(default)]
    rejected: Option<String>,
    hash: String,
}

impl From<Line> for Record {
    fn from(line: Line) -> Self {
        let Line { seq, prev, ts, event, effects, rejected, hash } = line;
        Self { seq, prev, entry: Entry { ts, event, effects, rejected }, hash }
    }
}

/// An append-only record with one writer.
pub trait Journal: Send {
    /// Appends one entry and returns when it is as durable as asked. `Unwaited` returns at once.
    ///
    /// # Errors
    /// The disk is full or broken. The entry may be lost; what follows from it must not happen, returning traffic
    /// to stable excepted.
    fn append(&mut self, entry: Entry, durability: Durability) -> Result<(), PortError>;
}
