//! The state folder and the inbox.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use adapter_store::{Header, JournalWriter, StateDir, StateError, inbox};
use serde_json::json;
use tempfile::TempDir;

fn state() -> (TempDir, StateDir) {
    let folder = TempDir::new().unwrap();
    let state = StateDir::open(folder.path().join("a/.nova")).unwrap();
    (folder, state)
}

fn header(run: &str, wall_ms: u64) -> Header {
    let (core_version, boot_id) = ("0".into(), "b".into());
    let run = run.into();
    let definition = json!(null);
    Header { schema: 1, core_version, run, boot_id, boot_ms: 0, wall_ms, targets: vec![], definition }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folders_and_files_are_private() {
    let (_folder, state) = state();
    let run = state.create_run("r1").unwrap();
    drop(JournalWriter::create(&run, &header("r1", 1)).unwrap());
    for path in [state.path(), run.path(), &run.work(), &run.inbox()] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    assert_eq!(mode(&run.journal()), 0o600);
}

#[test]
fn what_another_user_owns_is_refused_with_its_name() {
    let (_folder, state) = state();
    if nix::unistd::geteuid().is_root() {
        let run = state.create_run("r1").unwrap();
        drop(JournalWriter::create(&run, &header("r1", 1)).unwrap());
        chown(run.journal(), Some(65_534), None).unwrap();
        assert!(matches!(state.run("r1"), Err(StateError::Foreign { owner: 65_534, .. })));
        chown(state.path(), Some(65_534), None).unwrap();
        let why = StateDir::open(state.path()).unwrap_err();
        assert!(why.to_string().contains("belongs to user 65534"), "{why}");
    } else {
        assert!(matches!(StateDir::open("/"), Err(StateError::Foreign { owner: 0, .. })));
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let (_folder, state) = state();
    for id in ["", "..", ".x", "a/b", "a b", "a\0", &"x".repeat(65)] {
        assert!(matches!(state.create_run(id), Err(StateError::Name { .. })), "{id:?}");
        assert!(matches!(state.control_socket(id), Err(StateError::Name { .. })), "{id:?}");
    }
    assert!(matches!(state.run("r9"), Err(StateError::Unknown { .. })));
    state.create_run("r1").unwrap();
    assert!(matches!(state.create_run("r1"), Err(StateError::Exists { .. })));
}

#[test]
fn a_file_in_the_way_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    assert!(matches!(StateDir::open(&path), Err(StateError::NotAFolder { .. })));
}

#[test]
fn runs_are_listed_newest_last_and_damaged_ones_first() {
    let (_folder, state) = state();
    for (id, wall_ms, close) in [("b", 3, true), ("a", 2, false), ("c", 1, false)] {
        let run = state.create_run(id).unwrap();
        let writer = JournalWriter::create(&run, &header(id, wall_ms)).unwrap();
        if close {
            writer.close().unwrap();
        }
    }
    state.create_run("no-journal").unwrap();
    let seen: Vec<_> =
        state.runs().unwrap().into_iter().map(|run| (run.id, run.wall_ms, run.closed)).collect();
    let expected =
        [("no-journal", None, false), ("c", Some(1), false), ("a", Some(2), false), ("b", Some(3), true)];
    assert_eq!(seen, expected.map(|(id, wall, closed)| (id.to_owned(), wall, closed)));
}

#[test]
fn a_long_folder_gets_a_short_socket_that_only_we_reach() {
    let (folder, near) = state();
    assert!(near.control_socket("r1").unwrap().starts_with(near.path()));
    let far = StateDir::open(folder.path().join("d".repeat(120))).unwrap();
    let socket = far.control_socket("r1").unwrap();
    assert!(socket.as_os_str().len() <= 107, "{}", socket.display());
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert_ne!(socket, far.control_socket("r2").unwrap());
    assert_eq!(socket, far.control_socket("r1").unwrap());
}

#[test]
fn a_command_left_in_the_inbox_is_seen_until_it_is_confirmed_and_never_again() {
    let (_folder, state) = state();
    let run = state.create_run("r1").unwrap();
    let ids = [1, 2, 3].map(|n| inbox::leave(&run, &json!({"abort": n})).unwrap());
    fs::write(run.inbox().join("zzz.json"), "{").unwrap();
    fs::write(run.inbox().join("half.tmp"), "{}").unwrap();
    let left = inbox::waiting(&run).unwrap();
    assert_eq!(left.iter().map(|left| left.id.clone()).take(3).collect::<Vec<_>>(), ids);
    assert_eq!(left[1].command, Ok(json!({"abort": 2})));
    assert!(left[3].command.is_err() && left.len() == 4);
    inbox::confirm(&run, &left[0]).unwrap();
    inbox::confirm(&run, &left[0]).unwrap();
    assert_eq!(inbox::waiting(&run).unwrap(), left[1..]);
}

#[test]
fn an_inbox_takes_no_giant_and_no_flood() {
    let (_folder, state) = state();
    let run = state.create_run("r1").unwrap();
    inbox::leave(&run, &json!("x".repeat(70_000))).unwrap_err();
    for n in 0..inbox::MAX_WAITING {
        fs::write(run.inbox().join(format!("{n}.json")), "1").unwrap();
    }
    inbox::leave(&run, &json!(1)).unwrap_err();
}
