//! A first pipeline for a user's own service: written once, runs as it stands.

use std::path::Path;

use crate::failure::Failure;

/// The name of the file.
pub const FILE: &str = "pipeline.yaml";

/// Writes a first pipeline and a small service into a folder. Nothing that is there is overwritten.
///
/// # Errors
/// A file of that name is there, or the folder cannot be written.
pub fn write(folder: &Path) -> Result<Vec<String>, Failure> {
    let files = [(FILE, include_str!("init/pipeline.yaml")), ("service.py", include_str!("init/service.py"))];
    for (name, _) in files {
        let path = folder.join(name);
        if path.exists() {
            return Err(Failure::usage(format!("{} is there already; nothing was written", path.display())));
        }
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))?;
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        written.push(path.display().to_string());
    }
    Ok(written)
}
