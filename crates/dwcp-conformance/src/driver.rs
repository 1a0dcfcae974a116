//! Runs one case: a fresh implementation, the check, the verdict; and finds the smallest part of it that fails.
//!
//! ```text
//! declared? --no--> SKIP
//! start, hello, reset --broken--> ERROR
//! check --Ok, shutdown--> PASS | --Fail--> again, while attempts are left --> FAIL | --Skip--> SKIP | --Error--> ERROR
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::bench::{Bench, Record, Settings};
use crate::protocol::Hello;
use crate::requirement::Case;
use crate::stop::Stop;
use crate::world::World;

/// What came of a case. Only a pass is a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The requirement is met as far as this case looks.
    Pass,
    /// It is not.
    Fail,
    /// It was not asked.
    Skip,
    /// It could not be asked: the boundary broke.
    Error,
}

impl Verdict {
    /// As it is printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Error => "ERROR",
        }
    }
}

/// One run of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRun {
    /// What came of it.
    pub verdict: Verdict,
    /// Why, without figures of this run; empty for a pass.
    pub reason: String,
    /// What was seen, with figures.
    pub seen: String,
    /// How many attempts it took.
    pub attempts: u8,
    /// Of all attempts together.
    pub elapsed_us: u64,
    /// What was kept of the last attempt.
    pub record: Record,
}

/// Greets a fresh implementation, to learn what it offers.
///
/// # Errors
/// It cannot be started or does not greet.
pub fn greet(world: &mut dyn World, case: &Case, settings: &Settings) -> Result<Hello, Stop> {
    let mut bench = Bench::new(world, case.requirement, settings.clone());
    let greeted = bench.fresh().map_err(Stop::from);
    let hello = bench.hello().clone();
    bench.abandon();
    greeted.map(|()| hello)
}

/// Runs a case at fresh implementations, as often as its requirement allows.
pub fn run(case: &Case, world: &mut dyn World, settings: &Settings) -> CaseRun {
    let begun = world.now_us();
    let mut attempt = 1;
    loop {
        let (outcome, record) = try_once(case, world, settings);
        let (verdict, reason, seen) = judged(outcome);
        if verdict == Verdict::Fail && attempt < case.requirement.attempts {
            attempt += 1;
            continue;
        }
        let elapsed_us = world.now_us() - begun;
        return CaseRun { verdict, reason, seen, attempts: attempt, elapsed_us, record };
    }
}

fn try_once(case: &Case, world: &mut dyn World, settings: &Settings) -> (Result<(), Stop>, Record) {
    let mut bench = Bench::new(world, case.requirement, settings.clone());
    let outcome = bench.fresh().map_err(Stop::from).and_then(|()| {
        if !bench.hello().offers(case.requirement.profile) {
            return Err(Stop::Skip(format!("profile {} is not declared", case.requirement.profile.name())));
        }
        checked(case, &mut bench)
    });
    let outcome = match outcome {
        Ok(()) => bench.finish_case(),
        // Whoever cannot be asked has still to end in peace.
        Err(Stop::Skip(why)) => bench.finish_case().and(Err(Stop::Skip(why))),
        Err(stop) => {
            bench.abandon();
            Err(stop)
        }
    };
    (outcome, bench.into_record())
}

/// A check that panics is a fault of the harness, and never a pass.
fn checked(case: &Case, bench: &mut Bench<'_>) -> Result<(), Stop> {
    catch_unwind(AssertUnwindSafe(|| (case.check)(bench))).unwrap_or_else(|_| {
        Err(Stop::Error {
            what: "the check itself holds".to_owned(),
            seen: "it panicked; a fault of the harness".to_owned(),
        })
    })
}

fn judged(outcome: Result<(), Stop>) -> (Verdict, String, String) {
    match outcome {
        Ok(()) => (Verdict::Pass, String::new(), String::new()),
        Err(Stop::Fail { what, seen }) => (Verdict::Fail, what, seen),
        Err(Stop::Skip(why)) => (Verdict::Skip, why, String::new()),
        Err(Stop::Error { what, seen }) => (Verdict::Error, what, seen),
    }
}

/// The smallest part of a case that was found to fail by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimised {
    /// The rounds; `None` when the case has no rounds or fails only as a whole.
    pub rounds: Option<Vec<u32>>,
    /// How it fails alone, with its full transcript.
    pub run: CaseRun,
    /// How many runs it took to find it.
    pub runs: u32,
}

/// Runs of a case that a search may take.
const MOST_RUNS: u32 = 24;

/// Runs a case; when it fails in a round, looks for the smallest set of rounds that fails: the round alone, else the
/// shortest stretch before it, by halving.
pub fn minimise(case: &Case, world: &mut dyn World, settings: &Settings) -> Minimised {
    let whole = run(case, world, settings);
    let mut runs = 1;
    let bad = |run: &CaseRun| matches!(run.verdict, Verdict::Fail | Verdict::Error);
    let Some(last) = whole.record.round.filter(|_| bad(&whole)) else {
        return full(case, world, settings, None, runs);
    };
    let mut best: Vec<u32> = (0..=last).collect();
    let mut fails = |rounds: &[u32]| {
        runs += 1;
        bad(&run(case, world, &Settings { only: Some(rounds.to_vec()), ..settings.clone() }))
    };
    if last > 0 && fails(&[last]) {
        best = vec![last];
    } else if last > 0 {
        // The last round needs some before it: drop ever smaller stretches that it does not need.
        let mut stretch = best.len() / 2;
        let mut tries = 1;
        while stretch > 0 && tries < MOST_RUNS {
            let mut at = 0;
            while at + stretch < best.len() && tries < MOST_RUNS {
                let without = [&best[..at], &best[at + stretch..]].concat();
                tries += 1;
                if fails(&without) {
                    best = without;
                } else {
                    at += stretch;
                }
            }
            stretch /= 2;
        }
    }
    full(case, world, settings, Some(best), runs)
}

fn full(
    case: &Case,
    world: &mut dyn World,
    settings: &Settings,
    rounds: Option<Vec<u32>>,
    runs: u32,
) -> Minimised {
    let settings = Settings { only: rounds.clone(), full_transcript: true, ..settings.clone() };
    Minimised { rounds, run: run(case, world, &settings), runs: runs + 1 }
}
