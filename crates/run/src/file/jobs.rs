//! Jobs and services: from the file to the plan, with the commands that they run.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Millis, Name};
use pipeline_core::{Approval, Body, Command, EffectClass, Job, Need, OutputRef, PreAnswer, Retry};
use serde_saphyr::Spanned;

use super::commands::{Context, at, name};
use super::deploy;
use super::given::Needs;
use super::raw::{File, RawApproval, RawEffect, RawJob, RawRetry, RawService};
use crate::{ArtifactRef, CommandSpec, ReadyCheck, ReleaseSpec, TargetSpec, Value};

/// Longest time of a command where nothing is said.
const COMMAND_MS: Millis = 3_600_000;
/// Longest time of a deploy job where nothing is said.
const DEPLOY_MS: Millis = 6 * 3_600_000;
/// The stage of services.
pub(super) const SERVICES: &str = "services";

/// What the jobs of a file become.
pub(super) struct Compiled {
    pub(super) jobs: Vec<Job<ReleaseSpec>>,
    pub(super) stages: Vec<String>,
    pub(super) commands: BTreeMap<Name, CommandSpec>,
    /// Line and column of each job's name.
    pub(super) places: BTreeMap<String, (u64, u64)>,
}

pub(super) fn compile(
    context: &mut Context<'_>,
    raw: &File,
    targets: &BTreeMap<Name, TargetSpec>,
) -> Compiled {
    let mut stages: Vec<String> = raw.stages.iter().map(|s| s.value.clone()).collect();
    stages.push(SERVICES.to_owned());
    check_stages(context, raw);
    let names = index_names(context, raw);
    let mut compiled =
        Compiled { jobs: Vec::new(), stages, commands: BTreeMap::new(), places: BTreeMap::new() };
    if raw.jobs.iter().next().is_none() {
        context.problem((1, 1), "the pipeline has no job".to_owned(), "add one under jobs:".to_owned());
    }
    for (of, job) in raw.jobs.iter() {
        compiled.places.insert(of.value.clone(), at(of));
        let (job, command) = compile_job(context, raw, &names, targets, &compiled.stages, of, job);
        compiled.jobs.push(job);
        compiled.commands.extend(command.map(|command| (name(of), command)));
    }
    for (of, service) in raw.services.iter() {
        compiled.places.insert(of.value.clone(), at(of));
        let stage = compiled.stages.len() as u32 - 1;
        let (job, command) = compile_service(context, &names, stage, of, service);
        compiled.jobs.push(job);
        compiled.commands.insert(name(of), command);
    }
    compiled
}

/// What each job gives: outputs and artifacts.
pub(super) fn gives(raw: &File) -> BTreeMap<String, BTreeSet<String>> {
    let of = |job: &RawJob| {
        let artifacts = job.artifacts.iter().map(|(name, _)| name.value.clone());
        job.outputs.iter().map(|output| output.value.clone()).chain(artifacts).collect()
    };
    raw.jobs.iter().map(|(name, job)| (name.value.clone(), of(job))).collect()
}

fn check_stages(context: &mut Context<'_>, raw: &File) {
    let mut known = BTreeSet::new();
    for stage in &raw.stages {
        context.check_name(stage, "stage");
        if stage.value == SERVICES {
            let mend = "choose another name; services have a stage of their own".to_owned();
            context.problem(at(stage), format!("{SERVICES} is reserved"), mend);
        }
        if !known.insert(stage.value.as_str()) {
            context.problem(
                at(stage),
                format!("{} is there twice", stage.value),
                "keep one of the two".to_owned(),
            );
        }
    }
}

fn index_names(context: &mut Context<'_>, raw: &File) -> BTreeMap<String, u32> {
    let mut names = BTreeMap::new();
    let all = raw.jobs.iter().map(|(name, _)| name).chain(raw.services.iter().map(|(name, _)| name));
    for (index, job) in all.enumerate() {
        context.check_name(job, "job");
        if names.insert(job.value.clone(), index as u32).is_some() {
            let message = format!("{} is there twice", job.value);
            context.problem(at(job), message, "jobs and services share their names; rename one".to_owned());
        }
    }
    names
}

fn compile_job(
    context: &mut Context<'_>,
    raw: &File,
    names: &BTreeMap<String, u32>,
    targets: &BTreeMap<Name, TargetSpec>,
    stages: &[String],
    of: &Spanned<String>,
    job: &RawJob,
) -> (Job<ReleaseSpec>, Option<CommandSpec>) {
    let stage = stages.iter().position(|s| *s == job.stage.value && s != SERVICES).unwrap_or_else(|| {
        let message = format!("there is no stage {}", job.stage.value);
        let known: Vec<&str> = stages.iter().map(String::as_str).filter(|s| *s != SERVICES).collect();
        context.problem(at(&job.stage), message, format!("use one of: {}", known.join(", ")));
        0
    });
    let mut needs = needs(context, names, of, &job.needs);
    for service in &job.services {
        needs.extend(context.index(service, names).map(|job| Need {
            job,
            accept_skipped: false,
            accept_any: false,
        }));
    }
    let (body, command) = body(context, raw, targets, of, job);
    let mut reads = BTreeSet::new();
    for output in outputs_read(&body, command.as_ref()) {
        reads.extend(output_ref(names, &output));
    }
    let default = if matches!(body, Body::Deploy(_)) { DEPLOY_MS } else { COMMAND_MS };
    let job = Job {
        name: name(of),
        stage: stage as u32,
        needs,
        body,
        retry: retry(context, job.retry.as_deref()),
        timeout_ms: context.millis(job.timeout.as_ref(), default).max(1),
        tolerated: job.tolerated,
        cleanup: job.cleanup,
        reads,
        reused: None,
        left_out: false,
    };
    (job, command)
}

fn needs(
    context: &mut Context<'_>,
    names: &BTreeMap<String, u32>,
    job: &Spanned<String>,
    needs: &Needs,
) -> Vec<Need> {
    let mut edges: Vec<Need> = Vec::new();
    for (of, raw) in &needs.0 {
        if of.value == job.value {
            context.problem(at(of), format!("{} needs itself", of.value), "take it away".to_owned());
            continue;
        }
        let Some(job) = context.index(of, names) else { continue };
        let mut edge = Need { job, accept_skipped: false, accept_any: false };
        for accept in &raw.accept {
            match accept.value.as_str() {
                "succeeded" | "cached" => {}
                "skipped" => edge.accept_skipped = true,
                other => {
                    let mend =
                        "write succeeded, cached or skipped; for any end write after: finished".to_owned();
                    context.problem(at(accept), format!("accept: {other} is not known"), mend);
                }
            }
        }
        match raw.after.as_ref().map(|after| (after, after.value.as_str())) {
            Some((_, "finished")) => edge.accept_any = true,
            Some((after, other)) => {
                context.problem(
                    at(after),
                    format!("after: {other} is not known"),
                    "write after: finished".to_owned(),
                );
            }
            None => {}
        }
        if edges.iter().any(|known| known.job == edge.job) {
            context.problem(
                at(of),
                format!("{} is needed twice", of.value),
                "keep one of the two".to_owned(),
            );
            continue;
        }
        edges.push(edge);
    }
    edges
}

fn body(
    context: &mut Context<'_>,
    raw: &File,
    targets: &BTreeMap<Name, TargetSpec>,
    of: &Spanned<String>,
    job: &RawJob,
) -> (Body<ReleaseSpec>, Option<CommandSpec>) {
    match (&job.run, &job.approval, &job.deploy) {
        (Some(_), None, None) => {
            let (command, spec) = command(context, job);
            (Body::Command(command), Some(spec))
        }
        (None, Some(approval), None) => {
            (Body::Approval(self::approval(context, raw, targets, approval)), None)
        }
        (None, None, Some(deploy)) => match deploy::compile(context, raw, targets, deploy) {
            Some(spec) => (Body::Deploy(Box::new(spec)), None),
            None => (nothing(), None),
        },
        _ => {
            let message = format!("{} must be exactly one of run:, approval: and deploy:", of.value);
            context.problem(
                at(of),
                message,
                "keep one of them; split the job in two if it does two things".to_owned(),
            );
            (nothing(), None)
        }
    }
}

/// Stands for a body that could not be read; the problem is recorded, so no run is made of it.
const fn nothing() -> Body<ReleaseSpec> {
    Body::Command(Command { effect: EffectClass::Repeatable, service: false })
}

fn command(context: &mut Context<'_>, job: &RawJob) -> (Command, CommandSpec) {
    let run = job.run.as_deref().unwrap_or_default();
    let mut spec = context.command(run, &job.env, &job.pass_env, job.dir.as_ref(), job.grace.as_ref());
    if let Some(place) = job.run.as_ref().filter(|run| run.is_empty()).map(|_| at(&job.stage)) {
        context.problem(place, "run: is empty".to_owned(), "write at least one command".to_owned());
    }
    for output in &job.outputs {
        context.check_name(output, "output");
    }
    spec.outputs = job.outputs.iter().map(|output| output.value.clone()).collect();
    for (output, path) in job.artifacts.iter() {
        context.check_name(output, "artifact");
        if path.value.starts_with('/') || path.value.split('/').any(|part| part == "..") {
            let mend = "write it into the folder NOVA_WORK, and give the path from there".to_owned();
            context.problem(at(path), format!("{:?} leads out of the job's work folder", path.value), mend);
        }
        spec.artifacts.insert(output.value.clone(), path.value.clone());
    }
    let effect = match job.effect.as_ref().map(|e| &e.value) {
        None | Some(RawEffect::Repeatable) => EffectClass::Repeatable,
        Some(RawEffect::Once(once)) => {
            spec.probe.clone_from(&once.probe);
            EffectClass::Once { probe: once.probe.is_some() }
        }
    };
    (Command { effect, service: false }, spec)
}

fn approval(
    context: &mut Context<'_>,
    raw: &File,
    targets: &BTreeMap<Name, TargetSpec>,
    approval: &Spanned<RawApproval>,
) -> Approval {
    let RawApproval { of, within, otherwise, answer } = &approval.value;
    let target =
        raw.jobs.iter().find(|(name, _)| name.value == of.value).and_then(|(_, job)| job.deploy.as_ref());
    if target.is_none() {
        let mend = "name the deploy job that it allows".to_owned();
        context.problem(at(of), format!("approval for: {} is no deploy job", of.value), mend);
    }
    let local = target
        .and_then(|deploy| targets.get(deploy.value.target.value.as_str()))
        .is_some_and(|target| target.class == "local");
    let mut yes_or_no = |text: &Spanned<String>, key: &str| match text.value.as_str() {
        "approve" => true,
        "reject" => false,
        other => {
            context.problem(
                at(text),
                format!("{key}: {other} is not known"),
                "write approve or reject".to_owned(),
            );
            false
        }
    };
    let otherwise = yes_or_no(otherwise, "otherwise");
    let granted = answer.as_ref().map(|answer| (yes_or_no(answer, "answer"), answer));
    if let (Some((_, answer)), false, true) = (granted, local, target.is_some()) {
        let mend = "take it away, and answer with `nova-pipeline approve`".to_owned();
        context.problem(
            at(answer),
            "an answer in the file is for a target of class local only".to_owned(),
            mend,
        );
    }
    let within_ms = context.millis(Some(within), 0).max(1);
    let pre = granted.map(|(granted, answer)| PreAnswer { granted, written_at: context.place(answer) });
    Approval { within_ms, otherwise, pre }
}

fn retry(context: &mut Context<'_>, retry: Option<&RawRetry>) -> Retry {
    let default = Retry::default();
    let Some(retry) = retry else { return default };
    Retry {
        attempts: context.count(Some(&retry.attempts), 1, 100),
        backoff_ms: context.millis(retry.backoff.as_ref(), default.backoff_ms),
        on_timeout: retry.on_timeout,
    }
}

fn compile_service(
    context: &mut Context<'_>,
    names: &BTreeMap<String, u32>,
    stage: u32,
    of: &Spanned<String>,
    service: &RawService,
) -> (Job<ReleaseSpec>, CommandSpec) {
    let mut spec = context.command(
        &service.run,
        &service.env,
        &service.pass_env,
        service.dir.as_ref(),
        service.grace.as_ref(),
    );
    let mut within = 30_000;
    spec.ready = Some(ReadyCheck::Started);
    if let Some(ready) = &service.ready {
        within = context.millis(Some(&ready.within), within);
        let port = context.text(&ready.tcp).and_then(|port| port.parse().ok());
        match port {
            Some(port) => spec.ready = Some(ReadyCheck::Tcp { port, within_ms: within }),
            None => context.problem(
                at(&ready.tcp),
                "no port".to_owned(),
                "write a number from 1 to 65535".to_owned(),
            ),
        }
    }
    if spec.run.len() != 1 {
        let message = format!("the service {} must be one command", of.value);
        context.problem(at(of), message, "use {sh: ...} for more than one".to_owned());
    }
    let mut reads = BTreeSet::new();
    for output in spec.env.values().filter_map(as_output) {
        reads.extend(output_ref(names, &output));
    }
    let job = Job {
        name: name(of),
        stage,
        needs: needs(context, names, of, &service.needs),
        body: Body::Command(Command { effect: EffectClass::Repeatable, service: true }),
        retry: Retry::default(),
        timeout_ms: within.max(1),
        tolerated: false,
        cleanup: false,
        reads,
        reused: None,
        left_out: false,
    };
    (job, spec)
}

fn outputs_read(body: &Body<ReleaseSpec>, command: Option<&CommandSpec>) -> Vec<String> {
    let of_release = match body {
        Body::Deploy(spec) => {
            let artifact = match &spec.workload.artifact {
                ArtifactRef::Output(output) => Some(output.clone()),
                ArtifactRef::Digest(_) => None,
            };
            let checks = spec.preview.iter().chain(&spec.verify);
            let envs = checks.flat_map(|check| check.command.env.values().filter_map(as_output));
            artifact.into_iter().chain(envs).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    let of_command = command.into_iter().flat_map(|spec| spec.env.values().filter_map(as_output));
    of_release.into_iter().chain(of_command).collect()
}

fn as_output(value: &Value) -> Option<String> {
    match value {
        Value::Output(output) => Some(output.clone()),
        _ => None,
    }
}

/// An output by the number of its job; one that no job gives is a problem that was recorded where it is written.
fn output_ref(names: &BTreeMap<String, u32>, output: &str) -> Option<OutputRef> {
    let (job, name) = output.rsplit_once('.')?;
    names.get(job).map(|job| OutputRef { job: *job, output: name.to_owned() })
}
