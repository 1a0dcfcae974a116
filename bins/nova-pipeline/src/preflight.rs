//! What can be known to fail before a run begins: a port that is taken, a target that somebody holds.

use std::net::TcpListener;
use std::path::Path;

use adapter_store::TargetRef;
use ports::Target;
use run::Definition;

use crate::call::{quoted, sibling};
use crate::failure::Failure;
use crate::world::target;

/// Looks at every target that a deploy job of this run uses. Gives their names, and the identity of those that run.
///
/// # Errors
/// A port is taken by something else, or another run holds a target; nothing was changed.
pub async fn check(definition: &Definition, state: &Path) -> Result<Vec<TargetRef>, Failure> {
    let mut targets = Vec::new();
    for (name, spec) in &definition.targets {
        let used = definition.plan.jobs().iter().any(|job| match &job.body {
            pipeline_core::Body::Deploy(release) => {
                release.target == *name && !job.left_out && job.reused.is_none()
            }
            _ => false,
        });
        if !used {
            continue;
        }
        let uid = match target(state, name.as_str()).observe().await {
            Ok(seen) => {
                held(name.as_str(), &seen, state)?;
                seen.uid
            }
            Err(_) => {
                free(name.as_str(), spec.port)?;
                String::new()
            }
        };
        targets.push(TargetRef { name: name.to_string(), uid });
    }
    Ok(targets)
}

fn held(name: &str, seen: &supervise::Observation, state: &Path) -> Result<(), Failure> {
    let Some(holder) = &seen.value.holder else { return Ok(()) };
    let alive = seen
        .value
        .control
        .as_ref()
        .is_some_and(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok());
    let flag = format!("--state-dir {}", quoted(&state.display().to_string()));
    let (pipeline, rollout) = (crate::call::program(), sibling("nova-rollout"));
    let mend = if alive {
        format!("wait for it, or end it with `{rollout} abort --target {name} {flag}`")
    } else {
        format!(
            "its runner is gone; go on with `{pipeline} resume {holder} {flag}`, or end it with `{rollout} abort --target {name} {flag}`"
        )
    };
    Err(Failure::usage(format!("the target {name} is held by run {holder}; {mend}")))
}

fn free(name: &str, port: u16) -> Result<(), Failure> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).map_err(|error| {
        Failure::usage(format!(
            "the target {name} cannot listen on 127.0.0.1:{port}: {error}; choose another port, or end what uses it"
        ))
    })
}
