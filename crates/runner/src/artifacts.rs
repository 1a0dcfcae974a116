//! Files kept by digest: what was tested is what is deployed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use machine::to_hex;
use sha2::{Digest, Sha256};

/// Why a file could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The job did not write it.
    #[error("{path} is not there: {error}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The store could not be written.
    #[error("{path} could not be written: {error}")]
    Store {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Where the artifact of that digest (`sha256:HEX`) lies in the state folder.
pub fn artifact_path(state: &Path, digest: &str) -> PathBuf {
    state.join("artifacts").join(digest.replace(':', "-"))
}

/// Keeps a copy of the file under its digest, which is given back as `sha256:HEX`. Kept once however often it is
/// given.
///
/// # Errors
/// The file is not there, or the store cannot be written.
pub fn keep(state: &Path, file: &Path) -> Result<String, ArtifactError> {
    let folder = state.join("artifacts");
    let store = |path: &Path| {
        let path = path.to_owned();
        move |error| ArtifactError::Store { path, error }
    };
    let missing = |error| ArtifactError::Missing { path: file.to_owned(), error };
    fs::create_dir_all(&folder).map_err(store(&folder))?;
    let mut source = File::open(file).map_err(missing)?;
    let temporary = folder.join(format!(".incoming-{}", std::process::id()));
    let mut copy = File::create(&temporary).map_err(store(&temporary))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = source.read(&mut buffer).map_err(missing)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        copy.write_all(bytes).map_err(store(&temporary))?;
    }
    let digest = format!("sha256:{}", to_hex(&hasher.finalize()));
    let kept = artifact_path(state, &digest);
    make_executable(&copy).and_then(|()| copy.sync_all()).map_err(store(&temporary))?;
    drop(copy);
    fs::rename(&temporary, &kept).map_err(store(&kept))?;
    Ok(digest)
}

fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once_under_the_digest_of_its_bytes() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("program");
        fs::write(&file, "abc").unwrap();
        let digest = keep(state.path(), &file).unwrap();
        assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(keep(state.path(), &file).unwrap(), digest);
        assert_eq!(fs::read(artifact_path(state.path(), &digest)).unwrap(), b"abc");
        assert!(matches!(keep(state.path(), &state.path().join("no")), Err(ArtifactError::Missing { .. })));
    }
}
