//! Commands: their ends, and that nothing of them is left.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use adapter_probe::{Around, Reason};
use health::checks::Kind;

use crate::{named, once, probe};

fn sh(script: &str) -> Kind {
    Kind::Command { argv: vec!["sh".into(), "-c".into(), script.into()] }
}

#[tokio::test]
async fn a_command_passes_by_ending_with_0_and_says_why_it_did_not() {
    assert_eq!(once(sh("echo fine; exit 0"), 5_000).await, Ok(()));
    let said = once(sh("echo one; echo 'no route to db' >&2; echo; exit 3"), 5_000).await;
    assert_eq!(said, Err(Reason::Exit { how: "exit code 3".into(), said: ": no route to db".into() }));
    assert_eq!(named(sh("kill -9 $$"), 5_000).await, "exit");
    assert_eq!(named(sh("head -c 3000000 /dev/zero"), 20_000).await, "too_large");
    assert_eq!(
        named(Kind::Command { argv: vec!["no-such-program-here".into()] }, 5_000).await,
        "not_started"
    );
    assert_eq!(named(Kind::Command { argv: vec![] }, 5_000).await, "not_started");
}

#[tokio::test]
async fn a_command_has_around_it_what_it_is_given_and_nothing_else() {
    let folder = std::env::temp_dir().canonicalize().expect("a folder");
    let env = BTreeMap::from([("PORT".to_owned(), "4711".to_owned())]);
    let around = Around { env, folder: folder.clone() };
    let script = "echo \"$PORT $(pwd) ${HOME-none} ${CARGO_PKG_NAME-none}\"; exit 4";
    let said = probe(sh(script), 20_000).around(around).tried().await;
    let want = format!(": 4711 {} none none", folder.display());
    assert_eq!(said, Err(Reason::Exit { how: "exit code 4".into(), said: want }));
    let inherited = once(sh("test -n \"$CARGO_PKG_NAME\""), 20_000).await;
    assert_eq!(inherited, Ok(()), "without it a command inherits");
}

/// Whether a process of that number still runs; one that is dead and not reaped by its parent does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn gone(pid: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while runs(pid) {
        assert!(Instant::now() < until, "{pid} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn one_that_ignores_term_is_killed_at_the_deadline_with_its_child() {
    let script = "trap '' TERM; sleep 600 & echo $!; wait; sleep 600";
    let Err(Reason::Killed { ms: 400, said }) = once(sh(script), 400).await else { panic!("not killed") };
    let child = said.trim_start_matches(": ").to_owned();
    assert!(child.parse::<u32>().is_ok(), "{said}");
    gone(&child);
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_killed_when_it_has_ended() {
    let script = "sleep 600 & echo $!; exit 7";
    let Err(Reason::Exit { said, .. }) = once(sh(script), 20_000).await else { panic!("it passed") };
    gone(said.trim_start_matches(": "));
}

#[tokio::test]
async fn a_try_that_is_given_up_leaves_nothing() {
    let file = std::env::temp_dir().join(format!("adapter-probe-{}", std::process::id()));
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
    let trying = tokio::spawn(async move { probe(sh(&script), 60_000).tried().await });
    let until = Instant::now() + Duration::from_secs(20);
    let child = loop {
        assert!(Instant::now() < until, "it was not started");
        match std::fs::read_to_string(&file) {
            Ok(child) => break child,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert!(runs(&child));
    trying.abort();
    assert!(trying.await.is_err());
    gone(&child);
    let _ = std::fs::remove_file(&file);
}
