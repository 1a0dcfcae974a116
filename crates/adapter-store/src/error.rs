//! Why a state folder or a journal cannot be used, and which record is to blame.

use std::io;
use std::path::{Path, PathBuf};

/// Why the state folder, or something in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Somebody else owns it. Choose another folder with `--state-dir`, or give this one to the user who runs.
    #[error("{path} belongs to user {owner}, not to user {user} who runs this; choose another folder")]
    Foreign {
        /// What is owned by somebody else.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
        /// Our own user id.
        user: u32,
    },
    /// The name cannot be that of a run. Letters, digits, `.`, `_` and `-`, at most 64, no dot in front.
    #[error(
        "{id:?} is not the name of a run: use up to 64 letters, digits, '.', '_' and '-', no dot in front"
    )]
    Name {
        /// As it was given.
        id: String,
    },
    /// A run of that name exists already. Take another name, or resume it.
    #[error("the run {id} exists already")]
    Exists {
        /// Its name.
        id: String,
    },
    /// There is no such run. List them.
    #[error("there is no run {id} in {path}")]
    Unknown {
        /// The name that was asked for.
        id: String,
        /// The folder of runs.
        path: PathBuf,
    },
    /// It is there but is not a folder.
    #[error("{path} is not a folder; choose another with --state-dir")]
    NotAFolder {
        /// What is in the way.
        path: PathBuf,
    },
    /// The system refused. Look at the path.
    #[error("{path}: {source}{mend}", mend = mend(source))]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What helps, where that is known.
fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or choose another folder with --state-dir"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose another folder with --state-dir"
        }
        _ => "",
    }
}

impl StateError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Why a journal cannot be read or continued. All but `Io` and `Locked` mean: do not resume this run.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A byte of this record changed after it was written.
    #[error("record {seq}: a byte was changed, its hash does not match")]
    Flipped {
        /// Place in the order, from 1; one past the last record means the closing line.
        seq: u64,
    },
    /// Records at the end are gone: the anchor saw more than there is.
    #[error("cut: the journal ends at record {have}, but record {anchor} was on the disk")]
    Cut {
        /// The last record that is there.
        have: u64,
        /// The last record that is known to have been there.
        anchor: u64,
    },
    /// A record stands where another should; the other stands elsewhere.
    #[error("reordered: record {found} stands where record {seq} should")]
    Reordered {
        /// What should stand there.
        seq: u64,
        /// What stands there.
        found: u64,
    },
    /// A record in the middle is gone.
    #[error("gap: record {seq} is missing, record {found} follows")]
    Gap {
        /// What should stand there.
        seq: u64,
        /// What stands there.
        found: u64,
    },
    /// The record is whole in itself but does not follow from the one before, or is not the one the anchor saw.
    #[error("record {seq} was replaced: it does not fit its neighbours")]
    Replaced {
        /// Which.
        seq: u64,
    },
    /// The line is not a record at all.
    #[error("record {seq} (line {line}): {why}")]
    Malformed {
        /// Which record should stand there.
        seq: u64,
        /// Line of the file, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The first line is not the header of a journal.
    #[error("header: {why}")]
    Header {
        /// What is wrong with it.
        why: String,
    },
    /// A later release wrote it. Read it with that release.
    #[error("the journal has schema {found}, this program knows up to {known}")]
    SchemaNewer {
        /// Of the journal.
        found: u32,
        /// The newest that we know.
        known: u32,
    },
    /// The anchor of an unfinished journal is missing or damaged, so that nobody can say whether it was cut.
    #[error("anchor: {why}")]
    Anchor {
        /// What is wrong with it.
        why: String,
    },
    /// The file is larger than a journal may be.
    #[error("the journal has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The run has ended; nothing can be added.
    #[error("the run has ended, its journal is closed")]
    Closed,
    /// Another process writes it. Wait until it has ended, or speak to it.
    #[error("the run is being written by process {holder}")]
    Locked {
        /// Process id of the writer, or `?`.
        holder: String,
    },
    /// The folder or a file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system refused. Look at the path.
    #[error("{path}: {source}{mend}", mend = mend(source))]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
