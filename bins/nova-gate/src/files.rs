//! Reads files that somebody else wrote, within a limit, and says which one could not be read and why.

use std::fs::File;
use std::io::Read;
use std::path::Path;

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

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
