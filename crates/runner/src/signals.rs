//! INT, TERM and HUP as commands to the run.

use machine::Name;
use run::{Command, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::Arrived;

/// Turns the signals of this process into commands: each cancels, so the second skips cleanup; releases go back.
///
/// # Errors
/// The handlers could not be installed.
pub fn forward_signals(events: mpsc::Sender<Arrived<Event>>) -> std::io::Result<()> {
    let kinds = [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::hangup(), "SIGHUP"),
    ];
    for (kind, name) in kinds {
        let mut arrivals = signal(kind)?;
        let events = events.clone();
        tokio::spawn(async move {
            while arrivals.recv().await.is_some() {
                let cancel = Command::Cancel { by: name.to_owned() };
                if events.send(Event::Command(cancel).into()).await.is_err() {
                    break;
                }
            }
        });
    }
    Ok(())
}

/// The segment under which jobs of a run are named in the process table.
pub(crate) fn process_name(path: &Name, line: usize) -> String {
    format!("{path}/{line}")
}
