//! The log of a job: raw bytes, masked, up to a limit; the last lines are kept for the report.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mask::{MaskStream, Masker};

const TAIL_LINES: usize = 20;
/// A longer line is cut in the report.
const TAIL_LINE: usize = 1024;
/// Enough for the report.
const TAIL_BYTES: usize = TAIL_LINES * (TAIL_LINE + 1);

/// Takes what a job writes.
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    mask: MaskStream,
    out: Vec<u8>,
    tail: Vec<u8>,
    bytes: u64,
    cap: u64,
    /// Nothing more goes to the disk: the limit is reached, or it failed.
    full: bool,
}

impl Log {
    /// Begins the log, with the folder that it is in. The file is made with the first byte: a silent job has none,
    /// which spares the file system an inode for each. One that is there already is removed.
    pub(super) fn create(path: &Path, masker: &Arc<Masker>, cap: u64) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let missing = path.parent().filter(|folder| !folder.is_dir());
                missing.map_or(Ok(()), fs::create_dir_all)?;
            }
            other => other?,
        }
        let (path, mask) = (path.to_owned(), masker.stream());
        Ok(Self { path, file: None, mask, out: Vec::new(), tail: Vec::new(), bytes: 0, cap, full: false })
    }

    /// Takes a chunk. A full disk loses the rest of the log and never holds up the job.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let mut out = std::mem::take(&mut self.out);
        self.mask.push(chunk, &mut out);
        self.store(&out);
        out.clear();
        self.out = out;
    }

    /// The job has ended. Gives the size of the log and the last lines.
    pub(super) fn finish(mut self) -> (u64, Vec<String>) {
        let mut out = Vec::new();
        self.mask.finish(&mut out);
        self.store(&out);
        (self.bytes, last_lines(&self.tail))
    }

    /// Adds a line of our own.
    pub(super) fn notice(&mut self, text: &str) {
        let line = format!("\n[nova] {text}\n");
        self.remember(line.as_bytes());
        if self.write(line.as_bytes()).is_ok() {
            self.bytes += line.len() as u64;
        }
    }

    fn store(&mut self, bytes: &[u8]) {
        self.remember(bytes);
        if self.full || bytes.is_empty() {
            return;
        }
        let room = usize::try_from(self.cap - self.bytes).unwrap_or(usize::MAX);
        let fits = &bytes[..bytes.len().min(room)];
        match self.write(fits) {
            Ok(()) => self.bytes += fits.len() as u64,
            Err(_) => self.full = true,
        }
        if fits.len() < bytes.len() {
            self.full = true;
            self.notice(&format!(
                "the log has reached {} bytes, the rest of the output is discarded",
                self.cap
            ));
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                none.insert(OpenOptions::new().create_new(true).write(true).mode(0o600).open(&self.path)?)
            }
        };
        file.write_all(bytes)
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        if self.tail.len() > 2 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }
}

fn last_lines(tail: &[u8]) -> Vec<String> {
    let tail = tail.strip_suffix(b"\n").unwrap_or(tail);
    if tail.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = tail
        .rsplit(|byte| *byte == b'\n')
        .take(TAIL_LINES)
        .map(|line| String::from_utf8_lossy(&line[..line.len().min(TAIL_LINE)]).into_owned())
        .collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(cap: u64) -> (tempfile::TempDir, Log) {
        let folder = tempfile::TempDir::new().unwrap();
        let masker = Arc::new(Masker::new(&["hunter22".to_owned()]).unwrap());
        let log = Log::create(&folder.path().join("a/b.log"), &masker, cap).unwrap();
        (folder, log)
    }

    #[test]
    fn raw_bytes_are_kept_and_the_last_twenty_lines_reported() {
        let (folder, mut log) = log(1 << 20);
        for n in 0..3000 {
            log.push(format!("line {n} \u{e9}").as_bytes());
            log.push(b"\xff hunter22\n");
        }
        let (bytes, tail) = log.finish();
        let text = fs::read(folder.path().join("a/b.log")).unwrap();
        assert_eq!(text.len() as u64, bytes);
        assert!(text.starts_with("line 0 \u{e9}".as_bytes()) && text.contains(&0xff));
        assert_eq!((tail.len(), tail[19].as_str()), (20, "line 2999 \u{e9}\u{fffd} ***"));
    }

    #[test]
    fn a_log_stops_at_its_limit_with_a_notice_and_still_knows_the_last_lines() {
        let (folder, mut log) = log(1000);
        for n in 0..500 {
            log.push(format!("line {n}\n").as_bytes());
        }
        let (bytes, tail) = log.finish();
        let text = fs::read_to_string(folder.path().join("a/b.log")).unwrap();
        assert_eq!(text.len() as u64, bytes);
        assert!(bytes < 1200 && text.ends_with("the rest of the output is discarded\n"), "{text}");
        assert_eq!(tail[19], "line 499");
    }
}
