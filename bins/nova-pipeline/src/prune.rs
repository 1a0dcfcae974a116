//! Retention: what old runs leave behind is taken away, what is still needed is kept.

use std::collections::BTreeSet;
use std::path::Path;

use adapter_store::StateDir;
use serde::Serialize;

use crate::failure::Failure;
use crate::history::Past;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The newest runs, whatever their age.
    pub keep: usize,
    /// Older ones go when they ended before this time (wall time in milliseconds).
    pub before_ms: u64,
}

/// What was taken away, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Runs, with their journals, logs and work folders (backups included).
    pub runs: Vec<String>,
    /// Artifacts that no kept run names and that are as old as the runs.
    pub artifacts: Vec<String>,
    /// Bytes freed.
    pub bytes: u64,
}

/// Takes old runs away, and artifacts that no run names any more. A run that has not ended is never taken.
///
/// # Errors
/// The state folder cannot be read or changed.
pub fn prune(state: &StateDir, retention: Retention, dry: bool) -> Result<Pruned, Failure> {
    let runs = state.runs()?;
    let spared = runs.len().saturating_sub(retention.keep);
    let mut pruned = Pruned::default();
    let mut named = BTreeSet::new();
    for (index, run) in runs.iter().enumerate() {
        let old = run.wall_ms.is_some_and(|ms| ms < retention.before_ms);
        if index < spared && run.closed && old {
            pruned.bytes += size(&run.path);
            pruned.runs.push(run.id.clone());
            if !dry {
                remove(&run.path)?;
            }
            continue;
        }
        // A journal that cannot be read may name anything: then no artifact is taken.
        match Past::read(state, &run.id) {
            Ok(past) => {
                named.extend(past.finished().into_values().flat_map(std::collections::BTreeMap::into_values));
            }
            Err(_) => return Ok(pruned),
        }
    }
    let artifacts = state.path().join("artifacts");
    for entry in std::fs::read_dir(&artifacts).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let digest = name.replacen('-', ":", 1);
        // A run at work has made it just now, and will name it in a moment.
        let old = made_ms(&entry).is_some_and(|ms| ms < retention.before_ms);
        if name.starts_with("sha256-") && old && !named.contains(&digest) {
            pruned.bytes += entry.metadata().map_or(0, |m| m.len());
            pruned.artifacts.push(digest);
            if !dry {
                remove(&entry.path())?;
            }
        }
    }
    Ok(pruned)
}

/// Wall time of the last change in milliseconds.
fn made_ms(entry: &std::fs::DirEntry) -> Option<u64> {
    let made = entry.metadata().ok()?.modified().ok()?;
    let since = made.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    removed.map_err(|error| Failure::unexpected(format!("{}: {error}", path.display())))
}

fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size(&entry.path()),
            _ => entry.metadata().map_or(0, |m| m.len()),
        })
        .sum()
}
