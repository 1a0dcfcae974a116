//! The anchor: the last record that is known to be on the disk.
//!
//! Without it nobody could tell a journal that was cut from one that is merely unfinished.

use std::fs::{self, File};
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::RunDir;
use crate::error::JournalError;
use crate::line;

/// Far more than an anchor ever has.
const MAX_ANCHOR: u64 = 4096;

/// How far the journal was on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// The last record; 0 when there was only the header.
    pub(crate) seq: u64,
    /// Its hash, or the header's.
    pub(crate) head: String,
    /// Whether the closing line was written.
    pub(crate) closed: bool,
}

impl Anchor {
    /// Replaces the anchor in one move. With `sync` it is on the disk when this returns.
    pub(crate) fn write(&self, dir: &RunDir, sync: bool) -> io::Result<()> {
        let (line, _) = line::seal(serde_json::to_string(self).map_err(io::Error::other)?);
        let temporary = dir.path().join("anchor.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(line.as_bytes())?;
        if sync {
            file.sync_all()?;
        }
        fs::rename(&temporary, dir.anchor())?;
        if sync {
            File::open(dir.path())?.sync_all()?;
        }
        Ok(())
    }

    /// Reads the anchor; `None` when there is none.
    pub(crate) fn read(dir: &RunDir) -> Result<Option<Self>, JournalError> {
        let path = dir.anchor();
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(JournalError::io(&path)(why)),
        };
        let damaged = || JournalError::Anchor { why: "it is damaged, its hash does not match".to_owned() };
        if length > MAX_ANCHOR {
            return Err(damaged());
        }
        let bytes = fs::read(&path).map_err(JournalError::io(&path))?;
        let (body, _) = line::unseal(&bytes).map_err(|_| damaged())?;
        serde_json::from_slice(&body).map(Some).map_err(|_| damaged())
    }
}
