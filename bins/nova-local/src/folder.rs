//! The state folder: only its owner may look into it, and one process at a time works in it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adapter_local::control_socket;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::problem::Problem;

/// A lock that is held for longer than this is held by one that works.
const LOCK_MAX: Duration = Duration::from_millis(100);
const LOCK_EVERY: Duration = Duration::from_millis(5);

/// Paths of one target. Absolute, without links.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// Held as long as a process works in the folder.
pub(crate) type Lock = Flock<File>;

impl Folder {
    /// Makes the folder when it is not there, and keeps others out.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Problem> {
        make_private(path)?;
        let folder = Self::existing(path)?;
        for below in ["logs", "artifacts", "work"] {
            make_private(&folder.root.join(below))?;
        }
        if let Some(parent) = folder.control().parent() {
            make_private(parent)?;
        }
        Ok(folder)
    }

    /// The folder of a target that was started before.
    pub(crate) fn existing(path: &Path) -> Result<Self, Problem> {
        let root = path.canonicalize();
        let root = root.map_err(|error| {
            let mend = match error.kind() {
                std::io::ErrorKind::NotFound => "; no target was started there, see start --help",
                _ => "",
            };
            Problem::usage(format!("{}: {error}{mend}", path.display()))
        })?;
        Ok(Self { root })
    }

    /// Whether a process works in it.
    pub(crate) fn is_held(&self) -> bool {
        let Ok(file) = File::open(self.root.join("lock")) else { return false };
        matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
    }

    /// Keeps other processes out. Who only asks whether it is held may stand in the way for a moment.
    pub(crate) fn lock(&self) -> Result<Lock, Problem> {
        let until = Instant::now() + LOCK_MAX;
        loop {
            match self.try_lock() {
                Err(_) if self.is_held() && Instant::now() < until => sleep(LOCK_EVERY),
                tried => return tried,
            }
        }
    }

    fn try_lock(&self) -> Result<Lock, Problem> {
        let path = self.root.join("lock");
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| Problem::usage(format!("{}: {error}", path.display())))?;
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
            Errno::EWOULDBLOCK => {
                Problem::usage(format!("another nova-local works in {}", self.root.display()))
            }
            errno => Problem::unexpected(format!("{}: {errno}", path.display())),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn control(&self) -> PathBuf {
        control_socket(&self.root)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(crate) fn own_log(&self) -> PathBuf {
        self.root.join("nova-local.log")
    }

    pub(crate) fn instance_log(&self, revision: &str, slot: u32) -> PathBuf {
        self.root.join("logs").join(format!("{revision}-{slot}.log"))
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Working folder of instances.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }
}

fn make_private(path: &Path) -> Result<(), Problem> {
    let failed = |error| Problem::usage(format!("{}: {error}", path.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let known = fs::metadata(path).map_err(failed)?;
    if known.uid() != geteuid().as_raw() {
        return Err(Problem::usage(format!("{} belongs to another user", path.display())));
    }
    if known.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}
