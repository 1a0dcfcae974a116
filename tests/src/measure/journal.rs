//! What a record costs, at each durability.

use std::io::Write;
use std::time::{Duration, Instant};

use adapter_store::{Header, JOURNAL_SCHEMA, JournalWriter, StateDir, read};
use machine::{Durability, Fingerprint, Key, Timestamp};
use ports::{Entry, Journal};
use serde_json::json;

use super::median;
use crate::door::Verdict;

const AIM: f64 = 1.5;
const MANY: u32 = 20_000;
const SYNCED: u32 = 300;
const TURNS: u32 = 5;
/// Length of a record such as is written here.
const LINE: usize = 420;

/// Appends at each durability, beside a bare append of as many bytes with a sync.
///
/// # Errors
/// The disk refuses.
pub(super) fn measure() -> Result<Verdict, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let state = StateDir::open(folder.path().join("state")).map_err(|error| error.to_string())?;
    appends(&state, "unwaited", Durability::Unwaited, MANY)?;
    appends(&state, "grouped", Durability::Grouped, MANY)?;
    // In turns, so that what else the disk does meets both; the first pair warms up and does not count.
    let mut ratios = Vec::new();
    for turn in 0..=TURNS {
        let synced = appends(&state, &format!("synced-{turn}"), Durability::Synced, SYNCED)?;
        let bare = bare(folder.path())?;
        println!("bare       {bare:>10.1?} an append and sync");
        ratios.push(synced.as_secs_f64() / bare.as_secs_f64());
    }
    let ratio = median(ratios.split_off(1).as_mut_slice());
    Ok(Verdict::new(format!("{ratio:.2}x a bare append and sync (aim <= {AIM:.2}x)"), ratio <= AIM))
}

fn appends(state: &StateDir, name: &str, durability: Durability, count: u32) -> Result<Duration, String> {
    let run = state.create_run(name).map_err(|error| error.to_string())?;
    let header = Header {
        schema: JOURNAL_SCHEMA,
        core_version: "0".to_owned(),
        run: name.to_owned(),
        boot_id: "b".to_owned(),
        boot_ms: 0,
        wall_ms: 0,
        targets: Vec::new(),
        definition: json!(null),
    };
    let mut writer = JournalWriter::create(&run, &header).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    for n in 0..count {
        let event =
            Some(json!({"job": {"ended": {"job": "build", "attempt": 1, "ended": {"code": 0}}}}).into());
        let effects = vec![Fingerprint { key: Some(Key::new(n)), hash: "ab".repeat(32) }];
        let entry = Entry { ts: Timestamp::from_millis(u64::from(n)), event, effects, rejected: None };
        writer.append(entry, durability).map_err(|error| error.to_string())?;
    }
    let each = begun.elapsed() / count;
    writer.close().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let records = read(&run).map_err(|error| error.to_string())?.records.len();
    println!(
        "{name:<10} {each:>10.1?} an append; {records} records read and checked in {:.1?}",
        begun.elapsed()
    );
    Ok(each)
}

fn bare(folder: &std::path::Path) -> Result<Duration, String> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(folder.join("bare")).map_err(|e| e.to_string())?;
    let line = vec![b'x'; LINE];
    let begun = Instant::now();
    for _ in 0..SYNCED {
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(|error| error.to_string())?;
    }
    Ok(begun.elapsed() / SYNCED)
}
