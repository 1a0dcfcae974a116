//! A guardian, commands for it, and a look at who lives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use adapter_process::guardian::GuardianJobs;
use ports::{Command, Ended, Jobs};
use tempfile::TempDir;

/// Whoever waits longer than this has found a bug.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, future).await.expect("the deadline") })
}

pub(crate) async fn guardian() -> GuardianJobs {
    GuardianJobs::spawn(std::env::current_exe().unwrap(), &["guardian"]).await.unwrap()
}

/// A shell command whose processes carry `tag` in their environment.
pub(crate) fn shell(name: &str, folder: &Path, tag: &str, script: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    Command {
        name: name.to_owned(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        env: BTreeMap::from([("PATH".to_owned(), path), ("TAG".to_owned(), tag.to_owned())]),
        dir: folder.to_owned(),
        log: folder.join(format!("{name}.log")),
        secrets: vec![],
        grace_ms: 300,
    }
}

pub(crate) async fn run(jobs: &GuardianJobs, command: Command) -> Ended {
    let (_, end) = jobs.start(command).await.unwrap();
    end.await.unwrap()
}

pub(crate) fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// A value that no other process of this machine has.
pub(crate) fn tag() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// How many processes carry the tag (zombies have no environment).
pub(crate) fn living(tag: &str) -> usize {
    let wanted = format!("TAG={tag}");
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("environ")).ok())
        .filter(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()))
        .count()
}

/// Looks until it holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
