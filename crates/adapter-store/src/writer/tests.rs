//! A full and a broken disk, by a stand-in.

use std::io;
use std::sync::Mutex;

use machine::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::StateDir;

/// Holds `room` bytes; giving the reserve back adds as many.
#[derive(Default)]
struct Small {
    bytes: Mutex<Vec<u8>>,
    room: Mutex<usize>,
    sync_fails: Mutex<bool>,
}

impl Disk for Small {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut held = self.bytes.lock().unwrap();
        let free = self.room.lock().unwrap().saturating_sub(held.len());
        if bytes.len() > free {
            held.extend(&bytes[..free]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        held.extend(bytes);
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        if *self.sync_fails.lock().unwrap() { Err(io::Error::other("no disk")) } else { Ok(()) }
    }
    fn truncate(&self, length: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(length as usize);
        Ok(())
    }
}

fn on(disk: &Arc<Small>) -> (TempDir, RunDir, JournalWriter) {
    let folder = TempDir::new().unwrap();
    let run = StateDir::open(folder.path().join("s")).unwrap().create_run("r").unwrap();
    set_reserve(&run).unwrap();
    let lock = take_lock(&run).unwrap();
    let disk: Arc<dyn Disk> = disk.clone();
    let writer = JournalWriter::over(&run, disk, lock, (0, "h".into(), 0)).unwrap();
    (folder, run, writer)
}

fn entry(text: &str) -> Entry {
    Entry { ts: Timestamp::ZERO, event: Some(Value::from(text).into()), effects: vec![], rejected: None }
}

#[test]
fn a_full_disk_fails_the_append_whole_and_leaves_room_for_the_abort_and_the_end() {
    let disk = Arc::new(Small { room: Mutex::new(500), ..Small::default() });
    let (_folder, run, mut writer) = on(&disk);
    writer.append(entry("one"), Durability::Synced).unwrap();
    let before = disk.bytes.lock().unwrap().clone();
    let why = writer.append(entry(&"x".repeat(400)), Durability::Synced).unwrap_err();
    assert!(matches!(why, PortError::Unreachable(_)), "{why}");
    assert_eq!(*disk.bytes.lock().unwrap(), before, "the half that was written is taken back");
    assert!(writer.on_reserve() && !run.reserve().exists());
    *disk.room.lock().unwrap() += RESERVE_BYTES;
    writer.append(entry("abort"), Durability::Synced).unwrap();
    assert_eq!(writer.seq(), 2);
    writer.close().unwrap();
    let text = String::from_utf8(disk.bytes.lock().unwrap().clone()).unwrap();
    assert!(text.lines().last().unwrap().starts_with("{\"run_closed\":"), "{text}");
}

#[test]
fn after_a_failed_sync_nothing_more_is_taken() {
    let disk = Arc::new(Small { room: Mutex::new(1 << 20), ..Small::default() });
    let (_folder, _run, mut writer) = on(&disk);
    writer.append(entry("one"), Durability::Synced).unwrap();
    *disk.sync_fails.lock().unwrap() = true;
    writer.append(entry("two"), Durability::Synced).unwrap_err();
    *disk.sync_fails.lock().unwrap() = false;
    for durability in [Durability::Unwaited, Durability::Grouped, Durability::Synced] {
        writer.append(entry("three"), durability).unwrap_err();
    }
    writer.close().unwrap_err();
}

#[test]
fn a_failed_group_commit_meets_the_next_append() {
    let disk = Arc::new(Small { room: Mutex::new(1 << 20), ..Small::default() });
    let (_folder, _run, mut writer) = on(&disk);
    *disk.sync_fails.lock().unwrap() = true;
    writer.append(entry("one"), Durability::Grouped).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while writer.append(entry("more"), Durability::Unwaited).is_ok() {
        assert!(Instant::now() < deadline, "the commit never ran");
        std::thread::yield_now();
    }
}

#[test]
fn a_line_over_the_limit_is_refused_and_the_journal_goes_on() {
    let disk = Arc::new(Small { room: Mutex::new(4 << 20), ..Small::default() });
    let (_folder, _run, mut writer) = on(&disk);
    let why = writer.append(entry(&"x".repeat(MAX_LINE)), Durability::Synced).unwrap_err();
    assert!(matches!(why, PortError::Refused(_)), "{why}");
    writer.append(entry("small"), Durability::Synced).unwrap();
    assert_eq!(writer.seq(), 1);
}
