//! What all parts of the file share: places, references, durations, and the commands of jobs, services and checks.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Millis, Name};
use serde_saphyr::Spanned;

use super::Beside;
use super::given::Given;
use super::ordered::Ordered;
use super::problem::{Problem, Problems};
use super::raw::{RawRun, Scalar, Text};
use super::units::{bytes_of, millis_of};
use crate::{CommandSpec, Value};

/// From SIGTERM to SIGKILL where nothing is said.
const GRACE_MS: Millis = 10_000;

/// Line and column of a value.
pub(super) fn at<T>(spanned: &Spanned<T>) -> (u64, u64) {
    (spanned.referenced.line(), spanned.referenced.column())
}

/// Collects what is wrong, and knows the inputs.
pub(super) struct Context<'a> {
    file: &'a str,
    /// Reads what lies beside the file.
    pub(super) beside: Beside<'a>,
    problems: Vec<Problem>,
    pub(super) inputs: BTreeMap<String, String>,
    /// What each job gives: outputs and artifacts.
    pub(super) gives: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Context<'a> {
    pub(super) const fn new(file: &'a str, beside: Beside<'a>) -> Self {
        Self { file, beside, problems: Vec::new(), inputs: BTreeMap::new(), gives: BTreeMap::new() }
    }

    pub(super) fn problem(&mut self, (line, column): (u64, u64), message: String, mend: String) {
        self.problems.push(Problem { file: self.file.to_owned(), line, column, message, mend });
    }

    pub(super) fn finish(&mut self) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_key(|p| (p.line, p.column));
        Err(Problems(problems))
    }

    /// File and line of a value, for a record.
    pub(super) fn place<T>(&self, of: &Spanned<T>) -> String {
        format!("{}:{}", self.file, at(of).0)
    }

    /// Names become parts of paths and keys: letters, digits, `-`, `_`, `.`, at most 64, beginning with a letter.
    pub(super) fn check_name(&mut self, name: &Spanned<String>, what: &str) {
        let text = &name.value;
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let good = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(inner)
            && !text.contains("..");
        if !good {
            let mend =
                "use letters, digits, '-', '_' and '.', beginning with a letter, at most 64".to_owned();
            let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            self.problem(at(name), format!("{text:?} is no name for {article} {what}"), mend);
        }
    }

    /// A value that must be known before the run: a text, or an input.
    pub(super) fn text(&mut self, given: &Scalar) -> Option<String> {
        match self.value(given)? {
            Value::Text(text) => Some(text),
            _ => {
                let mend = "write the value itself, or {input: NAME}".to_owned();
                self.problem(at(given), format!("{} is not known before the run", given.value), mend);
                None
            }
        }
    }

    /// A value for an environment.
    pub(super) fn value(&mut self, given: &Scalar) -> Option<Value> {
        match &given.value {
            Given::Text(text) => Some(Value::Text(text.clone())),
            Given::Output(output) => {
                let (job, name) = output.rsplit_once('.').unwrap_or((output, ""));
                self.check_given(at(given), job, name).then(|| Value::Output(output.clone()))
            }
            Given::Secret(name) => Some(Value::Secret(name.clone())),
            Given::Input(name) => match self.inputs.get(name) {
                Some(value) => Some(Value::Text(value.clone())),
                None => {
                    let known: Vec<&str> = self.inputs.keys().map(String::as_str).collect();
                    let mend = format!("add it under inputs:, or use one of: {}", known.join(", "));
                    self.problem(at(given), format!("there is no input {name}"), mend);
                    None
                }
            },
        }
    }

    /// Whether a job of this file gives that output or artifact.
    pub(super) fn check_given(&mut self, place: (u64, u64), job: &str, name: &str) -> bool {
        let Some(gives) = self.gives.get(job) else {
            let mend = "write {output: JOB.NAME} with a job of this file".to_owned();
            self.problem(place, format!("there is no job {job} that could give {name:?}"), mend);
            return false;
        };
        if gives.contains(name) {
            return true;
        }
        let known: Vec<&str> = gives.iter().map(String::as_str).collect();
        let mend = match known.as_slice() {
            [] => format!("add it under outputs: or artifacts: of {job}"),
            known => {
                format!("add it under outputs: or artifacts: of {job}, or use one of: {}", known.join(", "))
            }
        };
        self.problem(place, format!("{job} gives no {name:?}"), mend);
        false
    }

    pub(super) fn millis(&mut self, text: Option<&Text>, default: Millis) -> Millis {
        let Some(text) = text else { return default };
        millis_of(&text.value).unwrap_or_else(|| {
            let mend = "write a number with ms, s, m, h or d, e.g. 90s".to_owned();
            self.problem(at(text), format!("{:?} is no time", text.value), mend);
            default
        })
    }

    pub(super) fn bytes(&mut self, text: &Text) -> Option<u64> {
        let bytes = bytes_of(&text.value);
        if bytes.is_none() {
            let mend = "write a whole number with KiB, MiB or GiB, e.g. 256MiB".to_owned();
            self.problem(at(text), format!("{:?} is no size", text.value), mend);
        }
        bytes
    }

    /// A number that must not be zero.
    pub(super) fn count(&mut self, number: Option<&Spanned<u32>>, default: u32, most: u32) -> u32 {
        let Some(number) = number else { return default };
        if (1..=most).contains(&number.value) {
            return number.value;
        }
        self.problem(at(number), format!("{} is out of range", number.value), format!("write 1 to {most}"));
        default
    }

    pub(super) fn environment(&mut self, env: &Ordered<Scalar>) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, given) in env.iter() {
            let good = name.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !good {
                let mend = "use letters, digits and '_'".to_owned();
                self.problem(at(name), format!("{:?} is no name of a variable", name.value), mend);
            }
            if name.value.starts_with("NOVA_") && name.value != "NOVA_STATE" && !allowed(&name.value) {
                let mend = "names that begin with NOVA_ are set by the runner; choose another".to_owned();
                self.problem(at(name), format!("{} is reserved", name.value), mend);
            }
            if let Some(value) = self.value(given) {
                values.insert(name.value.clone(), value);
            }
        }
        values
    }

    /// The lines of `run:` as commands.
    pub(super) fn command(
        &mut self,
        run: &[Spanned<RawRun>],
        env: &Ordered<Scalar>,
        pass_env: &[String],
        dir: Option<&Text>,
        grace: Option<&Text>,
    ) -> CommandSpec {
        let lines = run.iter().filter_map(|line| self.line(line)).collect();
        let grace_ms = self.millis(grace, GRACE_MS);
        if let Some(dir) =
            dir.filter(|dir| dir.value.starts_with('/') || dir.value.split('/').any(|part| part == ".."))
        {
            let mend = "name a folder below that of the pipeline file".to_owned();
            self.problem(at(dir), format!("dir: {:?} leads out of the project", dir.value), mend);
        }
        CommandSpec {
            run: lines,
            env: self.environment(env),
            pass_env: pass_env.to_vec(),
            dir: dir.map(|dir| dir.value.clone()).unwrap_or_default(),
            grace_ms,
            ..CommandSpec::default()
        }
    }

    fn line(&mut self, line: &Spanned<RawRun>) -> Option<Vec<String>> {
        match (&line.value.cmd, &line.value.sh) {
            (Some(argv), None) if !argv.is_empty() => Some(argv.clone()),
            (None, Some(script)) => Some(vec!["sh".into(), "-eu".into(), "-c".into(), script.clone()]),
            _ => {
                let mend = "write {cmd: [PROGRAM, ARGUMENT, ...]} or {sh: \"SCRIPT\"}".to_owned();
                self.problem(at(line), "a line of run: is one command".to_owned(), mend);
                None
            }
        }
    }

    /// The job of that name.
    pub(super) fn index(&mut self, name: &Spanned<String>, names: &BTreeMap<String, u32>) -> Option<u32> {
        let found = names.get(&name.value).copied();
        if found.is_none() {
            let near = names.keys().min_by_key(|known| distance(known, &name.value));
            let mend = near
                .map_or_else(|| "define it".to_owned(), |near| format!("define it, or did you mean {near}?"));
            self.problem(at(name), format!("there is no job {}", name.value), mend);
        }
        found
    }
}

/// `NOVACRON_...` is the example's own; only the runner's names are reserved.
fn allowed(name: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "NOVA_EFFECT_KEY",
        "NOVA_JOB",
        "NOVA_ATTEMPT",
        "NOVA_OUTPUTS",
        "NOVA_WORK",
        "NOVA_RUN",
        "NOVA_URL",
        "NOVA_BIN",
        "NOVA_REVISION",
        "NOVA_SLOT",
    ];
    !RESERVED.contains(&name)
}

/// How many letters differ, roughly: enough to find a slip of the keyboard.
fn distance(a: &str, b: &str) -> usize {
    let common = a.chars().zip(b.chars()).filter(|(x, y)| x == y).count();
    a.len().max(b.len()).saturating_sub(common)
}

/// The name as the machines know it.
pub(super) fn name(text: &Spanned<String>) -> Name {
    Name::new(&text.value)
}
