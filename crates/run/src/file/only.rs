//! A part of a pipeline alone: one stage, or one deploy job, with what an earlier run had finished.

use std::collections::BTreeMap;

use pipeline_core::{Body, Job, Reused};

use super::jobs::SERVICES;
use super::problem::Problems;
use crate::{ArtifactRef, ReleaseSpec};

/// Which part.
#[derive(Clone, Copy, Debug)]
pub enum Pick<'a> {
    /// All jobs of a stage, and the services.
    Stage(&'a str),
    /// One deploy job, without services. Needs that no earlier run had finished do not hold it.
    Deploy {
        /// Its name.
        job: &'a str,
        /// The artifact instead of the one that the file names.
        digest: Option<&'a str>,
    },
}

/// A part alone.
#[derive(Clone, Copy, Debug)]
pub struct Only<'a> {
    /// Which part.
    pub pick: Pick<'a>,
    /// Id of the earlier run; empty for none.
    pub from: &'a str,
    /// Jobs that had succeeded there, with their outputs.
    pub finished: &'a BTreeMap<String, BTreeMap<String, String>>,
}

/// Leaves the part, takes over what it needs from the earlier run, and leaves the rest out.
pub(super) fn keep(
    file: &str,
    stages: &[String],
    jobs: &mut [Job<ReleaseSpec>],
    only: &Only<'_>,
) -> Result<(), Problems> {
    let kept = match only.pick {
        Pick::Stage(stage) => kept_of_stage(file, stages, jobs, stage)?,
        Pick::Deploy { job, digest } => kept_deploy(file, jobs, only, job, digest)?,
    };
    let needed = needed(jobs, &kept);
    let mut missing = Vec::new();
    for ((job, kept), needed) in jobs.iter_mut().zip(kept).zip(needed) {
        if kept {
            continue;
        }
        match only.finished.get(job.name.as_str()) {
            Some(outputs) => {
                job.reused = Some(Reused { run: only.from.to_owned(), outputs: outputs.clone() });
            }
            None if needed => missing.push(job.name.to_string()),
            None => job.left_out = true,
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let (part, missing) = (part(only), missing.join(", "));
    let message = match only.from {
        "" => format!("{part} needs {missing}, and no earlier run is given"),
        from => format!("{part} needs {missing}, which run {from} did not finish"),
    };
    Err(Problems::one(file, 1, 1, message, "give --from a run in which they succeeded"))
}

fn part(only: &Only<'_>) -> String {
    match only.pick {
        Pick::Stage(stage) => format!("--only {stage}"),
        Pick::Deploy { job, .. } => format!("--job {job}"),
    }
}

fn kept_of_stage(
    file: &str,
    stages: &[String],
    jobs: &[Job<ReleaseSpec>],
    stage: &str,
) -> Result<Vec<bool>, Problems> {
    let Some(index) = stages.iter().position(|name| name == stage && name != SERVICES) else {
        let known: Vec<&str> = stages.iter().map(String::as_str).filter(|name| *name != SERVICES).collect();
        let message = format!("--only {stage}: there is no such stage");
        return Err(Problems::one(file, 1, 1, message, &format!("the stages are: {}", known.join(", "))));
    };
    Ok(jobs.iter().map(|job| job.stage as usize == index || is_service(job)).collect())
}

fn kept_deploy(
    file: &str,
    jobs: &mut [Job<ReleaseSpec>],
    only: &Only<'_>,
    name: &str,
    digest: Option<&str>,
) -> Result<Vec<bool>, Problems> {
    let deploys: Vec<String> = jobs
        .iter()
        .filter(|job| matches!(job.body, Body::Deploy(_)))
        .map(|job| job.name.to_string())
        .collect();
    if !deploys.iter().any(|deploy| deploy == name) {
        let message = format!("--job {name}: there is no such deploy job");
        return Err(Problems::one(
            file,
            1,
            1,
            message,
            &format!("the deploy jobs are: {}", deploys.join(", ")),
        ));
    }
    let done: Vec<bool> = jobs.iter().map(|job| only.finished.contains_key(job.name.as_str())).collect();
    let is_done = |index: u32| done.get(index as usize).copied().unwrap_or(false);
    for job in jobs.iter_mut().filter(|job| job.name.as_str() == name) {
        job.needs.retain(|need| is_done(need.job));
        let (Body::Deploy(spec), Some(digest)) = (&mut job.body, digest) else { continue };
        if let ArtifactRef::Output(output) = &spec.workload.artifact {
            let output = output.rsplit_once('.').map_or("", |(_, output)| output).to_owned();
            job.reads.retain(|read| read.output != output);
        }
        spec.workload.artifact = ArtifactRef::Digest(digest.to_owned());
    }
    Ok(jobs.iter().map(|job| job.name.as_str() == name).collect())
}

/// Jobs outside the part that it waits for or reads.
fn needed(jobs: &[Job<ReleaseSpec>], kept: &[bool]) -> Vec<bool> {
    let mut needed = vec![false; jobs.len()];
    for (job, _) in jobs.iter().zip(kept).filter(|(_, kept)| **kept) {
        let of = job.needs.iter().map(|need| need.job).chain(job.reads.iter().map(|read| read.job));
        for index in of {
            if let Some(flag) = needed.get_mut(index as usize) {
                *flag = true;
            }
        }
    }
    needed
}

fn is_service<D>(job: &Job<D>) -> bool {
    matches!(&job.body, Body::Command(command) if command.service)
}
