//! Kept artifacts: copied once, verified by their digest, read-only from then on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
const CHUNK: usize = 256 * 1024;

/// Where the artifact with this digest is kept.
fn kept(folder: &Path, artifact: &str) -> PathBuf {
    folder.join(artifact.replace(':', "-"))
}

/// Copies `source` and verifies that its digest is `artifact`. Gives the kept path, or why not.
pub(crate) fn fetch(folder: &Path, artifact: &str, source: &Path) -> Result<PathBuf, String> {
    let path = kept(folder, artifact);
    if File::open(&path).is_ok_and(|file| digest(file, &mut io::sink()).is_ok_and(|found| found == artifact))
    {
        return Ok(path);
    }
    let failed = |error: io::Error| format!("{}: {error}", source.display());
    let file = File::open(source).map_err(failed)?;
    let known = file.metadata().map_err(failed)?;
    if !known.is_file() || known.len() > BYTES_MAX {
        return Err(format!("{} is not a file of at most {BYTES_MAX} bytes", source.display()));
    }
    let part = path.with_extension("part");
    let copied = copy(file, &part);
    let found = copied.map_err(|error| format!("{}: {error}", part.display()))?;
    if found != artifact {
        // Never to be mistaken for the artifact; a leftover is overwritten by the next copy.
        let _ = fs::remove_file(&part);
        return Err(format!("{} has the digest {found}, not {artifact}", source.display()));
    }
    fs::rename(&part, &path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn copy(from: File, to: &Path) -> io::Result<String> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(to)?;
    let found = digest(from, &mut file)?;
    file.sync_all()?;
    Ok(found)
}

fn digest(mut from: File, to: &mut impl Write) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(format!("sha256:{}", machine::to_hex(&hash.finalize())));
        };
        hash.update(bytes);
        to.write_all(bytes)?;
    }
}

/// Deletes one artifact.
pub(crate) fn discard(folder: &Path, artifact: &str) -> io::Result<()> {
    fs::remove_file(kept(folder, artifact))
}

/// Deletes what nobody names any more.
pub(crate) fn keep_only(folder: &Path, named: &[&str]) {
    let named: Vec<PathBuf> = named.iter().map(|artifact| kept(folder, artifact)).collect();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !named.contains(&entry.path()) {
            // What cannot be deleted now is tried again at the next start.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_with_another_digest_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, b"program").unwrap();
        let right = format!("sha256:{}", machine::sha256_hex(b"program"));
        let wrong = format!("sha256:{}", machine::sha256_hex(b"other"));
        let error = fetch(folder.path(), &wrong, &source).unwrap_err();
        assert!(error.contains(&right) && error.contains(&wrong), "{error}");
        let path = fetch(folder.path(), &right, &source).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"program");
        fs::remove_file(&source).unwrap();
        assert_eq!(fetch(folder.path(), &right, &source), Ok(path.clone()), "the source is not needed again");
        keep_only(folder.path(), &[]);
        assert!(!path.exists());
    }
}
