//! All checks side by side, each tried when it is due, until there is a result.

use std::time::Duration;

use adapter_probe::Probe;
use gate::checks::{Report, line};
use health::checks::{Check, Checked, Outcome, Status};
use machine::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::failure::Failure;

/// How long, and what ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Playing {
    pub(super) at_most: Duration,
    /// All must keep passing to the end; otherwise the first moment at which all pass is enough.
    pub(super) keeps: bool,
}

/// A try that has ended: which check, the probe for the next one, and how.
type Ended = (usize, Probe, Outcome);

/// Tries until all pass, one fails for good, or the time is over.
pub(super) async fn play(checks: Vec<Check>, playing: Playing) -> Result<Report, Failure> {
    let began = Instant::now();
    let until = began + playing.at_most;
    let now = || Timestamp::from_millis(began.elapsed().as_millis() as u64);
    let mut tries = JoinSet::new();
    for (at, check) in checks.iter().enumerate() {
        tries.spawn(tried(at, Probe::new(check.clone()), began));
    }
    let mut all: Vec<Checked> =
        checks.into_iter().map(|check| Checked::new(check, Timestamp::default())).collect();
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let ended = tokio::select! {
            biased;
            _ = &mut interrupted => {
                let note = Some("ended by an interruption".to_owned());
                return Ok(Report::of(&all, now(), !playing.keeps, note));
            }
            Some(ended) = tries.join_next() => ended,
            () = sleep_until(until) => return Ok(Report::of(&all, now(), true, None)),
        };
        let (at, probe, outcome) = ended.map_err(|error| Failure::unexpected(error.to_string()))?;
        let Some(checked) = all.get_mut(at) else { continue };
        hear(checked, now(), outcome);
        tries.spawn(tried(at, probe, began + Duration::from_millis(checked.due().as_millis())));
        let passing = all.iter().all(|it| matches!(it.status(), Status::Passing { .. }));
        let failing = all.iter().any(|it| matches!(it.status(), Status::Failing { .. }));
        if (!playing.keeps && passing) || (playing.keeps && failing) {
            return Ok(Report::of(&all, now(), true, None));
        }
    }
}

/// One try, when it is due.
async fn tried(at: usize, mut probe: Probe, due: Instant) -> Ended {
    sleep_until(due).await;
    let outcome = probe.attempt().await;
    (at, probe, outcome)
}

/// A line for what changed, and for what did not pass.
fn hear(checked: &mut Checked, now: Timestamp, outcome: Outcome) {
    let before = checked.status().clone();
    let passed = outcome == Outcome::Passed;
    let changed = *checked.hear(now, outcome) != before;
    if changed || !passed {
        let grace = if !passed && checked.in_grace(now) { " (in its grace, not counted)" } else { "" };
        eprintln!("{}{grace}", line(checked, now));
    }
}
