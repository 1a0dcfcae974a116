//! A run as a picture of at most 80 columns: stages and jobs, and for every rollout its weight, both revisions, and
//! what comes next. Nothing in it needs colour to be understood.

use std::fmt::Write as _;

use machine::{Machine, Timestamp};
use pipeline_core::{Body, Status};
use release::{Phase, Release};
use run::{Rollout, Run};

use crate::summary::{marker, phase_name};

/// Columns that a line may have.
pub const COLUMNS: usize = 80;
/// Rows of jobs at most: the rest is counted.
const JOB_ROWS: usize = 24;

/// The picture at `now`.
pub fn picture(run: &Run, now: Timestamp) -> Vec<String> {
    let (Some(definition), Some(pipeline)) = (run.definition(), run.pipeline()) else { return Vec::new() };
    let mut lines = vec![format!("{}  run {}  {}", definition.name, definition.run, clock(now.as_millis()))];
    let (mut rows, mut hidden) = (Vec::new(), 0_usize);
    for (index, stage) in pipeline.plan().stages().iter().enumerate() {
        let of_stage = pipeline.plan().jobs().iter().zip(pipeline.states());
        let jobs: Vec<_> = of_stage.filter(|(job, _)| job.stage as usize == index).collect();
        if jobs.is_empty() {
            continue;
        }
        let begun = jobs.iter().any(|(_, state)| state.status != Status::Pending);
        let done = jobs.iter().filter(|(_, state)| state.status.settled()).count();
        let open = begun && done < jobs.len();
        // Of a stage that is too long to show, what runs and what went wrong is shown.
        let long = jobs.len() > JOB_ROWS;
        rows.push(format!("{} {:<12} {done}/{}", if open { ">" } else { " " }, stage.as_str(), jobs.len()));
        if !begun {
            continue;
        }
        for (job, state) in jobs {
            let quiet = matches!(state.status, Status::Succeeded | Status::Cached | Status::Pending);
            if quiet && (!open || long) || matches!(state.status, Status::Ready) && long {
                continue;
            }
            if rows.len() >= JOB_ROWS {
                hidden += 1;
                continue;
            }
            let until = state.ended.unwrap_or(now);
            let took = state.started.map(|from| clock(until.since(from))).unwrap_or_default();
            let remark = match (&state.status, &job.body) {
                (Status::Running, Body::Deploy(_)) => deploy_remark(run, job.name.as_str()),
                (Status::Waiting, _) => "waits for a person".to_owned(),
                _ => state.remark.clone().unwrap_or_default(),
            };
            rows.push(format!("    {} {:<22} {took:>6}  {remark}", marker(&state.status), job.name.as_str()));
        }
    }
    lines.append(&mut rows);
    if hidden > 0 {
        lines.push(format!("    ... and {hidden} more"));
    }
    for (path, rollout) in run.rollouts() {
        if rollout.release.progress() != machine::Progress::Ended {
            lines.push(String::new());
            lines.extend(rollout_lines(path.as_str(), rollout, now));
        }
    }
    lines.iter().map(|line| cut(line)).collect()
}

fn deploy_remark(run: &Run, job: &str) -> String {
    let rollout = run.rollouts().find(|(_, rollout)| rollout.job.as_str() == job);
    rollout.map(|(_, rollout)| phase_name(rollout.release.phase()).to_owned()).unwrap_or_default()
}

fn rollout_lines(path: &str, rollout: &Rollout<release::Panel>, now: Timestamp) -> Vec<String> {
    let release = &rollout.release;
    let percent = release.strategy().ordered();
    let filled = usize::from(percent) * 30 / 100;
    let bar: String = "#".repeat(filled) + &".".repeat(30 - filled);
    let held = if release.strategy().held() { ", held" } else { "" };
    let mut lines = vec![
        format!("  {path} on {}: {}{held}", rollout.target, phase_name(release.phase())),
        format!("    new version [{bar}] {percent:>3} %"),
        "                req/s   errors      p95".to_owned(),
    ];
    let shown = release.shown();
    lines.push(arm_line("new", &shown.new));
    if let Some(stable) = &shown.stable {
        lines.push(arm_line("stable", stable));
    }
    lines.push(format!("    next: {}", next(release, now)));
    lines
}

fn arm_line(name: &str, arm: &release::ArmShown) -> String {
    let seconds = (arm.over_ms as f64 / 1000.0).max(0.001);
    let rate = arm.requests as f64 / seconds;
    let errors = if arm.requests == 0 { 0.0 } else { arm.errors as f64 * 100.0 / arm.requests as f64 };
    let p95 = arm.p95_us.map_or_else(|| "-".to_owned(), |us| format!("{:.1} ms", us as f64 / 1000.0));
    format!("    {name:<8} {rate:>9.1} {errors:>7.2} % {p95:>9}")
}

/// What is decided next, and when at the latest.
fn next(release: &Release<release::Panel>, now: Timestamp) -> String {
    let left = |due: Timestamp| clock(due.since(now));
    let latest =
        release.deadline().map(|due| format!(", at the latest in {}", left(due))).unwrap_or_default();
    if let Some(question) = release.question() {
        return format!(
            "a person decides about {}; back to stable in {}",
            question.breach.rule,
            left(question.until)
        );
    }
    let counted = |wait: &release::Wait| format!("{} of {}", clock(wait.counted_ms), clock(wait.needed_ms));
    match release.phase() {
        Phase::Deploying => format!("first traffic when all instances are ready{latest}"),
        Phase::Previewing => format!("first traffic when the checks pass{latest}"),
        Phase::Shifting(_) => format!("the weight shows at the target{latest}"),
        Phase::Pausing(_, wait) => format!("the next step after {} with good data", counted(wait)),
        Phase::Baking(wait) => format!("the last checks after {} with good data", counted(wait)),
        Phase::Verifying => format!("promotion when the checks pass{latest}"),
        Phase::Promoting => format!("the target makes it stable{latest}"),
        Phase::Decommissioning => format!("the old version ends{latest}"),
        Phase::Restoring => "all traffic back on stable".to_owned(),
        Phase::Clearing => format!("the new version ends{latest}"),
        Phase::Idle => "the target answers".to_owned(),
        Phase::Promoted | Phase::Aborted => "the target is given back".to_owned(),
    }
}

fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds >= 60 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{seconds}.{}s", ms % 1000 / 100)
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(COLUMNS - 1).collect();
    let _ = write!(short, "~");
    short
}
