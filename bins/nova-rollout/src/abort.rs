//! All traffic back to stable: over the run that holds the target, and without it when its runner is gone.

use std::path::Path;
use std::time::Duration;

use adapter_store::StateDir;
use nova_pipeline::call::{state_folder, user};
use nova_pipeline::control::{Sent, send};
use nova_pipeline::failure::Failure;
use nova_pipeline::history::{Past, run_id, state};
use nova_pipeline::world::target;
use ports::Target;
use run::Command;
use supervise::{Restoration, RunId};

/// A live runner records a command within milliseconds; one that takes longer does not decide about the way back.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Aborts what holds the target.
pub(crate) async fn on_target(state_dir: Option<&Path>, name: &str) -> Result<i32, Failure> {
    let state = state(&state_folder(state_dir, None))?;
    let seen = target(state.path(), name).observe().await.map_err(|error| {
        Failure::usage(format!("the target {name} does not answer ({error}); nothing was changed"))
    })?;
    let Some(holder) = seen.value.holder else {
        println!("no rollout is in progress on {name}; nothing was changed");
        return Ok(0);
    };
    abort(&state, holder.as_str(), Some(name)).await
}

/// Aborts the releases of a run.
pub(crate) async fn of_run(state_dir: Option<&Path>, run: &str) -> Result<i32, Failure> {
    let state = state(&state_folder(state_dir, None))?;
    let id = run_id(&state, run)?;
    abort(&state, &id, None).await
}

async fn abort(state: &StateDir, id: &str, of: Option<&str>) -> Result<i32, Failure> {
    let by = format!("aborted by {}", user());
    let command = Command::Abort { by, target: of.map(Into::into) };
    let sent = tokio::time::timeout(ANSWER_WITHIN, send(state, id, command)).await;
    match sent.unwrap_or_else(|_| Err(Failure::unexpected(format!("run {id} does not answer")))) {
        Ok(Sent::Taken) => {
            println!("run {id} goes back to stable");
            Ok(0)
        }
        Ok(Sent::Left) => {
            without_runner(state, id, of).await?;
            println!("no runner is alive; run {id} ends when it is resumed");
            Ok(0)
        }
        // A runner that does not answer, or a disk without room for the command, is no reason to stay.
        Err(failure) if failure.code == 1 => {
            eprintln!("{failure}; the target is asked instead");
            without_runner(state, id, of).await
        }
        Err(failure) => Err(failure),
    }
}

/// The runner is gone: the target itself returns the traffic, and the run hears of it when it is resumed.
async fn without_runner(state: &StateDir, id: &str, of: Option<&str>) -> Result<i32, Failure> {
    let names = match of {
        Some(name) => vec![name.to_owned()],
        None => {
            let past = Past::read(state, id)?;
            let Some(definition) = past.replayed.machine.definition() else {
                return Err(Failure::usage(format!("run {id} was never opened")));
            };
            definition.targets.keys().map(ToString::to_string).collect()
        }
    };
    for name in names {
        match target(state.path(), &name).restore_stable(&RunId::new(id)).await {
            Ok(Restoration::Restored { stable: true, .. }) => println!("{name}: all traffic is on stable"),
            Ok(Restoration::Restored { stable: false, .. }) => {
                println!("{name}: emptied; there was no stable version");
            }
            Ok(Restoration::Promoted { for_ms }) => {
                println!("{name}: promoted {} s ago, nothing was changed", for_ms / 1000);
            }
            // A target of the run that was never started has no traffic to return.
            Err(error) => println!("{name}: {error}"),
        }
    }
    Ok(0)
}
