//! A disk that is really full: a small tmpfs in a mount namespace of our own, where that is allowed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter_store::{Header, JournalWriter, StateDir, read};
use machine::{Durability, Timestamp};
use ports::{Entry, Journal, PortError};
use serde_json::json;
use tempfile::TempDir;

const INSIDE: &str = "NOVA_TEST_FULL_DISK";

fn entry(text: &str) -> Entry {
    Entry { ts: Timestamp::ZERO, event: Some(json!(text).into()), effects: vec![], rejected: None }
}

fn fill(folder: &Path) {
    let mut file = File::create(folder.join("ballast")).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    assert!(file.write_all(&[0; 4096]).is_err(), "the disk is not full");
}

/// What happens on the small disk.
fn scenario(folder: &Path) {
    let (core_version, boot_id) = ("0".into(), "b".into());
    let definition = json!(null);
    let header = Header {
        schema: 1,
        core_version,
        run: "r".into(),
        boot_id,
        boot_ms: 0,
        wall_ms: 0,
        targets: vec![],
        definition,
    };
    let run = StateDir::open(folder.join("state")).unwrap().create_run("r").unwrap();
    let mut writer = JournalWriter::create(&run, &header).unwrap();
    writer.append(entry("before"), Durability::Synced).unwrap();
    fill(folder);
    let big = "x".repeat(8192);
    let why = writer.append(entry(&big), Durability::Synced).unwrap_err();
    assert!(matches!(why, PortError::Unreachable(_)), "{why}");
    assert!(writer.on_reserve());
    writer.append(entry("abort"), Durability::Synced).unwrap();
    drop(writer);
    // Resumed on the full disk, the way back still has its room.
    let mut writer = JournalWriter::reopen(&run).unwrap().writer;
    writer.append(entry("restored"), Durability::Synced).unwrap();
    writer.close().unwrap();
    let file = read(&run).unwrap();
    assert!(file.closed);
    let events: Vec<_> = file
        .records
        .into_iter()
        .map(|record| record.entry.event.unwrap().read::<String>().unwrap())
        .collect();
    assert_eq!(events, ["before", "abort", "restored"]);
}

#[test]
fn an_abort_and_the_end_are_written_on_a_full_disk() {
    if let Some(folder) = std::env::var_os(INSIDE).map(PathBuf::from) {
        scenario(&folder);
        fs::write(folder.join("state/done"), "").unwrap();
        println!("inside: done");
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = "mount -t tmpfs -o size=512k,mode=700 none \"$1\" || exit 77; \
                  exec \"$2\" an_abort_and_the_end_are_written_on_a_full_disk --exact --nocapture";
    let ran = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, folder.path())
        .output();
    match ran {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("inside: done"), "{text}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        }
        // Said, not passed over: this needs the right to mount.
        other => println!("not run: a small disk cannot be mounted here ({other:?})"),
    }
}
