//! `nova-local start`: the same as `serve`, in a session of its own; returns when it answers.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adapter_local::{LocalTarget, Status};

use crate::cli;
use crate::commands::block_on;
use crate::folder::Folder;
use crate::problem::Problem;

const ANSWER_MAX: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(20);
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TAIL_BYTES_MAX: u64 = 4096;

pub(crate) fn start(options: &cli::Serve) -> Result<(), Problem> {
    let made = !options.state.exists();
    let folder = Folder::prepare(&options.state)?;
    let started = start_in(options, &folder);
    if started.is_err() && made {
        // It never served: a folder that was made for it is of use to nobody.
        let _ = fs::remove_dir_all(folder.root());
    }
    started
}

fn start_in(options: &cli::Serve, folder: &Folder) -> Result<(), Problem> {
    if let Some(status) = another(folder)? {
        return already(options, &status);
    }
    let log_path = folder.own_log();
    let begun_at = set_aside(&log_path);
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&log_path);
    let log = log.map_err(|error| Problem::usage(format!("{}: {error}", log_path.display())))?;
    let program = std::env::current_exe().map_err(Problem::unexpected)?;
    let child = Command::new(program)
        .args(["serve", "--detached", "--state"])
        .arg(folder.root())
        .args(["--port", &options.port.to_string(), "--host", &options.host.to_string()])
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(Problem::unexpected)?)
        .stderr(log)
        .spawn()
        .map_err(Problem::unexpected)?;
    let status = match answered(child, folder, begun_at) {
        Ok(status) => status,
        // Two began at the same time, and the other one was faster.
        Err(problem) => return another(folder)?.map_or(Err(problem), |status| already(options, &status)),
    };
    println!("nova-local serves on http://{} as pid {}", status.address, status.pid);
    Ok(())
}

/// The one that works in the folder, once it answers: it may have been started a moment ago, e.g. by a runner that was
/// killed meanwhile. `None` when there is none.
fn another(folder: &Folder) -> Result<Option<Status>, Problem> {
    let target = LocalTarget::new(folder.control());
    let until = Instant::now() + ANSWER_MAX;
    loop {
        if let Ok(status) = block_on(target.status())? {
            return Ok(Some(status));
        }
        if !folder.is_held() || Instant::now() > until {
            return Ok(None);
        }
        sleep(ASK_EVERY);
    }
}

fn already(options: &cli::Serve, status: &Status) -> Result<(), Problem> {
    let (address, pid) = (&status.address, status.pid);
    let same = options.port == 0 || *address == format!("{}:{}", options.host, options.port);
    if !same {
        return Err(Problem::usage(format!("it already serves on {address} as pid {pid}; stop it first")));
    }
    println!("nova-local already serves on http://{address} as pid {pid}");
    Ok(())
}

/// The length of the log before this start; a long one is begun anew.
fn set_aside(log: &Path) -> u64 {
    let length = fs::metadata(log).map_or(0, |known| known.len());
    let aside = log.with_extension("log.1");
    if length > LOG_BYTES_MAX && fs::rename(log, aside).is_ok() { 0 } else { length }
}

fn answered(mut child: Child, folder: &Folder, begun_at: u64) -> Result<Status, Problem> {
    let target = LocalTarget::new(folder.control());
    let until = Instant::now() + ANSWER_MAX;
    loop {
        if let Ok(status) = block_on(target.status())?
            && status.pid == child.id()
        {
            return Ok(status);
        }
        if let Some(ended) = child.try_wait().map_err(Problem::unexpected)? {
            let said = tail(&folder.own_log(), begun_at);
            let said = said.strip_prefix("nova-local: ").unwrap_or(&said).to_owned();
            return Err(if ended.code() == Some(2) {
                Problem::Usage(said)
            } else {
                Problem::Unexpected(said)
            });
        }
        if Instant::now() > until {
            // It must not come up later, when nobody expects it any more.
            let _ = child.kill();
            let _ = child.wait();
            let log = folder.own_log();
            return Err(Problem::unexpected(format!(
                "no answer within {ANSWER_MAX:?}; see {}",
                log.display()
            )));
        }
        sleep(ASK_EVERY);
    }
}

/// What was written to the log since, at most its last part.
fn tail(log: &Path, begun_at: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(begun_at.max(length.saturating_sub(TAIL_BYTES_MAX))))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_else(|error| format!("{}: {error}", log.display()))
}
