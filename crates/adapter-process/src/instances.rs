//! Instances of revisions: processes that outlive whoever started them, known by pid and start time.
//!
//! A pid is reused by the system; a pid with its start time in clock ticks (`/proc/PID/stat`, field 22, see proc(5))
//! is not. Every signal is sent only after that identity was seen again. One that is our child is reaped by its
//! [`Child`]; the end of any other is seen by looking.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::proc::{self, Stat};

/// From one look at a process that is not our child to the next.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A log that is longer when its instance starts is set aside as `NAME.1`.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How a process is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// Clock ticks from boot to its start.
    pub start_time: u64,
}

/// What to start.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The file to run.
    pub path: &'a Path,
    /// Its arguments.
    pub args: &'a [String],
    /// Its whole environment; nothing is inherited.
    pub env: &'a BTreeMap<String, String>,
    /// Its working folder.
    pub folder: &'a Path,
    /// Standard output and error are appended here.
    pub log: &'a Path,
}

/// A process that we started. Dropping it leaves the process alone.
#[derive(Debug)]
pub struct Child(tokio::process::Child);

impl Child {
    /// Waits for the end, and gives the exit code unless a signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        self.0.wait().await.ok().and_then(|status| status.code())
    }
}

/// Starts a process in a group of its own. It is not ended with us.
///
/// # Errors
/// The program or its log cannot be opened, or the process ended before it could be identified.
pub fn start(program: Program<'_>) -> io::Result<(Identity, Child)> {
    let log = log(program.log)?;
    let mut command = tokio::process::Command::new(program.path);
    command
        .args(program.args)
        .env_clear()
        .envs(program.env)
        .current_dir(program.folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(false);
    let child = command.spawn()?;
    let pid = child.id().ok_or_else(|| io::Error::other("the process ended at once"))?;
    // A child that is not reaped keeps its entry, so this reads even when it has ended.
    let start_time = stat(pid).map(|stat| stat.start);
    let start_time = start_time.ok_or_else(|| io::Error::other("the process has no entry in /proc"))?;
    Ok((Identity { pid, start_time }, Child(child)))
}

fn log(path: &Path) -> io::Result<fs::File> {
    if fs::metadata(path).is_ok_and(|known| known.len() > LOG_BYTES_MAX) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".1");
        fs::rename(path, aside)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn stat(pid: u32) -> Option<Stat> {
    proc::stat(i32::try_from(pid).ok()?)
}

/// The identity of whatever runs under this pid now.
pub fn identity(pid: u32) -> Option<Identity> {
    stat(pid).filter(|stat| !stat.zombie).map(|stat| Identity { pid, start_time: stat.start })
}

/// Whether this very process still runs.
pub fn alive(process: Identity) -> bool {
    identity(process.pid) == Some(process)
}

/// Asks the process to end (SIGTERM). Nothing happens when it is gone.
///
/// # Errors
/// It belongs to somebody else.
pub fn terminate(process: Identity) -> io::Result<()> {
    signalled(process, |pid| kill(pid, Signal::SIGTERM))
}

/// Ends the process and its group (SIGKILL). Nothing happens when it is gone.
///
/// # Errors
/// It belongs to somebody else.
pub fn kill_group(process: Identity) -> io::Result<()> {
    signalled(process, |pid| killpg(pid, Signal::SIGKILL))
}

fn signalled(process: Identity, send: impl Fn(Pid) -> nix::Result<()>) -> io::Result<()> {
    // Zero and negative pids address groups.
    let pid = i32::try_from(process.pid).ok().filter(|pid| *pid > 0);
    match pid {
        Some(pid) if alive(process) => match send(Pid::from_raw(pid)) {
            Err(Errno::ESRCH) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        },
        _ => Ok(()),
    }
}

/// Returns when a process that is not our child has ended.
pub async fn gone(process: Identity) {
    while alive(process) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Memory that is resident now, in bytes; `None` when the process is gone or is not ours to read.
pub fn resident_bytes(process: Identity) -> Option<u64> {
    if !alive(process) {
        return None;
    }
    let text = fs::read_to_string(format!("/proc/{}/statm", process.pid)).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
    pages.checked_mul(u64::try_from(page).ok()?)
}

/// Every leader of a process group whose environment holds `name` with a value that begins with `prefix`: its identity, and
/// the environment with which it was started. So a process is found whose start was never recorded.
pub fn marked(name: &str, prefix: &str) -> Vec<(Identity, BTreeMap<String, String>)> {
    let mut found = Vec::new();
    for pid in proc::pids() {
        let Some(stat) = proc::stat(pid).filter(|stat| !stat.zombie && stat.group == pid) else { continue };
        let Ok(number) = u32::try_from(pid) else { continue };
        let process = Identity { pid: number, start_time: stat.start };
        let Some(bytes) = proc::environ(pid) else { continue };
        let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
            let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let environment: BTreeMap<String, String> = pairs.collect();
        if environment.get(name).is_some_and(|value| value.starts_with(prefix)) {
            found.push((process, environment));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path, env: &BTreeMap<String, String>) -> (Identity, Child) {
        let args = ["-c".to_owned(), "echo begun; exec sleep 60".to_owned()];
        let log = folder.join("log");
        start(Program { path: Path::new("/bin/sh"), args: &args, env, folder, log: &log }).unwrap()
    }

    #[tokio::test]
    async fn a_process_is_known_by_pid_and_start_time_and_found_by_its_mark() {
        let folder = std::env::temp_dir();
        let mark = format!("test-{}:7", std::process::id());
        let env = BTreeMap::from([("NOVA_INSTANCE".to_owned(), mark.clone())]);
        let (process, mut child) = sleeper(&folder, &env);
        assert!(alive(process));
        assert!(
            !alive(Identity { start_time: process.start_time + 1, ..process }),
            "a reused pid is another process"
        );
        assert!(marked("NOVA_INSTANCE", &mark).iter().any(|(found, _)| *found == process));
        assert!(resident_bytes(process).is_some_and(|bytes| bytes > 10_000));
        terminate(process).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), child.ended()).await;
        assert_eq!(ended.unwrap(), None, "ended by a signal");
        assert!(!alive(process));
        kill_group(process).unwrap();
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_seen_without_being_its_parent() {
        let (process, mut child) = sleeper(&std::env::temp_dir(), &BTreeMap::new());
        kill_group(process).unwrap();
        tokio::time::timeout(Duration::from_secs(10), gone(process)).await.unwrap();
        child.ended().await;
    }
}
