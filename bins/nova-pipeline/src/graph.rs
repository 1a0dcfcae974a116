//! The graph of a pipeline: as text, and as Mermaid.

use std::fmt::Write as _;

use pipeline_core::{Body, EffectClass, Job};
use run::{Definition, ReleaseSpec};

/// Stages with their jobs, what each is, and what it needs.
pub fn text(definition: &Definition) -> String {
    let plan = &definition.plan;
    let mut out = format!("{} ({})\n", definition.name, definition.file);
    for (name, value) in &definition.inputs {
        let _ = writeln!(out, "  input {name} = {value:?}");
    }
    for (index, stage) in plan.stages().iter().enumerate() {
        let jobs: Vec<_> = plan.jobs().iter().filter(|job| job.stage as usize == index).collect();
        if jobs.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{stage}");
        for job in jobs {
            let needs: Vec<&str> =
                job.needs.iter().filter_map(|need| plan.job(need.job)).map(|of| of.name.as_str()).collect();
            let after = if needs.is_empty() { String::new() } else { format!("  <- {}", needs.join(", ")) };
            let _ = writeln!(out, "  {:<22} {}{after}", job.name.as_str(), kind(job));
        }
    }
    out
}

fn kind(job: &Job<ReleaseSpec>) -> String {
    let mut kind = match &job.body {
        Body::Command(command) if command.service => "service".to_owned(),
        Body::Command(command) => match command.effect {
            EffectClass::Repeatable => "command".to_owned(),
            EffectClass::Once { probe: true } => "command, once, with a probe".to_owned(),
            EffectClass::Once { probe: false } => "command, once, a person says after a crash".to_owned(),
        },
        Body::Approval(approval) => match &approval.pre {
            Some(pre) => format!("approval, answered at {}", pre.written_at),
            None => format!("approval within {} s", approval.within_ms / 1000),
        },
        Body::Deploy(spec) => deploy(spec),
    };
    for (set, word) in [
        (job.cleanup, ", cleanup"),
        (job.tolerated, ", tolerated"),
        (job.left_out, ", left out"),
        (job.reused.is_some(), ", taken over"),
    ] {
        if set {
            kind.push_str(word);
        }
    }
    kind
}

fn deploy(spec: &ReleaseSpec) -> String {
    let plan = &spec.setup.plan;
    let steps: Vec<String> = plan.steps().iter().map(|step| step.percent.to_string()).collect();
    let silences = match spec.silences.as_ref().map(|silences| silences.alerts.len()) {
        None => String::new(),
        Some(1) => ", 1 silence".to_owned(),
        Some(several) => format!(", {several} silences"),
    };
    format!(
        "deploy {} to {}: blue-green {} %, bake {} s{silences}",
        spec.workload.version,
        spec.target,
        steps.join("/"),
        plan.bake_ms() / 1000
    )
}

/// The same as a Mermaid flowchart.
pub fn mermaid(definition: &Definition) -> String {
    let plan = &definition.plan;
    let mut out = "flowchart LR\n".to_owned();
    for (index, stage) in plan.stages().iter().enumerate() {
        let jobs: Vec<_> =
            plan.jobs().iter().enumerate().filter(|(_, job)| job.stage as usize == index).collect();
        if jobs.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  subgraph {stage}");
        for (number, job) in jobs {
            let (open, close) = match &job.body {
                Body::Approval(_) => ("{{", "}}"),
                Body::Deploy(_) => ("([", "])"),
                Body::Command(_) => ("[", "]"),
            };
            let _ = writeln!(out, "    j{number}{open}{}{close}", job.name);
        }
        out.push_str("  end\n");
    }
    for (number, job) in plan.jobs().iter().enumerate() {
        for need in &job.needs {
            let _ = writeln!(out, "  j{} --> j{number}", need.job);
        }
    }
    out
}
