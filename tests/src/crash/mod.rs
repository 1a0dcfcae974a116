//! `kill -9` of the runner at named failpoints and at random times, then `resume`: the same end as an undisturbed run.

mod audit;
mod slow;
mod trial;

pub use audit::{Audit, audit};
pub use slow::{Bake, bake, lease};
pub(crate) use trial::AT_RANDOM;
pub use trial::{Blow, Ending, trial};

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::door::Verdict;

/// Failpoints that a promoting run passes, each at these passages.
const FORWARD: [&str; 19] = [
    "run.created",
    "control.listening",
    "guardian.started",
    "journal.before",
    "journal.after",
    "dispatch.before",
    "dispatch.after",
    "acquire.before",
    "acquire.answered",
    "order.before",
    "order.answered",
    "order.told",
    "give_back.before",
    "give_back.answered",
    "look.seen",
    "job.before",
    "job.started",
    "job.ended",
    "checks.before",
];
const LATE: [&str; 3] = ["checks.ended", "close.before", "close.after"];
const IN_RESUME: [&str; 8] = [
    "resume.before",
    "control.listening",
    "guardian.started",
    "resume.held",
    "resume.recorded",
    "journal.before",
    "journal.after",
    "dispatch.before",
];
const ON_THE_WAY_BACK: [&str; 6] = [
    "command.arrived",
    MOMENT_AFTER,
    "restore.before",
    "restore.answered",
    "give_back.before",
    "give_back.answered",
];
/// Right after the order to go back was given: whatever the runner is at.
pub(crate) const MOMENT_AFTER: &str = "a moment after the order";
const PASSAGES: [u32; 5] = [1, 2, 4, 12, 40];
/// Runners that must have been killed at a random time.
const RANDOM_KILLED: u32 = 100;

/// How thorough.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Passages of each failpoint, from the first.
    pub passages: usize,
    /// Blows at random times.
    pub random: u32,
    /// Trials at the same time.
    pub beside: usize,
}

/// All blows, in a fixed order. `seed` gives the random times, all within `within_ms`.
pub fn blows(effort: Effort, seed: u64, within_ms: u64) -> Vec<Blow> {
    let mut blows = Vec::new();
    for name in FORWARD.into_iter().chain(LATE) {
        blows.extend(PASSAGES.iter().take(effort.passages).map(|nth| Blow::At(name, *nth)));
    }
    blows.extend(IN_RESUME.iter().map(|name| Blow::InResume(name)));
    blows.extend(ON_THE_WAY_BACK.iter().map(|name| Blow::OnTheWayBack(name)));
    blows.push(Blow::LeftCommand);
    let mut state = seed | 1;
    blows.extend((0..effort.random).map(|_| {
        // xorshift64*: enough to spread times.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        Blow::After(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).within(within_ms.max(1))
    }));
    blows
}

/// Deals all blows, prints what became of them, and gives the verdict.
///
/// # Errors
/// Nothing could be tried.
pub fn prove(effort: Effort, seed: u64) -> Result<Verdict, String> {
    crate::rig::binaries()?;
    let begun = std::time::Instant::now();
    trial(Blow::After(u64::from(u32::MAX))).map_err(|why| format!("an undisturbed run: {why}"))?;
    let undisturbed_ms = begun.elapsed().as_millis() as u64;
    println!("an undisturbed run takes {undisturbed_ms} ms with its targets' start and stop");
    let blows = blows(effort, seed, undisturbed_ms);
    let (queue, endings) = (Mutex::new(blows.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..effort.beside.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some(blow) = next else { return };
                    let ending = trial(*blow);
                    if let Ok(mut endings) = endings.lock() {
                        endings.push((*blow, ending));
                    }
                }
            });
        }
    });
    let endings = endings.into_inner().map_err(|error| error.to_string())?;
    let verdict = judged(&endings, seed);
    let baked = bake()?;
    println!(
        "bake of 3 s, killed at 2 s: {} ms had counted, {} ms more after the resume",
        baked.counted_ms, baked.rest_ms
    );
    let (took, code) = lease()?;
    println!(
        "lease of 1 s, nobody resumes: all traffic on stable after {took} ms; a later resume ends in {code}"
    );
    let slow = baked.counted_ms >= 1_200 && baked.counted_ms + baked.rest_ms < 4_200 && code == 11;
    Ok(Verdict::new(verdict.text, verdict.reached && slow))
}

fn judged(endings: &[(Blow, Result<Ending, String>)], seed: u64) -> Verdict {
    let mut rows: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    let (mut resumes, mut carried, mut killed, mut wrong) = (0, 0, 0, 0);
    for (blow, ending) in endings {
        let row = rows.entry(blow.group()).or_default();
        row[0] += 1;
        match ending {
            Ok(ending) => {
                row[1] += u32::from(ending.killed);
                row[2] += u32::from(!ending.killed);
                killed += u32::from(ending.killed);
                resumes += ending.audit.resumes;
                carried += ending.audit.carried;
            }
            Err(why) => {
                row[3] += 1;
                wrong += 1;
                println!("{blow}: {why}");
            }
        }
    }
    println!(
        "{:<28} {:>6} {:>7} {:>11} {:>6}",
        "where the runner was killed", "tried", "killed", "not reached", "wrong"
    );
    for (group, [tried, killed, missed, wrong]) in &rows {
        println!("{group:<28} {tried:>6} {killed:>7} {missed:>11} {wrong:>6}");
    }
    println!("{resumes} resumes, {carried} of them in a wait of which a part had counted; seed {seed}");
    let unhurt = endings.len() as u32 - wrong;
    let text = format!(
        "{} trials, {killed} runners killed; {unhurt} ended as an undisturbed run does, {wrong} did not",
        endings.len()
    );
    let everywhere = rows.values().all(|[_, killed, ..]| *killed > 0);
    let often = rows.get(AT_RANDOM).is_some_and(|[_, killed, ..]| *killed >= RANDOM_KILLED);
    Verdict::new(text, wrong == 0 && everywhere && often && carried > 0)
}
