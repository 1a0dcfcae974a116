//! What is asked of a running target: status, stop, upgrade.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adapter_local::{LocalTarget, Status};
use adapter_process::instances;
use ports::PortError;
use supervise::RevisionView;

use crate::cli::Output;
use crate::folder::Folder;
use crate::problem::Problem;

/// Requests, then instances, each with their own drain.
const STOP_MAX: Duration = Duration::from_mins(10);
/// For one that does not answer any more to give up its folder.
const STOPPED_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs one call to its end.
pub(crate) fn block_on<T>(call: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(Problem::unexpected)?.block_on(call))
}

fn target(state: &Path) -> Result<LocalTarget, Problem> {
    Ok(LocalTarget::new(Folder::existing(state)?.control()))
}

pub(crate) fn status(state: &Path, output: Output) -> Result<(), Problem> {
    let status = block_on(target(state)?.status())??;
    match output {
        Output::Json => {
            println!("{}", serde_json::to_string_pretty(&status).map_err(Problem::unexpected)?);
        }
        Output::Text => print!("{}", text(&status)),
    }
    Ok(())
}

fn text(status: &Status) -> String {
    let view = &status.observation.value;
    let mut lines =
        vec![format!("nova-local {}  http://{}  pid {}", status.program_version, status.address, status.pid)];
    let stable = view.stable.as_ref().map_or("none", |stable| stable.as_str());
    let held = view.holder.as_ref().map_or("nobody", |holder| holder.as_str());
    lines.push(format!("stable {stable}, orders from {held}"));
    if let Some(left) = view.lease_left_ms {
        lines.push(format!("without a renewal all traffic is back on stable in {left} ms"));
    }
    for (id, revision) in &view.revisions {
        let weight = view.weights.get(id).map_or(0, |weight| weight.percent());
        lines.push(row(id.as_str(), weight, revision));
        lines.extend(failing(revision));
    }
    lines.extend(status.problems.iter().map(|(id, why)| format!("{id}: {why}")));
    lines.join("\n") + "\n"
}

fn row(id: &str, weight: u8, revision: &RevisionView) -> String {
    let state = if revision.wanted {
        format!("{} of {} ready", revision.ready(), revision.instances_wanted)
    } else {
        "stopped".to_owned()
    };
    format!("{id}  {:<10} {weight:>3} %  {state}", revision.version)
}

/// Why checks fail, a line for each.
fn failing(revision: &RevisionView) -> Vec<String> {
    let reasons =
        revision.instances.iter().flat_map(|i| i.failing.iter().map(move |(kind, why)| (i, kind, why)));
    reasons.map(|(i, kind, why)| format!("  slot {}: {} fails: {why}", i.slot, kind.word())).collect()
}

pub(crate) fn stop(state: &Path, keep_instances: bool) -> Result<(), Problem> {
    let folder = Folder::existing(state)?;
    let target = LocalTarget::new(folder.control());
    let told = block_on(async {
        let running = target.status().await?;
        Ok((instances::identity(running.pid), target.stop(keep_instances).await?))
    })?;
    let (process, stopping) = match told {
        Ok(told) => told,
        Err(error @ PortError::Unreachable(_)) => return stopped_before(&folder, error),
        Err(error) => return Err(error.into()),
    };
    let until = Instant::now() + STOP_MAX;
    while process.is_some_and(instances::alive) {
        if Instant::now() > until {
            return Err(Problem::unexpected(format!("pid {} still drains after {STOP_MAX:?}", stopping.pid)));
        }
        sleep(LOOK_EVERY);
    }
    println!("nova-local stopped{}", if keep_instances { "; its instances go on" } else { "" });
    Ok(())
}

/// A stop may be repeated: one that was asked before counts, once it has come to its end.
fn stopped_before(folder: &Folder, error: PortError) -> Result<(), Problem> {
    let until = Instant::now() + STOPPED_MAX;
    while folder.is_held() {
        if Instant::now() > until {
            return Err(error.into());
        }
        sleep(LOOK_EVERY);
    }
    println!("nova-local does not run; nothing to stop");
    Ok(())
}

pub(crate) fn upgrade(state: &Path, program: Option<PathBuf>) -> Result<(), Problem> {
    let own = || std::env::current_exe().map_err(Problem::unexpected);
    let program = program.map_or_else(own, Ok)?;
    let absolute = program.canonicalize();
    let program = absolute.map_err(|error| {
        Problem::usage(format!("{}: {error}; give the path of a nova-local program", program.display()))
    })?;
    let upgraded = block_on(target(state)?.upgrade(program.to_string_lossy().into_owned()))??;
    println!("pid {} serves now; pid {} ends when its requests have", upgraded.pid, upgraded.from_pid);
    Ok(())
}
