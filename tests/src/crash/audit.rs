//! What the journal of a crashed and resumed run must show: every decision comes out again, no way is gone twice, and
//! no wait began anew.

use std::collections::BTreeMap;

use deploy_strategies::Phase;
use machine::{Name, step};
use nova_pipeline::history::Past;
use ports::Json;
use run::{Event, Run};

/// What was found in a journal that is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How often a runner took it up again.
    pub resumes: u32,
    /// How often it did so in a wait of which a part had counted.
    pub carried: u32,
    /// The least that had counted in each wait of the bake when a runner took it up, in milliseconds.
    pub bake_counted_ms: Vec<u64>,
}

/// How far a release is, and what has counted there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rank: u32,
    counted_ms: u64,
}

fn place(phase: &Phase) -> Place {
    let (rank, counted_ms) = match phase {
        Phase::Idle => (0, 0),
        Phase::Deploying => (1, 0),
        Phase::Previewing => (2, 0),
        Phase::Shifting(step) => (3 + 2 * step, 0),
        Phase::Pausing(step, wait) => (4 + 2 * step, wait.counted_ms),
        Phase::Baking(wait) => (1_000, wait.counted_ms),
        Phase::Verifying => (1_001, 0),
        Phase::Promoting => (1_002, 0),
        Phase::Decommissioning => (1_003, 0),
        Phase::Promoted => (1_004, 0),
        Phase::Restoring => (2_000, 0),
        Phase::Clearing => (2_001, 0),
        Phase::Aborted => (2_002, 0),
    };
    Place { rank, counted_ms }
}

/// Decides the journal again, record by record.
///
/// # Errors
/// What is not as it should be, with the number of the record.
pub fn audit(past: &Past) -> Result<Audit, String> {
    if let Some(difference) = past.replayed.differences.first() {
        return Err(format!("record {} decides differently: {}", difference.seq, difference.what));
    }
    let mut run: Run = Run::new();
    let (mut found, mut places) = (Audit::default(), BTreeMap::<Name, Place>::new());
    for record in &past.file.records {
        let event: Option<Event> = record
            .entry
            .event
            .as_ref()
            .map(Json::read)
            .transpose()
            .map_err(|error| format!("record {}: {error}", record.seq))?;
        let resumed = matches!(event, Some(Event::Resumed { .. }));
        step(&mut run, record.entry.ts, event);
        found.resumes += u32::from(resumed);
        for (path, rollout) in run.rollouts() {
            let now = place(rollout.release.phase());
            let before = places.insert(path.clone(), now).unwrap_or(now);
            if now < before {
                return Err(format!(
                    "record {}: {path} went back from {} with {} ms to {} with {} ms",
                    record.seq, before.rank, before.counted_ms, now.rank, now.counted_ms
                ));
            }
            if resumed && now.counted_ms > 0 {
                found.carried += 1;
                if matches!(rollout.release.phase(), Phase::Baking(_)) {
                    found.bake_counted_ms.push(now.counted_ms);
                }
            }
        }
    }
    Ok(found)
}
