//! The end of a run in words: the code, what was seen, what was done, what it cost.

use machine::Machine;
use pipeline_core::Status;
use release::{Outcome, Phase};
use run::{Rollout, Run};
use serde::Serialize;

/// A run as a program reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its id.
    pub run: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Whether it has ended.
    pub ended: bool,
    /// Its exit code.
    pub code: i32,
    /// Jobs that did not do what they should, with the reason.
    pub reasons: Vec<String>,
    /// Every job.
    pub jobs: Vec<JobLine>,
    /// Every release.
    pub releases: Vec<ReleaseLine>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobLine {
    /// Its name.
    pub job: String,
    /// Its stage.
    pub stage: String,
    /// Where it is.
    pub status: String,
    /// Attempts.
    pub attempts: u32,
    /// From start to end, in milliseconds.
    pub took_ms: Option<u64>,
    /// In words.
    pub remark: Option<String>,
}

/// One release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseLine {
    /// `JOB#ATTEMPT`.
    pub path: String,
    /// Its target.
    pub target: String,
    /// How it ended, in words.
    pub outcome: String,
    /// The rule that led back, if one did.
    pub rule: Option<String>,
    /// What was seen, what was done, what it cost.
    pub lines: Vec<String>,
    /// Requests that failed on the new revision.
    pub failed_requests: u64,
    /// From the first bad request to all traffic on stable, in milliseconds.
    pub exposure_ms: Option<u64>,
}

/// The summary of a run as it stands.
pub fn summary(run: &Run) -> Option<Summary> {
    let (definition, pipeline) = (run.definition()?, run.pipeline()?);
    let conclusion = pipeline.conclusion();
    let stages = pipeline.plan().stages();
    let jobs = pipeline.plan().jobs().iter().zip(pipeline.states()).map(|(job, state)| JobLine {
        job: job.name.to_string(),
        stage: stages.get(job.stage as usize).map(ToString::to_string).unwrap_or_default(),
        status: state.status.name().to_owned(),
        attempts: state.attempts,
        took_ms: state.started.zip(state.ended).map(|(from, to)| to.since(from)),
        remark: state.remark.clone(),
    });
    Some(Summary {
        run: definition.run.clone(),
        pipeline: definition.name.clone(),
        ended: run.progress() == machine::Progress::Ended,
        code: conclusion.code,
        reasons: conclusion.reasons,
        jobs: jobs.collect(),
        releases: run.rollouts().map(|(path, rollout)| release_line(path.as_str(), rollout)).collect(),
    })
}

fn release_line(path: &str, rollout: &Rollout<release::Panel>) -> ReleaseLine {
    let (release, cost) = (&rollout.release, rollout.release.cost());
    ReleaseLine {
        path: path.to_owned(),
        target: rollout.target.to_string(),
        outcome: release
            .outcome()
            .map_or_else(|| phase_name(release.phase()).to_owned(), ToString::to_string),
        rule: cost.breach.as_ref().map(|breach| breach.rule.to_string()),
        lines: three_lines(rollout),
        failed_requests: cost.failed(),
        exposure_ms: cost.exposure_ms(),
    }
}

/// What was seen, what was done, what it cost. Empty for a release that did not go back.
pub fn three_lines(rollout: &Rollout<release::Panel>) -> Vec<String> {
    let Some(Outcome::Aborted { reason, stable }) = rollout.release.outcome() else { return Vec::new() };
    let cost = rollout.release.cost();
    let seen = cost.breach.as_ref().map_or_else(|| reason.clone(), ToString::to_string);
    let seen = cost.failing.as_ref().map_or_else(|| seen.clone(), |failing| format!("{seen}; {failing}"));
    let left = if *stable {
        "all traffic on stable"
    } else {
        "the target emptied, since there was no stable version"
    };
    let asked =
        if reason.contains("nobody answered") { "held, asked a person, nobody answered; " } else { "" };
    let restarted: Vec<String> = rollout.release.restarted().map(|slot| slot.to_string()).collect();
    let restarted = match restarted.len() {
        0 => String::new(),
        1 => format!("restarted instance {}; ", restarted.join("")),
        _ => format!("restarted instances {}; ", restarted.join(" and ")),
    };
    let done =
        format!("{asked}{restarted}took the release of {} on {} back: {left}", rollout.job, rollout.target);
    let paid = match (cost.peak_percent, cost.exposure_ms()) {
        (0, _) => "no user request was affected: the new version never had traffic".to_owned(),
        (peak, exposure) => {
            let since = exposure.map_or_else(String::new, |ms| {
                format!("{:.1} s from the first bad request to 100 % stable, ", ms as f64 / 1000.0)
            });
            format!(
                "{since}{} of {} requests failed on it, at most {peak} % of the traffic",
                cost.failed(),
                cost.requests()
            )
        }
    };
    vec![format!("seen: {seen}"), format!("done: {done}"), format!("cost: {paid}")]
}

/// The phase of a rollout in words.
pub const fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "waiting for the target",
        Phase::Deploying => "starting",
        Phase::Previewing => "checking before traffic",
        Phase::Shifting(_) => "shifting",
        Phase::Pausing(..) => "watching",
        Phase::Baking(_) => "baking",
        Phase::Verifying => "verifying",
        Phase::Promoting => "promoting",
        Phase::Decommissioning => "stopping the old version",
        Phase::Promoted => "promoted",
        Phase::Restoring => "returning to stable",
        Phase::Clearing => "stopping the new version",
        Phase::Aborted => "aborted",
    }
}

/// The marker of a status: readable without colour.
pub const fn marker(status: &Status) -> &'static str {
    match status {
        Status::Pending => " ",
        Status::Ready => ".",
        Status::Waiting => "?",
        Status::Running | Status::Probing => ">",
        Status::Succeeded => "+",
        Status::Cached => "=",
        Status::Failed => "x",
        Status::TimedOut => "t",
        Status::Cancelled => "c",
        Status::Skipped(_) => "-",
    }
}
