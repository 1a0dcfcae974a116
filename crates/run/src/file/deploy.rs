//! The body of a `deploy:` job: from the file to the specification of a release.

use std::collections::BTreeMap;

use machine::{Millis, Name};
use release::Setup;
use serde_saphyr::Spanned;

use super::commands::{Context, at, name};
use super::raw::{File, RawArtifact, RawDeploy, RawStrategy, Text};
use super::{judge, plan, probes, silences, triggers};
use crate::{ArtifactRef, Check, ReleaseSpec, TargetSpec, Value, Workload};

/// Times where nothing is said: the design's.
const LEASE_MS: Millis = 120_000;
const DRAIN_MS: Millis = 30_000;
const RETAIN_MS: Millis = 7 * 86_400_000;

pub(super) fn compile(
    context: &mut Context<'_>,
    raw: &File,
    targets: &BTreeMap<Name, TargetSpec>,
    deploy: &Spanned<RawDeploy>,
) -> Option<ReleaseSpec> {
    let of = &deploy.value;
    if !targets.contains_key(of.target.value.as_str()) {
        let known: Vec<&str> = targets.keys().map(Name::as_str).collect();
        let mend = format!("add it under targets:, or use one of: {}", known.join(", "));
        context.problem(at(&of.target), format!("there is no target {}", of.target.value), mend);
    }
    let workload = workload(context, of)?;
    let RawStrategy::BlueGreen(strategy) = &of.strategy;
    let plan = plan::compile(context, of, strategy)?;
    let (mut rules, policy) =
        triggers::compile(context, &of.triggers, workload.memory_limit_bytes, of.min_requests);
    rules.tests = judge::compile(context, of, &plan);
    let silences = of.silences.as_deref().and_then(|raw| silences::compile(context, raw, &plan));
    let overruled = of.unless_input.as_ref().is_some_and(|input| overruled(context, input));
    Some(ReleaseSpec {
        target: name(&of.target),
        setup: Setup { plan, policy, only_when_empty: of.only_when_empty && !overruled },
        rules,
        lease_ms: context.millis(of.lease.as_ref(), LEASE_MS).max(1_000),
        retain_ms: context.millis(of.retain.as_ref(), RETAIN_MS),
        preview: checks(context, raw, &of.preview),
        verify: checks(context, raw, &of.verify),
        silences,
        workload,
    })
}

fn overruled(context: &mut Context<'_>, input: &Text) -> bool {
    match context.inputs.get(&input.value) {
        Some(value) => !value.is_empty(),
        None => {
            let message = format!("unless_input: there is no input {}", input.value);
            context.problem(at(input), message, "add it under inputs:".to_owned());
            false
        }
    }
}

fn workload(context: &mut Context<'_>, of: &RawDeploy) -> Option<Workload> {
    let version = context.text(&of.version);
    let artifact = artifact(context, &of.artifact);
    let mut env = BTreeMap::new();
    for (name, value) in context.environment(&of.env) {
        match value {
            Value::Text(text) => {
                env.insert(name, text);
            }
            Value::Output(_) | Value::Secret(_) => {
                let message =
                    format!("{name}: a revision's environment is part of its name and must be known before");
                let place = of.env.iter().find(|(of, _)| of.value == name).map(|(_, value)| at(value));
                let mend = "write the value itself, or {input: NAME}".to_owned();
                context.problem(place.unwrap_or_else(|| at(&of.target)), message, mend);
            }
        }
    }
    let memory_limit_bytes = of.memory_limit.as_ref().and_then(|limit| context.bytes(limit));
    let probes = probes::compile(context, &of.probes);
    Some(Workload {
        version: version?,
        artifact: artifact?,
        args: of.args.clone(),
        env,
        instances: context.count(of.instances.as_ref(), 1, 64),
        memory_limit_bytes,
        probes: probes?,
        drain_max_ms: context.millis(of.drain.as_ref(), DRAIN_MS),
    })
}

fn artifact(context: &mut Context<'_>, artifact: &Spanned<RawArtifact>) -> Option<ArtifactRef> {
    match (&artifact.value.from, &artifact.value.output, &artifact.value.digest) {
        (Some(from), Some(output), None) => {
            let known = context.gives.contains_key(&from.value);
            let place = if known { at(output) } else { at(from) };
            context.check_given(place, &from.value, &output.value);
            Some(ArtifactRef::Output(format!("{}.{}", from.value, output.value)))
        }
        (None, None, Some(digest)) => {
            let hex = digest.value.strip_prefix("sha256:").unwrap_or("");
            if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
                return Some(ArtifactRef::Digest(digest.value.clone()));
            }
            let mend = "write sha256: and 64 hexadecimal digits in lower case".to_owned();
            context.problem(at(digest), format!("{:?} is no digest", digest.value), mend);
            None
        }
        _ => {
            let mend = "write {from: JOB, output: NAME} or {digest: sha256:...}".to_owned();
            context.problem(at(artifact), "an artifact is named in one way".to_owned(), mend);
            None
        }
    }
}

fn checks(context: &mut Context<'_>, raw: &File, names: &[Text]) -> Vec<Check> {
    let mut checks = Vec::new();
    for wanted in names {
        match raw.checks.iter().find(|(of, _)| of.value == wanted.value) {
            Some((of, check)) => {
                let command =
                    context.command(&check.run, &check.env, &check.pass_env, check.dir.as_ref(), None);
                checks.push(Check { name: name(of), command });
            }
            None => {
                let message = format!("there is no check {}", wanted.value);
                context.problem(at(wanted), message, "add it under checks:".to_owned());
            }
        }
    }
    checks
}
