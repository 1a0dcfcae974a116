//! The pipeline file on disk: whose it is, how large it is, and what it says.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use run::{Definition, MAX_FILE_BYTES, Only};

use crate::call::user;
use crate::failure::Failure;

/// At most so much is read of a file that the pipeline file names; its reader refuses what is as long as that.
const BESIDE_MAX_BYTES: u64 = 8 << 20;

/// A pipeline file as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    folder: PathBuf,
    bytes: Vec<u8>,
}

impl Source {
    /// Reads a file that belongs to this user or to root, and at most `MAX_FILE_BYTES` and one byte of it.
    ///
    /// # Errors
    /// It is not there, is no file, or is somebody else's.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let refuse = |why: String| Failure::usage(format!("{}: {why}", file.display()));
        // Not blocking: a pipe that nobody writes to must not hold us up.
        let mut options = std::fs::OpenOptions::new();
        options.read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
        let opened = options.open(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refuse(
                "there is no such file; give the path of a pipeline file, or write one with `init`"
                    .to_owned(),
            ),
            std::io::ErrorKind::PermissionDenied => {
                refuse(format!("{error}; give this user the right to read it"))
            }
            _ => refuse(error.to_string()),
        })?;
        let about = opened.metadata().map_err(|error| refuse(error.to_string()))?;
        if about.is_dir() {
            return Err(refuse("is a folder; give the path of a pipeline file".to_owned()));
        }
        if !about.is_file() {
            return Err(refuse("is no regular file; write the pipeline to one".to_owned()));
        }
        let own = nix::unistd::geteuid().as_raw();
        if about.uid() != own && about.uid() != 0 {
            let message = format!(
                "belongs to user {}, not to you; a pipeline runs commands, so copy it and look at it first",
                about.uid()
            );
            return Err(refuse(message));
        }
        let mut bytes = Vec::new();
        opened
            .take(MAX_FILE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| refuse(error.to_string()))?;
        let absolute = std::path::absolute(file).map_err(|error| refuse(error.to_string()))?;
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self { file: file.to_owned(), folder, bytes })
    }

    /// What it says, with these inputs.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn definition(
        &self,
        set: &BTreeMap<String, String>,
        run: &str,
        workers: u32,
        only: Option<Only<'_>>,
    ) -> Result<Definition, Failure> {
        let (file, folder, by) = (self.file.display().to_string(), self.folder.display().to_string(), user());
        let (text, beside) = (&self.bytes, |name: &str| beside(&self.folder.join(name)));
        let (file, folder, by, beside) = (&file, &folder, &by, &beside);
        let source = run::Source { file, folder, text, set, run, by, workers, only, beside };
        Ok(run::read(&source)?)
    }
}

/// The text of a file that the pipeline file names.
fn beside(path: &Path) -> Result<String, String> {
    let opened = std::fs::File::open(path).map_err(|error| error.to_string())?;
    if !opened.metadata().is_ok_and(|about| about.is_file()) {
        return Err("it is no file".to_owned());
    }
    let mut text = String::new();
    opened.take(BESIDE_MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}
