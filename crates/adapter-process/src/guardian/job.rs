//! One job: how it is started, what it writes, how it ended.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::MARK;
use super::log::Log;
use super::sweep::Ending;
use super::wire::{Over, Start};
use crate::mask::Masker;

/// Where programs are looked for when the job has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// A process that is just becoming another program has no environment to read for a moment.
const DOUBT: Duration = Duration::from_millis(100);
/// Once all writers are dead, a pipe holds less than this many chunks.
const LAST_READS: usize = 4096;

/// A job whose end was not reported yet.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) pid: Pid,
    pub(super) mark: String,
    pub(super) grace: Duration,
    /// Set when its own process was reaped: exit code or signal.
    pub(super) status: Option<(Option<i32>, Option<i32>)>,
    /// Set when something is to be brought to its end.
    pub(super) ending: Option<Ending>,
    pub(super) output: Option<PipeReader>,
    /// Since when it could have been reported, but for a process of which nobody knows whose it is.
    doubt: Option<Instant>,
    log: Log,
}

/// What became of a read.
pub(super) enum Flow {
    /// There may be more.
    More,
    /// Nothing at the moment.
    Dry,
    /// All writers have closed.
    End,
}

impl Job {
    /// Starts the process in a group of its own, with nothing but the given environment and its mark.
    pub(super) fn start(start: Start, masker: &Arc<Masker>, mark: String) -> Result<Self, String> {
        let program = start.argv.first().ok_or("there is no program to start")?;
        let path = locate(program, &start.dir, &start.env)?;
        if !start.dir.is_dir() {
            return Err(format!("{} is not a folder to work in", start.dir.display()));
        }
        let log = Log::create(&start.log, masker, start.log_cap)
            .map_err(|why| format!("log {}: {why}", start.log.display()))?;
        let (reader, writer) = io::pipe().map_err(|why| format!("pipe: {why}"))?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|why| format!("pipe: {why}"))?;
        let mut command = Command::new(&path);
        command.arg0(program).args(&start.argv[1..]).env_clear().envs(&start.env).env(MARK, &mark);
        command.current_dir(&start.dir).process_group(0).stdin(Stdio::null());
        command.stdout(writer.try_clone().map_err(|why| format!("pipe: {why}"))?).stderr(writer);
        let child = command.spawn().map_err(|why| format!("{}: {why}", path.display()))?;
        // `command` holds the writing ends; with it they go.
        drop(command);
        let pid = i32::try_from(child.id()).map_err(|_| "a strange process id".to_owned())?;
        let grace = Duration::from_millis(start.grace_ms);
        let pid = Pid::from_raw(pid);
        let output = Some(reader);
        Ok(Self { name: start.name, pid, mark, grace, status: None, ending: None, output, doubt: None, log })
    }

    /// Reads once.
    pub(super) fn drain(&mut self, buffer: &mut [u8]) -> Flow {
        let Some(output) = self.output.as_mut() else { return Flow::End };
        match output.read(buffer) {
            Ok(0) => Flow::End,
            Ok(read) => {
                self.log.push(&buffer[..read]);
                Flow::More
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => Flow::More,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => Flow::Dry,
            Err(_) => Flow::End,
        }
    }

    /// Whether to wait for an unknown process to show whose it is.
    pub(super) fn doubts(&mut self, now: Instant) -> bool {
        now.duration_since(*self.doubt.get_or_insert(now)) < DOUBT
    }

    /// SIGTERM to its group. Only while its own process was not reaped, so that the number is surely its.
    pub(super) fn terminate_group(&self) {
        if self.status.is_none() && self.pid.as_raw() > 1 {
            // It may be gone in this moment.
            let _gone = killpg(self.pid, Signal::SIGTERM);
        }
    }

    /// Whether nobody is in its group. A number that is another's by now says no, and is looked at closely.
    pub(super) fn group_is_empty(&self) -> bool {
        self.pid.as_raw() > 1 && kill(Pid::from_raw(-self.pid.as_raw()), None) == Err(Errno::ESRCH)
    }

    /// Nothing of it is left (or what is left cannot be killed).
    pub(super) fn finish(mut self, buffer: &mut [u8], gave_up: bool) -> Over {
        for _ in 0..LAST_READS {
            if !matches!(self.drain(buffer), Flow::More) {
                break;
            }
        }
        if gave_up {
            self.log.notice("some processes of this job could not be killed");
        }
        let (code, signal) = self.status.unwrap_or((None, Some(Signal::SIGKILL as i32)));
        let (bytes, tail) = self.log.finish();
        Over { name: self.name, code, signal, bytes, tail }
    }
}

/// Where the program is. With a path of its own it is never looked for; else in the job's `PATH`.
fn locate(program: &str, dir: &Path, env: &BTreeMap<String, String>) -> Result<PathBuf, String> {
    if program.contains('/') {
        return Ok(dir.join(program));
    }
    let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let runnable = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    path.split(':')
        .map(|folder| dir.join(folder).join(program))
        .find(runnable)
        .ok_or_else(|| format!("there is no program {program:?} in {path}"))
}
