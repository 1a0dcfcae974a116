//! No process is left: the real runner ends in every way, while a job hides its processes in every way.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::door::Verdict;
use crate::rig::{PATIENCE, Rig, code, signal, until};

/// A job's processes are gone this long after the runner at the latest.
const WITHIN: Duration = Duration::from_secs(8);

/// (how they hide, script, how many processes there are)
pub const HIDING: [(&str, &str, usize); 6] = [
    ("foreground", "sleep 600; exit", 2),
    ("background", "sleep 600 & sleep 600 & wait", 3),
    ("setsid", "setsid sleep 600 & wait", 2),
    ("double fork", "(setsid sh -c 'sleep 600 & exit' & exit); sleep 600; exit", 3),
    ("deaf", "trap '' TERM INT HUP; setsid sleep 600 & sleep 600; exit", 3),
    ("without its mark", "(env -u NOVA_JOB_MARK setsid sleep 600 & exit); sleep 600; exit", 3),
];

/// How the runner ends.
pub const ENDS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGKILL];

/// Runs a job that hides, ends the runner, and gives the milliseconds until nothing was left.
///
/// # Errors
/// Something was left.
pub fn trial(end: Signal, script: &str, count: usize) -> Result<u64, String> {
    let rig = Rig::new(|_| String::new())?;
    // In the environment of all that the job starts, and of nothing else.
    let tag = format!("nova-survivor-{}-{}", std::process::id(), rig.ports[0]);
    let quoted = script.replace('\'', "''");
    let text = format!(
        "pipeline: survivors\ninputs:\n  port: {{default: \"1\"}}\n  staging_port: {{default: \"1\"}}\n  sink_port: {{default: \"1\"}}\nstages: [hide]\njobs:\n  hide:\n    stage: hide\n    grace: 1s\n    env: {{SURVIVOR: {tag}}}\n    run:\n      - sh: '{quoted}'\n"
    );
    std::fs::write(rig.folder().join("pipeline.yaml"), text).map_err(|error| error.to_string())?;
    let mut child = rig.run(&[])?;
    let begun = until("its processes", PATIENCE, || living(&tag) == count);
    let told = Instant::now();
    signal(&child, end);
    code(&mut child)?;
    begun.map_err(|why| format!("{why}: {} of {count}\n{}", living(&tag), rig.said()))?;
    until("0 survivors", WITHIN, || living(&tag) == 0)
        .map_err(|why| format!("{} survive: {why}", living(&tag)))?;
    Ok(told.elapsed().as_millis() as u64)
}

/// Kills the runner in the middle of a release: what the run started is gone, and the target serves on.
///
/// # Errors
/// A service survived, or a revision did not.
pub fn target_survives() -> Result<(), String> {
    let rig = Rig::new(|text| text.replace("pause: 40ms", "pause: 2s"))?;
    let mut child = rig.run(&[])?;
    until("a release", PATIENCE, || rig.traffic().len() == 2)?;
    let past = rig.past()?;
    let run = past.replayed.machine.definition().ok_or("the run was not opened")?.run.clone();
    let of_run = || carrying(&format!("NOVA_RUN={run}"));
    if of_run() == 0 {
        return Err("its services do not run".to_owned());
    }
    signal(&child, Signal::SIGKILL);
    code(&mut child)?;
    until("0 survivors", WITHIN, || of_run() == 0)?;
    let view = rig.view("production").ok_or("the target does not answer")?;
    let ready: u32 = view.revisions.values().map(supervise::RevisionView::ready).sum();
    match (ready, code(&mut rig.call(&["resume"], &[])?)?) {
        (4, 0) => Ok(()),
        (ready, code) => {
            Err(format!("{ready} of 4 instances live, and the resume ended with {code}\n{}", rig.said()))
        }
    }
}

fn living(tag: &str) -> usize {
    carrying(&format!("SURVIVOR={tag}"))
}

/// Processes with this entry in their environment. A zombie has none.
fn carrying(entry: &str) -> usize {
    let carries = |folder: &std::path::Path| {
        let environ = std::fs::read(folder.join("environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter(|process| carries(&process.path())).count()
}

/// All ways, with the table and the verdict.
///
/// # Errors
/// Nothing could be tried.
pub fn prove() -> Result<Verdict, String> {
    crate::rig::binaries()?;
    let (mut tried, mut wrong, mut slowest) = (0, 0, 0);
    println!("{:<18} {:>12} {:>12} {:>12}", "children", "SIGTERM ms", "SIGINT ms", "SIGKILL ms");
    for (how, script, count) in HIDING {
        let mut cells = Vec::new();
        for end in ENDS {
            tried += 1;
            match trial(end, script, count) {
                Ok(ms) => {
                    slowest = ms.max(slowest);
                    cells.push(ms.to_string());
                }
                Err(why) => {
                    wrong += 1;
                    println!("{how} x {end}: {why}");
                    cells.push("WRONG".to_owned());
                }
            }
        }
        println!("{how:<18} {:>12} {:>12} {:>12}", cells[0], cells[1], cells[2]);
    }
    match target_survives() {
        Ok(()) => {
            println!("SIGKILL in a release: its services are gone, the revisions of the target serve on");
        }
        Err(why) => {
            wrong += 1;
            println!("SIGKILL in a release: {why}");
        }
    }
    let text = format!(
        "{tried} ways to end a runner with hidden children, {wrong} with survivors, the slowest gone after {slowest} ms"
    );
    Ok(Verdict::new(text, wrong == 0))
}
