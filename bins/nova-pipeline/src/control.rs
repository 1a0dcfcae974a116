//! Commands to a run: over its control socket while a runner lives, else left in its inbox for `resume`.

use adapter_store::{StateDir, inbox};
use run::{Command, Event};
use runner::{Asked, ControlError, Told, ask};

use crate::failure::Failure;
use crate::history::Past;

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The run has recorded it.
    Taken,
    /// No runner is alive; `resume` will take it.
    Left,
}

/// Gives a command to a run.
///
/// # Errors
/// The run has ended or does not take it.
pub async fn send(state: &StateDir, id: &str, command: Command) -> Result<Sent, Failure> {
    let dir = state.run(id)?;
    let socket = state.control_socket(id)?;
    match ask(&socket, &Asked::Command(command.clone())).await {
        Ok(Told::Done) => return Ok(Sent::Taken),
        Ok(Told::Rejected(why)) => return Err(Failure::usage(format!("run {id}: {why}"))),
        Ok(Told::Picture(_)) => return Err(Failure::unexpected("the run answered something else")),
        Err(ControlError::NobodyThere) => {}
        Err(error) => return Err(Failure::unexpected(format!("run {id}: {error}"))),
    }
    let past = Past::open(dir.clone())?;
    if past.file.closed {
        return Err(Failure::usage(format!("run {id} has ended; nothing was changed")));
    }
    // What the run would not take as it stands is not left for it.
    let (mut machine, event) = (past.replayed.machine, Event::Command(command.clone()));
    if let Some(why) = machine::step(&mut machine, past.replayed.last, Some(event)).rejected {
        return Err(Failure::usage(format!("run {id}: {why}; nothing was changed")));
    }
    let value = serde_json::to_value(&command).map_err(|error| Failure::unexpected(error.to_string()))?;
    inbox::leave(&dir, &value)
        .map_err(|error| Failure::unexpected(format!("the command could not be left: {error}")))?;
    Ok(Sent::Left)
}

/// The newest picture of a live run, or `None` when no runner is alive.
pub async fn picture(state: &StateDir, id: &str) -> Option<String> {
    let socket = state.control_socket(id).ok()?;
    match ask(&socket, &Asked::Picture).await {
        Ok(Told::Picture(picture)) => Some(picture),
        _ => None,
    }
}
