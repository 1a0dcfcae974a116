//! Commands that were left for a run: taken once each, at the start and while it runs.
//!
//! A runner looks again and again, because somebody may have found nobody listening in the moment before it began to.

use std::collections::BTreeSet;
use std::time::Duration;

use adapter_store::{JournalFile, RunDir, inbox};
use run::{Command, Event};
use runner::{Arrived, failpoint};
use tokio::sync::{mpsc, oneshot};

use crate::say::complain;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Identities of the commands that the journal has already.
pub(crate) fn recorded(file: &JournalFile) -> BTreeSet<String> {
    let events = file.records.iter().filter_map(|record| record.entry.event.as_ref());
    let left = events.filter_map(|event| match event.read() {
        Ok(Event::Left { id, .. }) => Some(id),
        _ => None,
    });
    left.collect()
}

/// Sends the first event, then whatever is left in the inbox, until the run is over.
pub(crate) async fn begin(
    events: mpsc::Sender<Arrived<Event>>,
    dir: RunDir,
    first: Event,
    mut done: BTreeSet<String>,
) {
    if told(&events, first).await.is_none() {
        return;
    }
    failpoint("resume.recorded");
    loop {
        // A folder that cannot be read now can be read later.
        for left in inbox::waiting(&dir).unwrap_or_default() {
            if !take(&events, &dir, &left, &mut done).await {
                return;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Takes one command; says whether the run goes on.
async fn take(
    events: &mpsc::Sender<Arrived<Event>>,
    dir: &RunDir,
    left: &inbox::Left,
    done: &mut BTreeSet<String>,
) -> bool {
    if done.insert(left.id.clone()) {
        let parsed = left.command.clone();
        let parsed =
            parsed.and_then(|value| serde_json::from_value::<Command>(value).map_err(|e| e.to_string()));
        let command = match parsed {
            Ok(command) => command,
            Err(why) => {
                complain(&format!("a command that was left is not understood and is left there: {why}"));
                return true;
            }
        };
        match told(events, Event::Left { id: left.id.clone(), command }).await {
            None => return false,
            Some(Err(why)) => complain(&format!("a command that was left for the run was not taken: {why}")),
            Some(Ok(())) => {}
        }
        failpoint("inbox.recorded");
    } else if left.command.is_err() {
        return true;
    }
    // One that stays is known by its id and not taken again.
    let _ = inbox::confirm(dir, left);
    true
}

/// `None` when the run is over or cannot record any more.
async fn told(events: &mpsc::Sender<Arrived<Event>>, event: Event) -> Option<Result<(), String>> {
    let (acknowledge, recorded) = oneshot::channel();
    events.send(Arrived { event, acknowledge: Some(acknowledge) }).await.ok()?;
    recorded.await.ok()
}
