//! The desired state on disk: two slots in one file, written in turn and in place, so that a full disk cannot stop
//! a restore and a torn write costs nothing that was durable.
//!
//! A slot is: magic (8), sequence (8, little endian), length (4), SHA-256 (32) over sequence, length and payload,
//! payload. The newest slot whose digest is right wins. A write always goes to the slot that does not hold the last
//! synced state: an unsynced write may be lost with the machine, never with the process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Size of one slot with its head.
pub const SLOT_BYTES: usize = 768 * 1024;

const MAGIC: &[u8; 8] = b"NOVASLT1";
const HEAD_BYTES: usize = 52;

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something was written, and neither slot is whole. Move the file away to start empty.
    #[error("{}: both slots are damaged; move the file away to start with an empty target", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// The state does not fit. Cannot happen within the limits of the supervisor.
    #[error("the state has {bytes} bytes, a slot takes {max}")]
    TooLarge {
        /// Of the state.
        bytes: usize,
        /// Of a slot.
        max: usize,
    },
}

/// Two slots in one file.
#[derive(Debug)]
pub struct SlotStore {
    path: PathBuf,
    file: File,
    sequence: u64,
    /// The slot that is kept until the other one is synced.
    synced: usize,
}

impl SlotStore {
    /// Opens or creates the file, and reads the newest whole state.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<(Self, Option<Vec<u8>>), StoreError> {
        let failed = |source| StoreError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length < 2 * SLOT_BYTES as u64 {
            // Written out, not only sized: the blocks are ours from here on. Slots are written only afterwards.
            file.write_all_at(&vec![0; 2 * SLOT_BYTES], 0).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        let slots = [read(&file, 0).map_err(failed)?, read(&file, 1).map_err(failed)?];
        let used = |slot: &Slot| !matches!(slot, Slot::Empty);
        let damaged = slots.iter().any(used);
        let whole = slots.into_iter().enumerate().filter_map(|(at, slot)| match slot {
            Slot::Whole(sequence, state) => Some((sequence, at, state)),
            _ => None,
        });
        match whole.max_by_key(|(sequence, _, _)| *sequence) {
            Some((sequence, synced, state)) => {
                Ok((Self { path: path.to_owned(), file, sequence, synced }, Some(state)))
            }
            None if damaged => Err(StoreError::Damaged { path: path.to_owned() }),
            None => Ok((Self { path: path.to_owned(), file, sequence: 0, synced: 1 }, None)),
        }
    }

    /// Writes the state; with `sync` it is on the disk when this returns.
    ///
    /// # Errors
    /// See [`StoreError`]. What was durable before still is.
    pub fn save(&mut self, state: &[u8], sync: bool) -> Result<(), StoreError> {
        if state.len() > SLOT_BYTES - HEAD_BYTES {
            return Err(StoreError::TooLarge { bytes: state.len(), max: SLOT_BYTES - HEAD_BYTES });
        }
        let slot = 1 - self.synced;
        self.sequence += 1;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + state.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&(state.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&digest(self.sequence, state));
        bytes.extend_from_slice(state);
        let written = self.file.write_all_at(&bytes, (slot * SLOT_BYTES) as u64);
        let written = written.and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        written.map_err(|source| StoreError::Io { path: self.path.clone(), source })?;
        if sync {
            self.synced = slot;
        }
        Ok(())
    }
}

enum Slot {
    Empty,
    Torn,
    Whole(u64, Vec<u8>),
}

fn digest(sequence: u64, state: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(sequence.to_le_bytes());
    hash.update((state.len() as u32).to_le_bytes());
    hash.update(state);
    hash.finalize().into()
}

fn read(file: &File, slot: usize) -> io::Result<Slot> {
    let mut bytes = vec![0; SLOT_BYTES];
    file.read_exact_at(&mut bytes, (slot * SLOT_BYTES) as u64)?;
    let (head, rest) = bytes.split_at(HEAD_BYTES);
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Slot::Empty);
    }
    Ok(parsed(head, rest).map_or(Slot::Torn, |(sequence, state)| Slot::Whole(sequence, state)))
}

fn parsed(head: &[u8], rest: &[u8]) -> Option<(u64, Vec<u8>)> {
    let sequence = u64::from_le_bytes(head.get(8..16)?.try_into().ok()?);
    let length = u32::from_le_bytes(head.get(16..20)?.try_into().ok()?) as usize;
    let state = rest.get(..length)?;
    let right = head.get(..8)? == MAGIC && head.get(20..52)? == digest(sequence, state);
    right.then(|| (sequence, state.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(path: &Path) -> Option<Vec<u8>> {
        SlotStore::open(path).unwrap().1
    }

    #[test]
    fn the_newest_whole_state_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut store, before) = SlotStore::open(&path).unwrap();
        assert_eq!(before, None);
        for i in 0..7u8 {
            store.save(&[i; 100], i % 3 == 0).unwrap();
            assert_eq!(newest(&path), Some(vec![i; 100]));
        }
    }

    #[test]
    fn a_torn_slot_is_ignored_and_what_was_synced_before_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut store, _) = SlotStore::open(&path).unwrap();
        store.save(b"synced", true).unwrap();
        for _ in 0..3 {
            store.save(b"not synced", false).unwrap();
        }
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(b"X", (SLOT_BYTES + HEAD_BYTES + 3) as u64).unwrap();
        assert_eq!(newest(&path), Some(b"synced".to_vec()));
        file.write_all_at(b"X", (HEAD_BYTES + 3) as u64).unwrap();
        assert!(matches!(SlotStore::open(&path), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut store, _) = SlotStore::open(&path).unwrap();
        store.save(b"before", true).unwrap();
        assert!(matches!(store.save(&vec![1; SLOT_BYTES], true), Err(StoreError::TooLarge { .. })));
        assert_eq!(newest(&path), Some(b"before".to_vec()));
    }
}
