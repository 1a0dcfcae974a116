//! What an append costs at each durability, on the disk of the folder that is given (else the temporary folder).
//!
//! `cargo run --release -p adapter-store --example append_rate -- [FOLDER]`

use std::time::Instant;

use adapter_store::{Header, JournalWriter, StateDir, read};
use machine::{Durability, Fingerprint, Key, Timestamp};
use ports::{Entry, Journal};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::TempDir::new_in(parent)?;
    let state = StateDir::open(folder.path().join("state"))?;
    let cases = [
        ("unwaited", Durability::Unwaited, 20_000),
        ("grouped", Durability::Grouped, 20_000),
        ("synced", Durability::Synced, 500),
    ];
    for (name, durability, count) in cases {
        let run = state.create_run(name)?;
        let (core_version, boot_id, definition) = ("0".into(), "b".into(), json!(null));
        let header = Header {
            schema: 1,
            core_version,
            run: name.into(),
            boot_id,
            boot_ms: 0,
            wall_ms: 0,
            targets: vec![],
            definition,
        };
        let mut writer = JournalWriter::create(&run, &header)?;
        let begun = Instant::now();
        for n in 0..count {
            let event =
                Some(json!({"JobEnded": {"job": "build", "attempt": 1, "outcome": "succeeded"}}).into());
            let effects = vec![Fingerprint { key: Some(Key::new(n)), hash: "ab".repeat(32) }];
            let entry = Entry { ts: Timestamp::from_millis(u64::from(n)), event, effects, rejected: None };
            writer.append(entry, durability).map_err(|why| why.to_string())?;
        }
        let each = begun.elapsed() / count;
        writer.close().map_err(|why| why.to_string())?;
        let begun = Instant::now();
        let records = read(&run)?.records.len();
        println!("{name}: {each:.1?} an append; {records} records checked in {:.1?}", begun.elapsed());
    }
    Ok(())
}
