//! Reads files that somebody else wrote, within a limit, and says which one could not be read and why; writes our own.

use std::fs::{File, TryLockError};
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Bytes of a history or a record.
pub(crate) const RECORD_MAX: u64 = 256 << 20;

/// The bytes of a file, at most `most`.
pub(crate) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    if bytes.len() as u64 > most {
        return Err(format!("{}: more than {most} bytes", path.display()));
    }
    Ok(bytes)
}

/// The text of a file that the user named.
pub(crate) fn text(path: &Path, most: u64) -> Result<String, Failure> {
    let bytes = bytes(path, most).map_err(Failure::usage)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{}: not UTF-8 text", path.display())))
}

/// How long another one may write in the same folder.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// Holds the folder of a file for us alone, until it is dropped or the program ends: what is read under it is still so
/// when it is written.
pub(crate) fn held(path: &Path) -> Result<File, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let folder = File::open(folder(path)).map_err(failed)?;
    let until = Instant::now() + LOCK_WITHIN;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(format!(
                    "{}: another program holds its folder; nothing is changed\n    mend: try again when it has ended",
                    path.display()
                )));
            }
        }
    }
}

/// Writes a file beside and puts it in place of the old one: after a crash it is the old or the new one, never half.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let done = File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, &path))
        .and_then(|()| File::open(folder(&path))?.sync_all());
    done.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        Failure::usage(format!("{}: {error}", path.display()))
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
