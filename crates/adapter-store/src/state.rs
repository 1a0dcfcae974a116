//! The state folder: where runs live, and who may touch it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use machine::sha256_hex;

use crate::error::StateError;
use crate::header::Header;
use crate::line::{self, Found};
use crate::read::CLOSING;

/// The longest path that a Unix socket can have.
const SOCKET_PATH: usize = 107;
/// More runs than this are not listed.
const MAX_RUNS: usize = 100_000;
/// Length of a closing line: prefix, hash, `","seq":`, at most 20 digits, brace and break.
const CLOSING_MAX: u64 = 128;

/// The folder in which all runs of a user live.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

/// One line of a list of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run's id.
    pub id: String,
    /// Wall time at which it was opened, in milliseconds since 1970; `None` when its header cannot be read.
    pub wall_ms: Option<u64>,
    /// Whether its journal ends in a closing line.
    pub closed: bool,
    /// Its folder.
    pub path: PathBuf,
}

impl StateDir {
    /// Opens the state folder, and makes it when it is not there (mode 0700).
    ///
    /// # Errors
    /// It, or the folder of runs in it, belongs to another user or is no folder.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        let path = std::path::absolute(path.into()).map_err(StateError::io(Path::new(".")))?;
        own_folder(&path)?;
        own_folder(&path.join("runs"))?;
        Ok(Self { path })
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder of a new run, with `work/` and `inbox/`.
    ///
    /// # Errors
    /// The name does not fit, or is taken.
    pub fn create_run(&self, id: &str) -> Result<RunDir, StateError> {
        let path = self.run_path(id)?;
        match private().create(&path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
                Err(StateError::Exists { id: id.to_owned() })
            }
            Err(why) => Err(StateError::io(&path)(why)),
            Ok(()) => {
                let run = RunDir { path };
                own_folder(&run.work())?;
                own_folder(&run.inbox())?;
                Ok(run)
            }
        }
    }

    /// The folder of a run that exists.
    ///
    /// # Errors
    /// There is none, or it belongs to another user.
    pub fn run(&self, id: &str) -> Result<RunDir, StateError> {
        let path = self.run_path(id)?;
        if !path.is_dir() {
            return Err(StateError::Unknown { id: id.to_owned(), path: self.path.join("runs") });
        }
        RunDir::open(path)
    }

    /// All runs, the newest last; those whose header cannot be read first.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StateError> {
        let folder = self.path.join("runs");
        let mut ids = BTreeSet::new();
        for entry in fs::read_dir(&folder).map_err(StateError::io(&folder))?.take(MAX_RUNS) {
            let entry = entry.map_err(StateError::io(&folder))?;
            if let Some(id) = entry.file_name().to_str().filter(|id| is_name(id))
                && entry.path().is_dir()
            {
                ids.insert(id.to_owned());
            }
        }
        let mut runs: Vec<RunSummary> = ids.into_iter().map(|id| summary(folder.join(&id), id)).collect();
        runs.sort_by_key(|run| run.wall_ms);
        Ok(runs)
    }

    /// Where the control socket of a run belongs: in its folder, or under a short name in the temporary folder
    /// when that would be too long for a socket. The parent folder exists and only we can enter it.
    ///
    /// # Errors
    /// The short folder belongs to another user.
    pub fn control_socket(&self, id: &str) -> Result<PathBuf, StateError> {
        let near = self.run_path(id)?.join("control.sock");
        if near.as_os_str().len() <= SOCKET_PATH {
            return Ok(near);
        }
        let hash = sha256_hex(near.as_os_str().as_encoded_bytes());
        let name = format!("nova-{}", nix::unistd::geteuid());
        let socket = format!("{}.sock", hash.get(..24).unwrap_or_default());
        let mut folder = std::env::temp_dir().join(&name);
        if folder.as_os_str().len() + 1 + socket.len() > SOCKET_PATH {
            folder = Path::new("/tmp").join(&name);
        }
        own_folder(&folder)?;
        Ok(folder.join(socket))
    }

    fn run_path(&self, id: &str) -> Result<PathBuf, StateError> {
        if is_name(id) {
            Ok(self.path.join("runs").join(id))
        } else {
            Err(StateError::Name { id: id.to_owned() })
        }
    }
}

impl RunDir {
    /// The folder of a run, wherever it is.
    ///
    /// # Errors
    /// It, or a file of the journal in it, belongs to another user.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        let run = Self { path: path.into() };
        owned(&run.path, &fs::symlink_metadata(&run.path).map_err(StateError::io(&run.path))?)?;
        for file in [run.journal(), run.anchor(), run.lock(), run.inbox()] {
            match fs::symlink_metadata(&file) {
                Ok(metadata) => owned(&file, &metadata)?,
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => return Err(StateError::io(&file)(why)),
            }
        }
        Ok(run)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The anchor.
    pub fn anchor(&self) -> PathBuf {
        self.path.join("anchor")
    }

    /// The file that is given back when the disk is full.
    pub fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    /// The file whose lock the writer holds.
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Where jobs leave what they make.
    pub fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Where commands are left while nobody runs.
    pub fn inbox(&self) -> PathBuf {
        self.path.join("inbox")
    }
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Makes sure that there is a folder of ours at `path`. What was made here is private; an older folder keeps its
/// mode.
fn own_folder(path: &Path) -> Result<(), StateError> {
    match private().recursive(true).create(path) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            return Err(StateError::NotAFolder { path: path.to_owned() });
        }
        other => other.map_err(StateError::io(path))?,
    }
    owned(path, &fs::symlink_metadata(path).map_err(StateError::io(path))?)?;
    owned(path, &fs::metadata(path).map_err(StateError::io(path))?)
}

fn owned(path: &Path, metadata: &Metadata) -> Result<(), StateError> {
    let user = nix::unistd::geteuid().as_raw();
    if metadata.uid() == user {
        Ok(())
    } else {
        Err(StateError::Foreign { path: path.to_owned(), owner: metadata.uid(), user })
    }
}

fn is_name(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && !id.starts_with('.')
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn summary(path: PathBuf, id: String) -> RunSummary {
    let journal = path.join("journal");
    RunSummary { id, wall_ms: opened(&journal), closed: ends_closed(&journal).unwrap_or(false), path }
}

fn opened(journal: &Path) -> Option<u64> {
    let mut reader = BufReader::new(File::open(journal).ok()?);
    let mut buffer = Vec::new();
    match line::next(&mut reader, &mut buffer).ok()? {
        Found::Whole => Header::unseal(&buffer).ok().map(|(header, _)| header.wall_ms),
        _ => None,
    }
}

/// Looks at the last line only; whether the journal is sound is for `read` to say.
fn ends_closed(journal: &Path) -> io::Result<bool> {
    let mut file = File::open(journal)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(CLOSING_MAX)))?;
    let mut tail = Vec::new();
    file.take(CLOSING_MAX).read_to_end(&mut tail)?;
    let Some(body) = tail.strip_suffix(b"\n") else { return Ok(false) };
    let last = body.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(last.starts_with(CLOSING.as_bytes()))
}
