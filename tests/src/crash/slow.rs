//! Two crashes in real time: a bake that goes on from what had counted, and a lease that runs out.

use std::time::{Duration, Instant};

use deploy_strategies::Phase;
use nix::sys::signal::Signal;
use ports::Json;

use super::audit::audit;
use crate::rig::{PATIENCE, Rig, code, signal, until};

/// What had counted of a bake of 3 s when its runner was killed, and how long it went on after the resume.
#[derive(Clone, Copy, Debug)]
pub struct Bake {
    /// Counted before the crash, in milliseconds.
    pub counted_ms: u64,
    /// From the resume to the end of the bake, in milliseconds.
    pub rest_ms: u64,
}

/// Kills the runner 2 s into a bake of 3 s and resumes.
///
/// # Errors
/// The run did not end in a promotion, or its journal is not as it should be.
pub fn bake() -> Result<Bake, String> {
    let rig = Rig::new(|text| text.replace("bake: 50ms", "bake: 3s, hold_back: 0%"))?;
    let mut child = rig.run(&[])?;
    let baking = || rig.traffic() == [("1.6.0".to_owned(), 100)];
    until("the bake", PATIENCE, baking)?;
    let begun = Instant::now();
    until("two seconds", PATIENCE, || begun.elapsed() >= Duration::from_secs(2))?;
    signal(&child, Signal::SIGKILL);
    code(&mut child)?;
    let last = code(&mut rig.call(&["resume"], &[])?)?;
    if last != 0 {
        return Err(format!("it ended with {last}\n{}", rig.said()));
    }
    let past = rig.past()?;
    let found = audit(&past)?;
    let counted_ms = *found.bake_counted_ms.first().ok_or("it was not resumed in the bake")?;
    let records = &past.file.records;
    let resumes = |event: &Json| {
        event.read::<run::Event>().is_ok_and(|event| matches!(event, run::Event::Resumed { .. }))
    };
    let resumed = records.iter().find(|record| record.entry.event.as_ref().is_some_and(resumes));
    let resumed = resumed.ok_or("there is no record of the resume")?.entry.ts;
    let mut run: run::Run = run::Run::new();
    for record in records {
        let event = record.entry.event.as_ref().map(Json::read).transpose();
        machine::step(&mut run, record.entry.ts, event.map_err(|error| error.to_string())?);
        let baked = run.rollouts().any(|(path, rollout)| {
            path.as_str() == "deploy-production#1" && matches!(rollout.release.phase(), Phase::Verifying)
        });
        if baked {
            return Ok(Bake { counted_ms, rest_ms: record.entry.ts.since(resumed) });
        }
    }
    Err("the bake never ended".to_owned())
}

/// Kills the runner at 5 % and lets the lease of 1 s run out; gives the milliseconds until all traffic was back on
/// stable, and the exit code of a later resume.
///
/// # Errors
/// Traffic did not come back.
pub fn lease() -> Result<(u64, i32), String> {
    let rig = Rig::new(|text| text.replace("pause: 40ms", "pause: 30s").replace("lease: 8s", "lease: 1s"))?;
    let mut child = rig.run(&[])?;
    until("a release", PATIENCE, || rig.traffic().len() == 2)?;
    signal(&child, Signal::SIGKILL);
    code(&mut child)?;
    let begun = Instant::now();
    until("the return", PATIENCE, || rig.traffic() == [("1.5.0".to_owned(), 100)])?;
    let took = begun.elapsed().as_millis() as u64;
    let last = code(&mut rig.call(&["resume"], &[])?)?;
    let past = rig.past()?;
    audit(&past)?;
    if !past.file.closed || rig.traffic() != [("1.5.0".to_owned(), 100)] {
        return Err("the resume did not leave stable alone".to_owned());
    }
    Ok((took, last))
}
