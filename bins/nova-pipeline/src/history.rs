//! Runs that were: their journals read and decided again.

use std::collections::BTreeMap;
use std::path::Path;

use adapter_store::{JournalFile, RunDir, StateDir};
use pipeline_core::Status;
use run::Run;
use runner::{Replayed, replay};

use crate::failure::Failure;

/// A run as its journal tells it.
pub struct Past {
    /// Where it lies.
    pub dir: RunDir,
    /// What was recorded.
    pub file: JournalFile,
    /// What comes of it.
    pub replayed: Replayed<Run>,
}

impl Past {
    /// Reads the journal of a run and decides it again.
    ///
    /// # Errors
    /// There is no such run, or its journal is broken.
    pub fn read(state: &StateDir, id: &str) -> Result<Self, Failure> {
        let dir = state.run(id)?;
        Self::open(dir)
    }

    /// The same for a run whose folder is known.
    ///
    /// # Errors
    /// Its journal is broken.
    pub fn open(dir: RunDir) -> Result<Self, Failure> {
        let file = adapter_store::read(&dir)?;
        let replayed = replay::<Run>(&file.records);
        Ok(Self { dir, file, replayed })
    }

    /// Jobs that had succeeded, with what they gave.
    pub fn finished(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let Some(pipeline) = self.replayed.machine.pipeline() else { return BTreeMap::new() };
        let jobs = pipeline.plan().jobs().iter().zip(pipeline.states());
        let good = jobs.filter(|(_, state)| matches!(state.status, Status::Succeeded | Status::Cached));
        good.map(|(job, state)| (job.name.to_string(), state.outputs.clone())).collect()
    }
}

/// The id of a run: as given, or the newest for `last`.
///
/// # Errors
/// There is no run.
pub fn run_id(state: &StateDir, given: &str) -> Result<String, Failure> {
    if given != "last" {
        return Ok(given.to_owned());
    }
    let newest = state.runs()?.into_iter().next_back();
    newest
        .map(|run| run.id)
        .ok_or_else(|| Failure::usage(format!("there is no run in {}", state.path().display())))
}

/// Opens a state folder that must be there.
///
/// # Errors
/// It is not there, or is somebody else's.
pub fn state(path: &Path) -> Result<StateDir, Failure> {
    if !path.is_dir() {
        return Err(Failure::usage(format!(
            "there is no state folder {}; give it with --state-dir, or start a run first",
            path.display()
        )));
    }
    Ok(StateDir::open(path)?)
}
