//! The one writer of a journal.
//!
//! A failed write is taken back, a failed sync ends all writing: nothing is ever appended after something that may
//! not be there. A full disk is the exception that was prepared for: the reserve is given back, the append that met
//! it fails, and what the caller then writes (the abort, the end) has room.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use machine::Durability;
use ports::{Entry, Journal, PortError};
use serde::Serialize;

use crate::RunDir;
use crate::anchor::Anchor;
use crate::commit::Committer;
use crate::disk::{Disk, is_full};
use crate::error::JournalError;
use crate::header::Header;
use crate::line::{self, MAX_JOURNAL, MAX_LINE};
use crate::read::{self, JournalFile, Torn};

/// A grouped append is on the disk at most this much later.
pub const GROUP_WINDOW: Duration = Duration::from_millis(5);

/// Kept free for the abort and the end of the run.
pub const RESERVE_BYTES: usize = 64 * 1024;

/// The anchor is renewed at most this often.
const ANCHOR_EVERY: Duration = Duration::from_millis(100);

/// Appends to the journal of one run. Dropped without `close`, the journal stays open and can be reopened.
pub struct JournalWriter {
    dir: RunDir,
    disk: Arc<dyn Disk>,
    committer: Committer,
    seq: u64,
    head: String,
    length: u64,
    anchored: Instant,
    full: bool,
    /// Held open: the lock ends with it.
    _lock: File,
}

/// What `JournalWriter::reopen` gives.
pub struct Reopened {
    /// Goes on where the journal ended.
    pub writer: JournalWriter,
    /// What was there.
    pub file: JournalFile,
    /// A torn last line was cut off; the caller records that.
    pub repaired: Option<Torn>,
}

#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    prev: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl JournalWriter {
    /// Begins the journal of a new run. Header, anchor and reserve are on the disk when it returns.
    ///
    /// # Errors
    /// There is a journal already, or the disk is full.
    pub fn create(dir: &RunDir, header: &Header) -> Result<Self, JournalError> {
        let lock = take_lock(dir)?;
        let (mut line, hash) = header.seal()?;
        line.push('\n');
        if line.len() > MAX_LINE {
            return Err(JournalError::Header { why: format!("it is over {MAX_LINE} bytes long") });
        }
        let path = dir.journal();
        let mut file =
            private().create_new(true).append(true).open(&path).map_err(JournalError::io(&path))?;
        set_reserve(dir)?;
        // The anchor first: a journal without one cannot be told from a cut one.
        let anchor = Anchor { seq: 0, head: hash.clone(), closed: false };
        anchor.write(dir, true).map_err(JournalError::io(&dir.anchor()))?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(JournalError::io(&path))?;
        sync_folder(dir)?;
        Self::over(dir, Arc::new(file), lock, (0, hash, line.len() as u64))
    }

    /// Goes on with an unfinished journal, after all of it was checked. A torn last line is cut off.
    ///
    /// # Errors
    /// The journal is damaged, closed, or being written by another process.
    pub fn reopen(dir: &RunDir) -> Result<Reopened, JournalError> {
        let lock = take_lock(dir)?;
        let read = read::read(dir)?;
        if read.closed {
            return Err(JournalError::Closed);
        }
        let path = dir.journal();
        let file = OpenOptions::new().append(true).open(&path).map_err(JournalError::io(&path))?;
        if read.torn.is_some() {
            file.set_len(read.length).and_then(|()| file.sync_all()).map_err(JournalError::io(&path))?;
        }
        // A full disk is no reason not to resume: what resumes may be the way back.
        let reserved = set_reserve(dir).is_ok();
        let place = (read.records.len() as u64, read.head.clone(), read.length);
        let mut writer = Self::over(dir, Arc::new(file), lock, place)?;
        writer.full = !reserved;
        Ok(Reopened { writer, repaired: read.torn, file: read })
    }

    pub(crate) fn over(
        dir: &RunDir,
        disk: Arc<dyn Disk>,
        lock: File,
        (seq, head, length): (u64, String, u64),
    ) -> Result<Self, JournalError> {
        let committer =
            Committer::new(Arc::clone(&disk), GROUP_WINDOW).map_err(JournalError::io(dir.path()))?;
        let anchored = Instant::now();
        let dir = dir.clone();
        Ok(Self { dir, disk, committer, seq, head, length, anchored, full: false, _lock: lock })
    }

    /// The last record's number; 0 when there is only the header.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The last record's hash, or the header's.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Whether the disk was full and the reserve is in use: only the way back should be written now.
    pub const fn on_reserve(&self) -> bool {
        self.full
    }

    /// Leaves the journal open for a later runner, and says how far it goes, so that a later cut is seen.
    pub fn leave(mut self) {
        // A disk that is full or broken keeps the older anchor, which only sees less.
        let _ = self.committer.now().map(|()| self.anchor(false, false));
    }

    /// Ends the journal: nothing can be appended any more. On the disk when it returns.
    ///
    /// # Errors
    /// The disk is full or broken; the journal stays open.
    pub fn close(mut self) -> Result<(), PortError> {
        let mut line = read::closing(&self.head, self.seq);
        line.push('\n');
        self.write(line.as_bytes()).or_else(|why| {
            // The reserve was kept for this.
            if self.full && self.committer.failed().is_none() {
                self.write(line.as_bytes())
            } else {
                Err(why)
            }
        })?;
        self.committer.now().map_err(broken)?;
        if self.anchor(true, true).is_err() {
            self.release_reserve();
            self.anchor(true, true).map_err(|why| broken(format!("anchor: {why}")))?;
        }
        // The run has ended, and so has the need for it.
        let _gone = fs::remove_file(self.dir.reserve());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if let Some(why) = self.committer.failed() {
            return Err(broken(why));
        }
        let Err(why) = self.disk.append(bytes) else {
            self.length += bytes.len() as u64;
            return Ok(());
        };
        // Part of it may stand there.
        if let Err(worse) = self.disk.truncate(self.length) {
            self.committer.fail(format!("a failed write could not be taken back: {worse}"));
        } else if is_full(&why) {
            self.release_reserve();
        } else {
            self.committer.fail(format!("write failed: {why}"));
        }
        Err(broken(why.to_string()))
    }

    fn release_reserve(&mut self) {
        self.full = true;
        // When it is gone already there is nothing more to give.
        let _gone = fs::remove_file(self.dir.reserve());
    }

    fn anchor(&mut self, closed: bool, sync: bool) -> std::io::Result<()> {
        self.anchored = Instant::now();
        Anchor { seq: self.seq, head: self.head.clone(), closed }.write(&self.dir, sync)
    }
}

impl Journal for JournalWriter {
    fn append(&mut self, entry: Entry, durability: Durability) -> Result<(), PortError> {
        let seq = self.seq + 1;
        let body = serde_json::to_string(&Body { seq, prev: &self.head, entry: &entry })
            .map_err(|why| PortError::Malformed(format!("journal: {why}")))?;
        let (mut line, hash) = line::seal(body);
        line.push('\n');
        if line.len() > MAX_LINE {
            return Err(PortError::Refused(format!("journal: record {seq} is over {MAX_LINE} bytes long")));
        }
        if self.length + line.len() as u64 > MAX_JOURNAL {
            return Err(PortError::Refused(format!("journal: it would grow over {MAX_JOURNAL} bytes")));
        }
        self.write(line.as_bytes())?;
        self.seq = seq;
        self.head = hash;
        match durability {
            Durability::Unwaited => {}
            Durability::Grouped => self.committer.soon(),
            Durability::Synced => {
                self.committer.now().map_err(broken)?;
                // The record is on the disk; an older anchor only sees less.
                if self.anchored.elapsed() >= ANCHOR_EVERY
                    && let Err(why) = self.anchor(false, false)
                    && is_full(&why)
                {
                    self.release_reserve();
                }
            }
        }
        Ok(())
    }
}

fn broken(why: String) -> PortError {
    PortError::Unreachable(format!("journal: {why}"))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn take_lock(dir: &RunDir) -> Result<File, JournalError> {
    let path = dir.lock();
    let failed = || JournalError::io(&path);
    let mut file =
        private().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let known = holder.trim().parse::<u32>().is_ok();
            let holder = if known { holder.trim().to_owned() } else { "?".to_owned() };
            return Err(JournalError::Locked { holder });
        }
        Err(TryLockError::Error(why)) => return Err(failed()(why)),
    }
    // Whose lock it is, is for people; a full disk must not keep anybody from resuming.
    let _told = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Makes the reserve whole. Real bytes, not a hole: only what is allocated can be given back.
fn set_reserve(dir: &RunDir) -> Result<(), JournalError> {
    let path = dir.reserve();
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == RESERVE_BYTES as u64) {
        return Ok(());
    }
    let written = private()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&vec![0xA5; RESERVE_BYTES]).and_then(|()| file.sync_all()));
    if written.is_err() {
        // Half a reserve helps nobody.
        let _gone = fs::remove_file(&path);
    }
    written.map_err(JournalError::io(&path))
}

fn sync_folder(dir: &RunDir) -> Result<(), JournalError> {
    File::open(dir.path()).and_then(|folder| folder.sync_all()).map_err(JournalError::io(dir.path()))
}

#[cfg(test)]
mod tests;
