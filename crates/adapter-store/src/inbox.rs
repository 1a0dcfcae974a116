//! Commands left while no runner is alive: one atomic file each, consumed once by whoever resumes.
//!
//! A command is taken in three steps: `waiting` shows it, the caller records it (with its `id`), `confirm` removes
//! it. Who dies between the last two finds it again, and knows by the id that it is recorded already.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::RunDir;

/// Largest command.
pub const MAX_COMMAND: u64 = 64 * 1024;
/// More commands than this are refused, and not read.
pub const MAX_WAITING: usize = 1024;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A command that waits. Hand it back to `confirm` when it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Unique in the run, for ever; ids sort by the time at which they were left.
    pub id: String,
    /// The command, or why the file is none.
    pub command: Result<Value, String>,
}

/// Leaves a command. It is whole and on the disk when this returns. Gives its id.
///
/// # Errors
/// The command is too large, too many wait already, or the disk is full.
pub fn leave(dir: &RunDir, command: &Value) -> io::Result<String> {
    let bytes = serde_json::to_vec(command).map_err(io::Error::other)?;
    if bytes.len() as u64 > MAX_COMMAND {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is too large"));
    }
    let inbox = dir.inbox();
    if fs::read_dir(&inbox)?.count() >= MAX_WAITING {
        return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many commands wait already"));
    }
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let id = format!("{nanos:020}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let temporary = inbox.join(format!("{id}.tmp"));
    let written = write(&temporary, &bytes).and_then(|()| fs::rename(&temporary, file(&inbox, &id)));
    if let Err(why) = written {
        let _gone = fs::remove_file(&temporary);
        return Err(why);
    }
    File::open(&inbox)?.sync_all()?;
    Ok(id)
}

/// All commands that wait, the oldest first.
///
/// # Errors
/// The folder cannot be read. A single bad file is no error: it stands in the list as one.
pub fn waiting(dir: &RunDir) -> io::Result<Vec<Left>> {
    let inbox = dir.inbox();
    let mut ids = Vec::new();
    for entry in fs::read_dir(&inbox)?.take(2 * MAX_WAITING) {
        if let Some(id) = entry?.file_name().to_str().and_then(|name| name.strip_suffix(".json")) {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    Ok(ids
        .into_iter()
        .map(|id| {
            let command = parse(&file(&inbox, &id));
            Left { id, command }
        })
        .collect())
}

/// Removes a command that was recorded. Once it is gone this changes nothing.
///
/// # Errors
/// The file cannot be removed.
pub fn confirm(dir: &RunDir, left: &Left) -> io::Result<()> {
    match fs::remove_file(file(&dir.inbox(), &left.id)) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
        Ok(()) => File::open(dir.inbox())?.sync_all(),
    }
}

fn file(inbox: &Path, id: &str) -> std::path::PathBuf {
    inbox.join(format!("{id}.json"))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn parse(path: &Path) -> Result<Value, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_COMMAND + 1).read_to_end(&mut bytes))
        .map_err(|why| why.to_string())?;
    if bytes.len() as u64 > MAX_COMMAND {
        return Err("the command is too large".to_owned());
    }
    serde_json::from_slice(&bytes).map_err(|why| why.to_string())
}
