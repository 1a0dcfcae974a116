//! The contract of a journal: what was appended is read again, in order, chained, whatever durability was asked.

use machine::{Durability, Timestamp};
use serde_json::json;

use super::{Kept, promise};
use crate::{Entry, Journal, Json, PortError, Record};

/// Appends entries of every durability, and compares what `read` gives afterwards.
///
/// # Errors
/// The promise that was broken.
pub fn journal<J: Journal>(mut journal: J, read: impl FnOnce(J) -> Result<Vec<Record>, PortError>) -> Kept {
    let durabilities = [Durability::Unwaited, Durability::Grouped, Durability::Synced];
    let entries: Vec<Entry> = (0..9_u64).map(entry).collect();
    for (entry, durability) in entries.iter().zip(durabilities.iter().cycle()) {
        journal.append(entry.clone(), *durability)?;
    }
    let records = read(journal)?;
    let same = records.iter().map(|record| &record.entry).eq(&entries);
    promise(same, "what was appended is read again, in order", &records)?;
    let numbered = records.iter().map(|record| record.seq).eq(1..=9);
    promise(numbered, "records are numbered from 1 without gaps", &records)?;
    let chained = records.windows(2).all(|pair| matches!(pair, [before, after] if after.prev == before.hash));
    promise(chained, "each record has the hash of the one before", &records)
}

fn entry(n: u64) -> Entry {
    let event =
        (!n.is_multiple_of(3)).then(|| json!({ "number": n, "rate": 0.1 * n as f64, "text": "line\nbreak" }));
    Entry {
        ts: Timestamp::from_millis(n),
        event: event.map(Json::from),
        effects: Vec::new(),
        rejected: (n == 4).then(|| "no".to_owned()),
    }
}
