//! What is checked, and for how long: a file, or one option for each check.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gate::{checks as written, units};
use health::checks::{Check, Kind, Pace};

use super::play::Playing;
use crate::args::{given, millis};
use crate::failure::Failure;
use crate::files;

/// Reads what an option says.
type Read = fn(&str) -> Result<Kind, String>;

/// Bytes of a file of checks.
const FILE_MAX: u64 = 1 << 20;

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
    Junit,
}

/// What is tried.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChecksArgs {
    /// A file of checks; none is needed
    file: Option<PathBuf>,
    /// An answer of 200 to 299 passes
    #[arg(long, num_args = 1.., value_name = "URL")]
    http: Vec<String>,
    /// A connection passes
    #[arg(long, num_args = 1.., value_name = "HOST:PORT")]
    tcp: Vec<String>,
    /// SERVING of the gRPC health protocol passes
    #[arg(long, num_args = 1.., value_name = "HOST:PORT[/SERVICE]")]
    grpc: Vec<String>,
    /// Ending with 0 passes; words between blanks, no shell
    #[arg(long, num_args = 1.., value_name = "'PROGRAM ARGS'")]
    command: Vec<String>,
    /// Families of that prefix that are there and move pass
    #[arg(long, num_args = 1.., value_name = "URL[,PREFIX]")]
    metrics: Vec<String>,
    /// Try until all pass, at most so long [default: 30s]
    #[arg(long, value_name = "TIME", conflicts_with = "lasting")]
    within: Option<String>,
    /// They must keep passing for so long; ends early when one fails
    #[arg(long = "for", value_name = "TIME")]
    lasting: Option<String>,
    /// From one try to the next [default: 1s]
    #[arg(long, value_name = "TIME")]
    every: Option<String>,
    /// Of one try [default: 2s]
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// Failures in a row that make a check fail [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    failures: Option<u32>,
    /// Successes in a row that make it pass [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    successes: Option<u32>,
    /// So long after the start failures do not count, up to the first success [default: 0s]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// Stretches or cuts the time between two tries, so that many do not meet [default: 10%]
    #[arg(long, value_name = "PERCENT")]
    jitter: Option<String>,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(super) format: Form,
}

impl ChecksArgs {
    /// All that are meant; an option counts more than the file.
    pub(super) fn checks(&self) -> Result<Vec<Check>, Failure> {
        let mut checks = match &self.file {
            None => Vec::new(),
            Some(path) => {
                let bytes = files::bytes(path, FILE_MAX).map_err(Failure::usage)?;
                written::read(&path.display().to_string(), &bytes)?
            }
        };
        let words: [(&str, &[String], Read); 5] = [
            ("http", &self.http, written::http),
            ("tcp", &self.tcp, written::tcp),
            ("grpc", &self.grpc, written::grpc),
            ("command", &self.command, written::command),
            ("metrics", &self.metrics, written::metrics),
        ];
        for (option, texts, read) in words {
            for text in texts {
                let kind = read(text).map_err(|why| Failure::usage(format!("--{option} {why}")))?;
                let name = format!("{option} {}", kind.target());
                checks.push(Check { name, kind, pace: Pace::default() });
            }
        }
        for check in &mut checks {
            self.pace(&mut check.pace)?;
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = checks.iter().find(|check| !names.insert(&check.name)) {
            return Err(Failure::usage(format!("{:?} is checked twice; give it once", twice.name)));
        }
        if checks.is_empty() {
            let mend =
                "give a file, or --http URL, --tcp HOST:PORT, --grpc HOST:PORT, --command, --metrics URL";
            return Err(Failure::usage(format!("nothing to check: {mend}")));
        }
        Ok(checks)
    }

    fn pace(&self, pace: &mut Pace) -> Result<(), Failure> {
        for (name, text, value) in
            [("every", &self.every, &mut pace.every_ms), ("timeout", &self.timeout, &mut pace.timeout_ms)]
        {
            if let Some(text) = text {
                *value = millis(name, text)?;
            }
        }
        if let Some(text) = &self.grace {
            pace.grace_ms = given("grace", text, "a time such as 30s", units::millis_of)?;
        }
        if let Some(text) = &self.jitter {
            let share = given("jitter", text, "a percentage such as 10%", units::share_of)?;
            pace.jitter_percent = (share * 100.0).round() as u32;
        }
        pace.failures = self.failures.unwrap_or(pace.failures);
        pace.successes = self.successes.unwrap_or(pace.successes);
        Ok(())
    }

    /// How long.
    pub(super) fn playing(&self) -> Result<Playing, Failure> {
        let of = |ms: u64| Duration::from_millis(ms);
        match (&self.within, &self.lasting) {
            (_, Some(text)) => Ok(Playing { at_most: of(millis("for", text)?), keeps: true }),
            (Some(text), None) => Ok(Playing { at_most: of(millis("within", text)?), keeps: false }),
            (None, None) => Ok(Playing { at_most: of(30_000), keeps: false }),
        }
    }
}
