//! What can be wrong about a run that is there: its name, its journal, its questions, its target.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::bed::{Bed, Trial, Tried};
use super::machine::SMALL;
use super::{Case, case};
use crate::programs::{free_port, signal, until, wait};

const PATIENCE: Duration = Duration::from_secs(20);

/// A run that waits for an answer.
const WAITING: &str = "pipeline: waiting
stages: [a]
targets:
  here: {class: local, port: PORT}
jobs:
  ask:
    stage: a
    approval: {for: ship, within: 1h, otherwise: reject}
  build:
    stage: a
    run: [{sh: 'echo > \"$NOVA_WORK/a\"'}]
    artifacts: {api: a}
  ship:
    stage: a
    needs: [ask, build]
    deploy:
      target: here
      version: '1'
      artifact: {from: build, output: api}
      probes: {ready: {http: /ready}}
      strategy: {blue_green: {steps: [100]}}
";

/// A run that deploys at once.
pub(super) fn deploy_file(port: &str) -> String {
    let text = WAITING.replace("PORT", port).replace("needs: [ask, build]", "needs: [build]");
    let ask = "  ask:\n    stage: a\n    approval: {for: ship, within: 1h, otherwise: reject}\n";
    text.replace(ask, "")
}

pub(super) const CASES: &[Case] = &[
    case("resume of a run that is not there", 2, &["there is no run r-1"], |bed| {
        ended(bed)?;
        call(bed, &["resume", "r-1"])
    }),
    case("a run named by a path", 2, &["not the name of a run"], |bed| {
        ended(bed)?;
        call(bed, &["show", "../../etc"])
    }),
    case("show without a state folder", 2, &["there is no state folder", "--state-dir"], |bed| {
        call(bed, &["show", "last"])
    }),
    case("show of the last of none", 2, &["there is no run in"], |bed| {
        fs::create_dir_all(bed.path().join("state/runs")).map_err(|e| e.to_string())?;
        call(bed, &["show", "last"])
    }),
    case("resume of a run that has ended", 2, &["has ended with code 0", "nothing to resume"], |bed| {
        ended(bed)?;
        call(bed, &["resume", "last"])
    }),
    case("cancel of a run that has ended", 2, &["has ended"], |bed| {
        ended(bed)?;
        call(bed, &["cancel", "last"])
    }),
    case("approve of a run that has ended", 2, &["has ended"], |bed| {
        ended(bed)?;
        call(bed, &["approve", "last", "x"])
    }),
    case("approve of a job that does not ask", 2, &["build waits for no answer"], |bed| {
        waiting(bed)?;
        call(bed, &["approve", "last", "build"])
    }),
    case("approve of a job that is none", 2, &["nobody"], |bed| {
        waiting(bed)?;
        call(bed, &["approve", "last", "nobody"])
    }),
    case("resume with a flipped byte", 2, &["record 2", "a byte was changed"], |bed| {
        damaged(bed, |lines| lines[2] = lines[2].replacen("\"ts\":", "\"ts\":1", 1), &["resume", "last"])
    }),
    case("resume with a cut journal", 2, &["cut: the journal ends at record"], |bed| {
        damaged(bed, |lines| lines.truncate(2), &["resume", "last"])
    }),
    case("resume with a reordered record", 2, &["reordered: record"], |bed| {
        damaged(bed, |lines| lines.swap(1, 2), &["resume", "last"])
    }),
    case("resume without a header", 2, &["header"], |bed| {
        damaged(bed, |lines| "{}".clone_into(&mut lines[0]), &["resume", "last"])
    }),
    case("nova-replay with a flipped byte", 2, &["record 2", "a byte was changed"], |bed| {
        break_journal(bed, |lines| lines[2] = lines[2].replacen("\"ts\":", "\"ts\":1", 1))?;
        bed.tried(bed.command("nova-replay").args(["last", "--state-dir", "state"]))
    }),
    case("nova-replay of a run that is not there", 2, &["r-1"], |bed| {
        ended(bed)?;
        bed.tried(bed.command("nova-replay").args(["r-1", "--state-dir", "state"]))
    }),
    case("--only of a stage that is none", 2, &["--only z", "the stages are: a"], |bed| {
        ended(bed)?;
        call(bed, &["run", "small.yaml", "--only", "z", "--from", "last"])
    }),
    case("--only without what it needs", 2, &["needs", "did not finish", "--from"], |bed| {
        let two = SMALL.replace("stages: [a]", "stages: [a, b]");
        bed.write("two.yaml", format!("{two}  y:\n    stage: b\n    needs: [z]\n    run: [{{cmd: [\"true\"]}}]\n  z:\n    stage: a\n    run: [{{cmd: [\"true\"]}}]\n"))?;
        ended(bed)?;
        call(bed, &["run", "two.yaml", "--only", "b", "--from", "last"])
    }),
    case("--only of a run that is not there", 2, &["there is no run r-1"], |bed| {
        ended(bed)?;
        call(bed, &["run", "small.yaml", "--only", "a", "--from", "r-1"])
    }),
    case("prune with no time", 2, &["--older soon", "write a time"], |bed| {
        ended(bed)?;
        call(bed, &["runs", "prune", "--older", "soon"])
    }),
    case(
        "two runs on one target",
        2,
        &["the target here is held by run", "wait for it, or end it"],
        two_runs,
    ),
    case("nova-local: started again on another port", 2, &["already serves", "stop it first"], other_port),
    case("nova-local: an upgrade to a program that is none", 2, &["nowhere"], bad_upgrade),
    case("abort of a target that is none", 2, &["nowhere"], |bed| {
        ended(bed)?;
        bed.tried(bed.command("nova-rollout").args(["abort", "--target", "nowhere", "--state-dir", "state"]))
    }),
];

/// The subcommand with the state folder of the case.
fn call(bed: &Bed, args: &[&str]) -> Trial {
    bed.tried(bed.command("nova-pipeline").args(args).args(["--state-dir", "state"]))
}

/// A run that has ended.
fn ended(bed: &Bed) -> Result<(), String> {
    bed.write("small.yaml", SMALL)?;
    expect(bed, &["run", "small.yaml", "--state-dir", "state"], 0)
}

/// A run that waits, and whose runner is gone.
fn waiting(bed: &Bed) -> Result<(), String> {
    bed.write("waiting.yaml", WAITING.replace("PORT", &free_port()?.to_string()))?;
    expect(bed, &["run", "waiting.yaml", "--stop-at-gate", "--state-dir", "state"], 14)
}

fn expect(bed: &Bed, args: &[&str], code: i32) -> Result<(), String> {
    let said = Bed::output(bed.command("nova-pipeline").args(args))?;
    if said.status.code() == Some(code) {
        return Ok(());
    }
    Err(format!("{args:?} ended with {}: {}", said.status, String::from_utf8_lossy(&said.stderr)))
}

fn break_journal(bed: &Bed, damage: fn(&mut Vec<String>)) -> Result<(), String> {
    waiting(bed)?;
    let runs = fs::read_dir(bed.path().join("state/runs")).map_err(|error| error.to_string())?;
    let journals = runs.flatten().map(|run| run.path().join("journal"));
    let journal: PathBuf = journals.last().ok_or("there is no run")?;
    let text = fs::read_to_string(&journal).map_err(|error| error.to_string())?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.len() < 4 {
        return Err(format!("the journal has only {} lines", lines.len()));
    }
    damage(&mut lines);
    fs::write(&journal, lines.join("\n") + "\n").map_err(|error| error.to_string())
}

fn damaged(bed: &Bed, damage: fn(&mut Vec<String>), args: &[&str]) -> Trial {
    break_journal(bed, damage)?;
    call(bed, args)
}

/// The second run is told who holds the target; the first one is ended by a signal.
fn two_runs(bed: &Bed) -> Trial {
    bed.write("deploy.yaml", deploy_file(&free_port()?.to_string()))?;
    let args = ["run", "deploy.yaml", "--state-dir", "state"];
    let mut first = bed.command("nova-pipeline");
    let first = first.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut first: Child = first.spawn().map_err(|error| error.to_string())?;
    let held = until(PATIENCE, || {
        let mut status = bed.command("nova-local");
        let status = status.args(["status", "--state", "state/targets/here", "--output", "json"]);
        Bed::output(status).is_ok_and(|said| {
            String::from_utf8_lossy(&said.stdout).contains("\"holder\": \"")
                || String::from_utf8_lossy(&said.stdout).contains("\"holder\":\"")
        })
    });
    let second = Bed::output(bed.command("nova-pipeline").args(args));
    signal(first.id(), "INT", false);
    let end = wait(&mut first, PATIENCE);
    let _ = Bed::output(bed.command("nova-local").args(["stop", "--state", "state/targets/here"]));
    let second = second?;
    if !held || end.is_none() {
        return Err(format!("the first run did not hold its target or did not end: {held} {end:?}"));
    }
    let runs = fs::read_dir(bed.path().join("state/runs")).map_or(0, Iterator::count);
    let left = if runs == 1 { Vec::new() } else { vec![format!("{runs} run folders")] };
    let message = String::from_utf8_lossy(&second.stderr).trim_end().to_owned();
    Ok(Tried::Said(super::bed::Said { code: second.status.code().unwrap_or(-1), message, left }))
}

/// Asks a target that runs for something bad, and stops it.
fn with_target(bed: &Bed, args: &[&str]) -> Trial {
    let begun = Bed::output(bed.command("nova-local").args(["start", "--state", "t", "--port", "0"]))?;
    if !begun.status.success() {
        return Err(String::from_utf8_lossy(&begun.stderr).into_owned());
    }
    let asked = Bed::output(bed.command("nova-local").args(args));
    let still = Bed::output(bed.command("nova-local").args(["status", "--state", "t"]))?;
    let stopped = Bed::output(bed.command("nova-local").args(["stop", "--state", "t"]))?;
    let asked = asked?;
    let mut left = Vec::new();
    if !still.status.success() || !stopped.status.success() {
        left.push("a target that does not serve any more".to_owned());
    }
    let message = String::from_utf8_lossy(&asked.stderr).trim_end().to_owned();
    Ok(Tried::Said(super::bed::Said { code: asked.status.code().unwrap_or(-1), message, left }))
}

fn other_port(bed: &Bed) -> Trial {
    let port = free_port()?.to_string();
    with_target(bed, &["start", "--state", "t", "--port", &port])
}

fn bad_upgrade(bed: &Bed) -> Trial {
    with_target(bed, &["upgrade", "--state", "t", "--program", "nowhere"])
}
