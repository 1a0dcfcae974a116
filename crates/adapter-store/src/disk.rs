//! The few things a journal asks of a file, so that a test can stand in with a full or broken disk.

use std::fs::File;
use std::io::{self, Write};

/// A file that only grows, and can be brought back to an earlier length.
pub(crate) trait Disk: Send + Sync {
    /// Writes at the end, whole or with an error.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all that was written is on the disk.
    fn sync(&self) -> io::Result<()>;
    /// Forgets what stands after `length`.
    fn truncate(&self, length: u64) -> io::Result<()>;
}

impl Disk for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Whether the disk, or the user's share of it, is full.
pub(crate) fn is_full(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
