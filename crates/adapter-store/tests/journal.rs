//! What was written is what is read, and what was done to it afterwards is named.

use std::fs::{self, OpenOptions};
use std::io::Write;

use adapter_store::{Header, JournalError, JournalWriter, RunDir, StateDir, TargetRef, Torn, read};
use machine::{Durability, Fingerprint, Key, Timestamp};
use ports::{Entry, Journal, Json};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

fn header() -> Header {
    let target = TargetRef { name: "production".into(), uid: "u-1".into() };
    Header {
        schema: 1,
        core_version: "0.1.0".into(),
        run: "r".into(),
        boot_id: "b".into(),
        boot_ms: 12,
        wall_ms: 1_700_000_000_000,
        targets: vec![target],
        definition: json!({"file": "pipeline.yaml"}),
    }
}

fn entry(n: u64) -> Entry {
    let event = (!n.is_multiple_of(3)).then(|| json!({"n": n, "x": 0.1 + n as f64}).into());
    let effects = vec![Fingerprint { key: Some(Key::new(n as u32)), hash: "ab".repeat(32) }];
    Entry { ts: Timestamp::from_millis(n), event, effects, rejected: (n % 4 == 3).then(|| "no".into()) }
}

fn fresh() -> (TempDir, RunDir) {
    let folder = TempDir::new().unwrap();
    let run = StateDir::open(folder.path().join("state")).unwrap().create_run("r").unwrap();
    (folder, run)
}

/// A journal of `records` records; its anchor saw all of them when it is closed, else the header only.
fn journal(records: u64, close: bool) -> (TempDir, RunDir) {
    let (folder, run) = fresh();
    let mut writer = JournalWriter::create(&run, &header()).unwrap();
    for n in 1..=records {
        writer.append(entry(n), Durability::Unwaited).unwrap();
    }
    if close {
        writer.close().unwrap();
    }
    (folder, run)
}

/// The record (0: the header) in which each byte of the file lies.
fn owner(bytes: &[u8], at: usize) -> u64 {
    bytes[..at].split(|byte| *byte == b'\n').count() as u64 - 1
}

fn lines(run: &RunDir) -> Vec<String> {
    fs::read_to_string(run.journal()).unwrap().lines().map(str::to_owned).collect()
}

fn put(run: &RunDir, lines: &[String]) {
    fs::write(run.journal(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[test]
fn what_was_appended_is_read_back() {
    let (_folder, run) = journal(7, true);
    let file = read(&run).unwrap();
    assert_eq!((file.header, file.closed, file.torn), (header(), true, None));
    let entries: Vec<Entry> = file.records.into_iter().map(|record| record.entry).collect();
    assert_eq!(entries, (1..=7).map(entry).collect::<Vec<_>>());
    assert!(matches!(JournalWriter::reopen(&run), Err(JournalError::Closed)));
}

#[test]
fn a_line_is_the_record_as_serde_writes_it() {
    let (_folder, run) = journal(3, false);
    for (line, record) in lines(&run).iter().skip(1).zip(read(&run).unwrap().records) {
        assert_eq!(*line, serde_json::to_string(&record).unwrap());
    }
}

fn flips_are_named(close: bool) {
    let (_folder, run) = journal(3, close);
    let bytes = fs::read(run.journal()).unwrap();
    let mut tried = 0;
    for at in 0..bytes.len() {
        for other in [bytes[at] ^ 1, bytes[at] ^ 0x80, b'\n', b' ', b'}'] {
            if other == bytes[at] {
                continue;
            }
            tried += 1;
            let mut changed = bytes.clone();
            changed[at] = other;
            fs::write(run.journal(), &changed).unwrap();
            let record = owner(&bytes, at);
            let why = read(&run).expect_err(&format!("byte {at} as {other}"));
            match why {
                JournalError::Header { .. } => assert_eq!(record, 0, "byte {at} as {other}: {why}"),
                JournalError::Flipped { seq } | JournalError::Malformed { seq, .. } => {
                    assert_eq!(seq, record, "byte {at} as {other}: {why}");
                }
                _ => panic!("byte {at} as {other}: {why}"),
            }
        }
    }
    println!("{tried} flips of {} bytes, each named", bytes.len());
}

#[test]
fn every_flipped_byte_of_an_unfinished_journal_is_detected_and_its_record_named() {
    flips_are_named(false);
}

#[test]
fn every_flipped_byte_of_a_closed_journal_is_detected_and_its_record_named() {
    flips_are_named(true);
}

#[test]
fn every_cut_of_a_closed_journal_is_named_as_one() {
    let (_folder, run) = journal(3, true);
    let bytes = fs::read(run.journal()).unwrap();
    let header = lines(&run)[0].len();
    for length in 0..bytes.len() {
        fs::write(run.journal(), &bytes[..length]).unwrap();
        match read(&run) {
            Err(JournalError::Header { .. }) => assert!(length <= header, "{length}"),
            Err(JournalError::Cut { have, anchor: 3 }) => {
                assert_eq!(have, owner(&bytes, length) - 1, "{length}");
            }
            other => panic!("cut at {length}: {other:?}"),
        }
    }
}

#[test]
fn every_torn_tail_that_the_anchor_never_saw_is_repaired() {
    let (_folder, run) = journal(3, false);
    let bytes = fs::read(run.journal()).unwrap();
    for length in lines(&run)[0].len() + 1..bytes.len() {
        fs::write(run.journal(), &bytes[..length]).unwrap();
        let whole = bytes[..length].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        let seq = owner(&bytes, length);
        let torn = (whole < length).then_some(Torn { seq, bytes: (length - whole) as u64 });
        let mut reopened = JournalWriter::reopen(&run).unwrap();
        assert_eq!(reopened.repaired, torn, "{length}");
        reopened.writer.append(entry(9), Durability::Grouped).unwrap();
        drop(reopened);
        let again = read(&run).unwrap();
        assert_eq!((again.records.len() as u64, again.torn), (seq, None), "{length}");
    }
}

#[test]
fn swapped_records_are_named_as_reordered() {
    let (_folder, run) = journal(4, true);
    let good = lines(&run);
    for (a, b) in [(1, 2), (2, 4), (1, 4)] {
        let mut lines = good.clone();
        lines.swap(a, b);
        put(&run, &lines);
        let (seq, found) = (a as u64, b as u64);
        match read(&run) {
            Err(JournalError::Reordered { seq: s, found: f }) => assert_eq!((s, f), (seq, found)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_record_twice_is_named_as_reordered() {
    let (_folder, run) = journal(3, false);
    let mut lines = lines(&run);
    lines.insert(3, lines[1].clone());
    put(&run, &lines);
    assert!(matches!(read(&run), Err(JournalError::Reordered { seq: 3, found: 1 })));
}

#[test]
fn a_record_missing_in_the_middle_is_named_as_a_gap_and_missing_at_the_end_as_a_cut() {
    let (_folder, run) = journal(4, true);
    let good = lines(&run);
    for gone in 1..=4 {
        let mut lines = good.clone();
        lines.remove(gone);
        put(&run, &lines);
        match (gone as u64, read(&run)) {
            (4, Err(JournalError::Cut { have: 3, anchor: 4 })) => {}
            (gone, Err(JournalError::Gap { seq, found })) => assert_eq!((seq, found), (gone, gone + 1)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_record_of_another_journal_is_named_as_replaced() {
    let (_folder, run) = journal(3, true);
    let (_other_folder, other) = fresh();
    let mut writer = JournalWriter::create(&other, &header()).unwrap();
    writer.append(entry(8), Durability::Unwaited).unwrap();
    writer.append(entry(9), Durability::Unwaited).unwrap();
    let mut mixed = lines(&run);
    mixed[2] = lines(&other)[2].clone();
    put(&run, &mixed);
    assert!(matches!(read(&run), Err(JournalError::Replaced { seq: 2 })));
    // A journal that is sound in itself is not the one that the anchor saw.
    drop(writer);
    let mut whole = lines(&other);
    whole.push(lines(&other)[2].clone());
    fs::copy(run.anchor(), other.anchor()).unwrap();
    assert!(matches!(read(&other), Err(JournalError::Cut { have: 2, anchor: 3 })));
}

#[test]
fn a_damaged_or_missing_anchor_is_named() {
    let (_folder, run) = journal(3, false);
    let anchor = fs::read(run.anchor()).unwrap();
    for at in 0..anchor.len() {
        let mut changed = anchor.clone();
        changed[at] ^= 1;
        fs::write(run.anchor(), changed).unwrap();
        assert!(matches!(read(&run), Err(JournalError::Anchor { .. })), "byte {at}");
    }
    fs::remove_file(run.anchor()).unwrap();
    assert!(matches!(read(&run), Err(JournalError::Anchor { .. })));
}

#[test]
fn synced_appends_move_the_anchor_so_that_a_cut_of_an_unfinished_journal_is_seen() {
    let (_folder, run) = fresh();
    let mut writer = JournalWriter::create(&run, &header()).unwrap();
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(250) {
        writer.append(entry(1), Durability::Synced).unwrap();
    }
    drop(writer);
    let lines = lines(&run);
    put(&run, &lines[..2]);
    assert!(matches!(read(&run), Err(JournalError::Cut { have: 1, .. })));
}

#[test]
fn a_newer_schema_and_a_file_that_is_no_journal_are_named() {
    let (_folder, run) = fresh();
    drop(JournalWriter::create(&run, &Header { schema: 7, ..header() }).unwrap());
    assert!(matches!(read(&run), Err(JournalError::SchemaNewer { found: 7, known: 1 })));
    fs::write(run.journal(), "hello\n").unwrap();
    assert!(matches!(read(&run), Err(JournalError::Header { .. })));
}

#[test]
fn a_second_writer_hears_who_holds_the_journal() {
    let (_folder, run) = fresh();
    let writer = JournalWriter::create(&run, &header()).unwrap();
    match JournalWriter::reopen(&run) {
        Err(JournalError::Locked { holder }) => assert_eq!(holder, std::process::id().to_string()),
        other => panic!("{:?}", other.map(|_| ())),
    }
    drop(writer);
    assert!(JournalWriter::reopen(&run).is_ok());
}

#[test]
fn a_line_that_never_ends_is_not_read_whole() {
    let (_folder, run) = journal(1, false);
    let mut file = OpenOptions::new().append(true).open(run.journal()).unwrap();
    file.write_all(&vec![b'x'; adapter_store::MAX_LINE + 1]).unwrap();
    assert!(matches!(read(&run), Err(JournalError::Malformed { seq: 2, line: 3, .. })));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let (_folder, run) = journal(1, false);
    let file = OpenOptions::new().append(true).open(run.journal()).unwrap();
    file.set_len(adapter_store::MAX_JOURNAL + 1).unwrap();
    assert!(matches!(read(&run), Err(JournalError::TooLarge { .. })));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_event_round_trips_exactly(event in any_value(), ts in any::<u64>()) {
        let (_folder, run) = fresh();
        let mut writer = JournalWriter::create(&run, &header()).unwrap();
        // `null` and an absent event are the same to JSON.
        let event = Some(event).filter(|event| !event.is_null()).map(Json::from);
        let entry = Entry { ts: Timestamp::from_millis(ts), event, effects: vec![], rejected: None };
        writer.append(entry.clone(), Durability::Unwaited).unwrap();
        drop(writer);
        prop_assert_eq!(&read(&run).unwrap().records[0].entry, &entry);
    }
}

#[test]
fn the_contract_of_a_journal_is_kept() {
    let (_folder, run) = fresh();
    let writer = JournalWriter::create(&run, &header()).unwrap();
    ports::contract::journal::journal(writer, |writer| {
        writer.close()?;
        Ok(read(&run).unwrap().records)
    })
    .unwrap();
}

#[test]
fn a_cut_of_a_journal_that_was_left_is_named_as_one() {
    let (_folder, run) = fresh();
    let mut writer = JournalWriter::create(&run, &header()).unwrap();
    (1..=3).for_each(|n| writer.append(entry(n), Durability::Grouped).unwrap());
    writer.leave();
    assert_eq!(read(&run).unwrap().records.len(), 3);
    let kept = lines(&run)[..3].to_vec();
    put(&run, &kept);
    assert!(matches!(read(&run), Err(JournalError::Cut { have: 2, anchor: 3 })));
}
