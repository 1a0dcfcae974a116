//! One deploy job of a pipeline file as a run of its own.

use std::collections::BTreeMap;

use adapter_store::StateDir;
use nova_pipeline::call::{assignment, new_run_id, quoted, state_folder};
use nova_pipeline::entry::Output;
use nova_pipeline::failure::Failure;
use nova_pipeline::history::{Past, run_id, state};
use nova_pipeline::session::{Settings, open};
use nova_pipeline::view::ViewKind;
use nova_pipeline::{file, preflight};
use run::{Only, Pick};
use runner::keep;

use crate::RunArgs;

/// Releases, and gives the exit code of the release.
pub(crate) async fn start(args: RunArgs) -> Result<i32, Failure> {
    let path = state_folder(args.state.state_dir.as_deref(), Some(&args.file));
    let source = file::Source::read(&args.file)?;
    let set = args.set.iter().map(|text| assignment(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
    let (from, finished) = match &args.from {
        Some(from) => {
            let state = state(&path)?;
            let id = run_id(&state, from)?;
            let finished = Past::read(&state, &id)?.finished();
            (id, finished)
        }
        None => (String::new(), BTreeMap::new()),
    };
    let state = StateDir::open(&path)?;
    let digest = match &args.artifact {
        Some(program) => Some(
            keep(state.path(), program).map_err(|error| Failure::usage(format!("--artifact: {error}")))?,
        ),
        None => None,
    };
    let pick = Pick::Deploy { job: &args.job, digest: digest.as_deref() };
    let only = Only { pick, from: &from, finished: &finished };
    let definition = source.definition(&set, &new_run_id(), 1, Some(only))?;
    let targets = preflight::check(&definition, state.path()).await?;
    let flags = format!(" --state-dir {}", quoted(&state.path().display().to_string()));
    open(
        &state,
        definition,
        targets,
        &Settings { view: ViewKind::of(args.output.output == Output::Json), stop_at_gate: false, flags },
    )
    .await
}
