//! A command in a process group of its own: it passes by ending with 0, and nothing of it is left when the try ends.
//!
//! The group is killed (SIGKILL) at the deadline, after the command has ended, and when the try is given up. The
//! command is reaped only after that, so that its number cannot have become somebody else's. A process that has left
//! the group (setsid) is not found again.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::{Around, BYTES_MAX, Reason};

/// From one look at the command to the next.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What a killed group may take to be gone and to let go of its output.
const SETTLE: Duration = Duration::from_secs(1);
/// Bytes of the end of the output that are kept.
const TAIL_MAX: usize = 1024;

/// Runs it to its end or to the deadline.
pub(crate) async fn run(argv: &[String], around: Option<&Around>, within: Duration) -> Result<(), Reason> {
    let not_started = |error: &dyn std::fmt::Display| Reason::NotStarted(error.to_string());
    let (program, args) = argv.split_first().ok_or_else(|| not_started(&"no program is named"))?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    if let Some(around) = around {
        command.env_clear().envs(&around.env).current_dir(&around.folder);
    }
    let mut child = command.spawn().map_err(|error| not_started(&format!("{program}: {error}")))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    // Declared after the child, so that it goes first when the try is given up.
    let group = Group(Pid::from_raw(pid.ok_or_else(|| not_started(&"it has no number"))?));
    let tail = Arc::new(Mutex::new(Tail::default()));
    let mut readers = JoinSet::new();
    if let Some(out) = child.stdout.take() {
        readers.spawn(read(out, Arc::clone(&tail)));
    }
    if let Some(err) = child.stderr.take() {
        readers.spawn(read(err, Arc::clone(&tail)));
    }
    let in_time = group.ended(Instant::now() + within).await;
    drop(group);
    let status = timeout(SETTLE, child.wait()).await;
    let _ = timeout(SETTLE, readers.join_all()).await;
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    match status {
        Ok(Ok(status)) if in_time => ended(status, &tail),
        _ => Err(Reason::Killed { ms: within.as_millis() as u64, said: tail.said() }),
    }
}

fn ended(status: ExitStatus, tail: &Tail) -> Result<(), Reason> {
    let how = match (status.code(), status.signal()) {
        (Some(0), _) if tail.bytes > BYTES_MAX => return Err(Reason::TooLarge(BYTES_MAX)),
        (Some(0), _) => return Ok(()),
        (Some(code), _) => format!("exit code {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    };
    Err(Reason::Exit { how, said: tail.said() })
}

/// A process group that is led by a child of ours, which is not reaped yet. Dropping it kills the group.
struct Group(Pid);

impl Group {
    /// Waits for the end of the leader without reaping it; false at the deadline.
    async fn ended(&self, until: Instant) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        loop {
            match waitid(Id::Pid(self.0), flags) {
                Ok(WaitStatus::StillAlive) if Instant::now() < until => sleep(LOOK_EVERY).await,
                Ok(WaitStatus::StillAlive) => return false,
                _ => return true,
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It fails only when nothing is left to kill.
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

/// The end of what was said, and how much it was.
#[derive(Debug, Default)]
struct Tail {
    bytes: usize,
    last: Vec<u8>,
}

impl Tail {
    fn add(&mut self, part: &[u8]) {
        self.bytes = self.bytes.saturating_add(part.len());
        self.last.extend_from_slice(part);
        let over = self.last.len().saturating_sub(TAIL_MAX);
        self.last.drain(..over);
    }

    /// The last line that is not empty, behind a colon.
    fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.last);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        line.map_or_else(String::new, |line| format!(": {line}"))
    }
}

async fn read(mut from: impl AsyncRead + Unpin, tail: Arc<Mutex<Tail>>) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut part).await {
        let part = part.get(..count).unwrap_or_default();
        tail.lock().unwrap_or_else(PoisonError::into_inner).add(part);
    }
}
