//! The pipeline file: strict YAML, read into types, checked, filled in with inputs.
//!
//! All that is wrong is collected and shown together, each with its line, column and mend. YAML that cannot be read
//! at all stops at the first error. Anchors, aliases and unknown keys are refused.

mod commands;
mod deploy;
mod given;
mod jobs;
mod judge;
mod only;
mod ordered;
mod plan;
mod probes;
mod problem;
mod raw;
mod silences;
mod triggers;
mod units;

use std::collections::BTreeMap;

use machine::{Name, sha256_hex};
use pipeline_core::Plan;

pub use only::{Only, Pick};
pub use problem::{Problem, Problems};
pub use units::{bytes_of, millis_of};

use crate::{Definition, TargetSpec, Webhook};
use commands::{Context, at};
use raw::File;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Most values in a file: keys, texts, lists and mappings.
const MAX_VALUES: usize = 200_000;

/// Reads a file that the pipeline file names, by its path from the folder of that file; or says why it cannot be read.
pub type Beside<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// What is needed besides the file's text.
#[derive(Clone)]
pub struct Source<'a> {
    /// The file, as messages name it.
    pub file: &'a str,
    /// Absolute folder of the file.
    pub folder: &'a str,
    /// Its bytes.
    pub text: &'a [u8],
    /// Inputs that are set, by name.
    pub set: &'a BTreeMap<String, String>,
    /// Id of the run.
    pub run: &'a str,
    /// Who starts it.
    pub by: &'a str,
    /// Commands at a time.
    pub workers: u32,
    /// Only a part, with what an earlier run had finished.
    pub only: Option<Only<'a>>,
    /// Reads what lies beside it.
    pub beside: Beside<'a>,
}

/// Reads a pipeline file into the definition of a run.
///
/// # Errors
/// All that is wrong with it, each with its place and mend.
pub fn read(source: &Source<'_>) -> Result<Definition, Problems> {
    let raw = parse(source)?;
    let mut context = Context::new(source.file, source.beside);
    let inputs = inputs(&mut context, &raw, source.set);
    context.inputs = inputs.clone();
    context.check_name(&raw.pipeline, "pipeline");
    context.gives = jobs::gives(&raw);
    let targets = targets(&mut context, &raw);
    let compiled = jobs::compile(&mut context, &raw, &targets);
    let notify = notify(&mut context, &raw);
    context.finish()?;
    let mut jobs = compiled.jobs;
    if let Some(only) = source.only {
        only::keep(source.file, &compiled.stages, &mut jobs, &only)?;
    }
    let stages = compiled.stages.into_iter().map(Name::new).collect();
    let places: BTreeMap<String, (u64, u64)> = compiled.places;
    let plan =
        Plan::new(stages, jobs, source.workers).map_err(|error| plan_problem(source, &places, &error))?;
    check_required(source, &raw, &plan)?;
    Ok(Definition {
        name: raw.pipeline.value.clone(),
        run: source.run.to_owned(),
        file: source.file.to_owned(),
        folder: source.folder.to_owned(),
        digest: sha256_hex(source.text),
        by: source.by.to_owned(),
        inputs,
        targets,
        plan,
        commands: compiled.commands,
        notify,
    })
}

fn parse(source: &Source<'_>) -> Result<File, Problems> {
    let whole = |message: String, mend: &str| Problems::one(source.file, 1, 1, message, mend);
    if source.text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", source.text.len());
        return Err(whole(message, "split it, or move data out of it"));
    }
    let text = std::str::from_utf8(source.text).map_err(|error| {
        let line = source.text.iter().take(error.valid_up_to()).filter(|b| **b == b'\n').count() as u64 + 1;
        Problems::one(source.file, line, 1, "not UTF-8 text".to_owned(), "save the file as UTF-8")
    })?;
    let budget =
        serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_nodes: MAX_VALUES, max_depth: 64 };
    let options = serde_saphyr::options! {
        budget: budget,
        with_snippet: false,
        strict_booleans: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| problem::from_yaml(source.file, text, &error))
}

fn inputs(context: &mut Context<'_>, raw: &File, set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, input) in raw.inputs.iter() {
        context.check_name(name, "input");
        let value = set.get(&name.value).cloned().unwrap_or_else(|| input.default.value.to_string());
        if !input.one_of.is_empty() && !input.one_of.iter().any(|allowed| allowed.to_string() == value) {
            let allowed: Vec<String> = input.one_of.iter().map(ToString::to_string).collect();
            let message = format!("the input {} is {value:?}", name.value);
            context.problem(at(name), message, format!("write one of: {}", allowed.join(", ")));
        }
        values.insert(name.value.clone(), value);
    }
    for name in set.keys().filter(|name| !values.contains_key(*name)) {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        let mend = match known.as_slice() {
            [] => "take it away; this file has no inputs".to_owned(),
            known => format!("the inputs of this file are: {}", known.join(", ")),
        };
        context.problem((1, 1), format!("--set {name}: there is no input of that name"), mend);
    }
    values
}

fn targets(context: &mut Context<'_>, raw: &File) -> BTreeMap<Name, TargetSpec> {
    let mut targets = BTreeMap::new();
    for (name, target) in raw.targets.iter() {
        context.check_name(name, "target");
        if target.class.value != "local" {
            let message = format!("the target {} is of class {}", name.value, target.class.value);
            context.problem(
                at(&target.class),
                message,
                "write class: local; it is the only class so far".to_owned(),
            );
        }
        let Some(port) = context.text(&target.port) else { continue };
        match port.parse::<u16>() {
            Ok(port) if port > 0 => {
                targets
                    .insert(Name::new(&name.value), TargetSpec { class: target.class.value.clone(), port });
            }
            _ => {
                let mend = "write a number from 1 to 65535".to_owned();
                context.problem(at(&target.port), format!("{port:?} is no port"), mend);
            }
        }
    }
    targets
}

fn notify(context: &mut Context<'_>, raw: &File) -> Vec<Webhook> {
    let mut hooks = Vec::new();
    for notify in &raw.notify {
        let Some(port) = context.text(&notify.port) else { continue };
        let path = &notify.path.value;
        if port.parse::<u16>().is_err() || !path.starts_with('/') {
            let mend = "write {webhook: 127.0.0.1, port: 18900, path: /hook}".to_owned();
            context.problem(at(&notify.webhook), format!("{port:?} and {path:?} are no address"), mend);
            continue;
        }
        hooks.push(Webhook { url: format!("http://{}:{port}{path}", notify.webhook.value) });
    }
    hooks
}

fn plan_problem(
    source: &Source<'_>,
    places: &BTreeMap<String, (u64, u64)>,
    error: &pipeline_core::PlanError,
) -> Problems {
    use pipeline_core::PlanError::{Cycle, Duplicate, NotAnAncestor, TooManyJobs, UnknownNeed};
    let name = match error {
        Cycle(names) => names.first(),
        Duplicate(name) | UnknownNeed(name) => Some(name),
        NotAnAncestor { job, .. } => Some(job),
        TooManyJobs(_) => None,
    };
    let mend = match error {
        Cycle(_) => "take one of these needs away",
        NotAnAncestor { .. } => "an output can be read only after its job",
        _ => "see the message",
    };
    let (line, column) = name.and_then(|name| places.get(name.as_str())).copied().unwrap_or((1, 1));
    Problems::one(source.file, line, column, error.to_string(), mend)
}

fn check_required(source: &Source<'_>, raw: &File, plan: &Plan<crate::ReleaseSpec>) -> Result<(), Problems> {
    let mut problems = Vec::new();
    for required in &raw.require {
        if plan.index(&required.value).is_none() {
            let (line, column) = at(required);
            let message = format!("require: there is no job {}", required.value);
            let mend = "name a job of this file".to_owned();
            problems.push(Problem { file: source.file.to_owned(), line, column, message, mend });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}
