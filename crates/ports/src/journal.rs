//! The record of a run: what happened, and the fingerprints of what was wanted because of it.

use machine::{Durability, Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::PortError;

/// One entry as it is given to the journal. `event` is `None` for a wake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in the run's own time.
    pub ts: Timestamp,
    /// The event as JSON, or `None` for a wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
    /// Keys and hashes of the effects, in order.
    pub effects: Vec<Fingerprint>,
    /// Why the event was rejected, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
}

/// One entry as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// An append-only record with one writer.
pub trait Journal: Send {
    /// Appends one entry and returns when it is as durable as asked. `Unwaited` returns at once.
    ///
    /// # Errors
    /// The disk is full or broken. The entry may be lost; what follows from it must not happen, returning traffic
    /// to stable excepted.
    fn append(&mut self, entry: Entry, durability: Durability) -> Result<(), PortError>;
}
