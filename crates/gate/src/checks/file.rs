//! The file of checks: small YAML. Each check has a name and one of `http`, `tcp`, `grpc`, `command`, `metrics`.

use std::collections::BTreeSet;

use health::checks::{Check, Kind, Pace};
use serde_saphyr::{Location, Spanned};

use super::raw::{RawCheck, RawChecks, RawPace, Text};
use super::written;
use crate::file::{Problem, Problems, yaml};
use crate::units;

/// Checks of one file.
const CHECKS_MAX: usize = 256;
/// An hour: the longest try, and the longest pause.
const TIME_MAX_MS: u64 = 3_600_000;
/// Ends in a row that decide, at most.
const ROW_MAX: u32 = 1_000;

/// Reads what is written of one kind.
type Read = fn(&str) -> Result<Kind, String>;

/// Reads a file of checks.
///
/// # Errors
/// All that is wrong with it, each with its place and mend.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Check>, Problems> {
    let raw: RawChecks = yaml(file, bytes)?;
    let mut reader = Reader { file, problems: Vec::new() };
    let count = raw.checks.value.len();
    if count == 0 || count > CHECKS_MAX {
        let mend = format!("write from 1 to {CHECKS_MAX} of them");
        reader.problem(raw.checks.referenced, format!("{count} checks"), &mend);
    }
    let defaults = reader.pace(raw.defaults, Pace::default());
    let mut names = BTreeSet::new();
    let mut checks = Vec::new();
    for raw in raw.checks.value {
        let (name, at) = (raw.value.name.value.clone(), raw.value.name.referenced);
        if name.trim().is_empty() || !names.insert(name.clone()) {
            reader.problem(
                at,
                format!("the name {name:?} is empty or stands twice"),
                "give each its own name",
            );
        }
        checks.extend(reader.check(raw, defaults));
    }
    if reader.problems.is_empty() { Ok(checks) } else { Err(Problems(reader.problems)) }
}

/// Gives meaning, and notes what has none.
struct Reader<'f> {
    file: &'f str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, at: Location, message: String, mend: &str) {
        let (line, column) = (at.line() as usize, at.column() as usize);
        let (file, mend) = (self.file.to_owned(), mend.to_owned());
        self.problems.push(Problem { file, line, column, message, mend });
    }

    fn check(&mut self, raw: Spanned<RawCheck>, defaults: Pace) -> Option<Check> {
        let at = raw.referenced;
        let mut raw = raw.value;
        let pace = raw.pace();
        let pace = self.pace(pace, defaults);
        let kind = self.kind(&raw, at)?;
        self.strangers(&raw, &kind);
        Some(Check { name: raw.name.value.clone(), kind: self.told(&raw, kind), pace })
    }

    /// What is tried: exactly one of the five.
    fn kind(&mut self, raw: &RawCheck, at: Location) -> Option<Kind> {
        let words = [
            raw.http.as_ref().map(|text| (text, written::http as Read)),
            raw.tcp.as_ref().map(|text| (text, written::tcp as _)),
            raw.grpc.as_ref().map(|text| (text, written::grpc as _)),
            raw.metrics.as_ref().map(|text| (text, metrics as _)),
        ];
        let words: Vec<(&Text, Read)> = words.into_iter().flatten().collect();
        match (words.as_slice(), &raw.command) {
            ([(text, read)], None) => match read(&text.value) {
                Ok(kind) => Some(kind),
                Err(why) => {
                    let mend = "write http: http://HOST:PORT/PATH, tcp: HOST:PORT, grpc: HOST:PORT, \
                                metrics: http://HOST:PORT/metrics";
                    self.problem(text.referenced, why, mend);
                    None
                }
            },
            ([], Some(argv)) if argv.value.iter().any(|word| !word.is_empty()) => {
                Some(Kind::Command { argv: argv.value.clone() })
            }
            _ => {
                let message = "a check has exactly one of http, tcp, grpc, command, metrics".to_owned();
                self.problem(at, message, "make it several checks, or say what is tried");
                None
            }
        }
    }

    /// Keys that mean nothing for this kind.
    fn strangers(&mut self, raw: &RawCheck, kind: &Kind) {
        let at = [
            ("status", "http", raw.status.as_ref().map(|it| it.referenced)),
            ("contains", "http", raw.contains.as_ref().map(|it| it.referenced)),
            ("json", "http", raw.json.as_ref().map(|it| it.referenced)),
            ("service", "grpc", raw.service.as_ref().map(|it| it.referenced)),
            ("prefix", "metrics", raw.prefix.as_ref().map(|it| it.referenced)),
            ("moves", "metrics", raw.moves.as_ref().map(|it| it.referenced)),
        ];
        for (key, of, at) in at {
            if let Some(at) = at.filter(|_| kind.word() != of) {
                let message = format!("{key} is asked of {of}, and this is {}", kind.word());
                self.problem(at, message, "leave it out");
            }
        }
    }

    /// The keys of its kind.
    fn told(&mut self, raw: &RawCheck, mut kind: Kind) -> Kind {
        match &mut kind {
            Kind::Http { expect, .. } => {
                expect.status = raw.status.as_ref().map(|it| it.value);
                expect.contains = raw.contains.as_ref().map(|it| it.value.clone());
                if let Some(json) = &raw.json {
                    if json.value.keys().any(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                        let message = "a key of json is a pointer and begins with /".to_owned();
                        self.problem(json.referenced, message, "write json: {/status: ok}");
                    }
                    expect.json = json.value.clone().into_iter().collect();
                }
                if let Some(status) = raw.status.as_ref().filter(|it| !(100..600).contains(&it.value)) {
                    let message = format!("{} is no status of HTTP", status.value);
                    self.problem(status.referenced, message, "write one such as 200");
                }
            }
            Kind::Grpc { service, .. } => {
                if let Some(named) = &raw.service {
                    service.clone_from(&named.value);
                }
            }
            Kind::Metrics { prefix, must_move, .. } => {
                *prefix = raw.prefix.as_ref().map_or_else(String::new, |it| it.value.clone());
                *must_move = raw.moves.as_ref().is_some_and(|it| it.value);
            }
            Kind::Tcp { .. } | Kind::Command { .. } => {}
        }
        kind
    }

    fn pace(&mut self, raw: RawPace, from: Pace) -> Pace {
        let time = |text: &str| units::millis_of(text).filter(|ms| (1..=TIME_MAX_MS).contains(ms));
        let grace = |text: &str| units::millis_of(text).filter(|ms| *ms <= 24 * TIME_MAX_MS);
        let jitter = |text: &str| units::share_of(text).map(|share| (share * 100.0).round() as u32);
        let times = "write a time from 1ms to 1h such as 2s";
        Pace {
            timeout_ms: self.read(raw.timeout.as_ref(), times, time).unwrap_or(from.timeout_ms),
            every_ms: self.read(raw.every.as_ref(), times, time).unwrap_or(from.every_ms),
            grace_ms: self
                .read(raw.grace.as_ref(), "write a time up to 24h such as 30s", grace)
                .unwrap_or(from.grace_ms),
            jitter_percent: self
                .read(raw.jitter.as_ref(), "write a percentage such as 10%", jitter)
                .unwrap_or(from.jitter_percent),
            failures: self.row(raw.failures.as_ref(), from.failures),
            successes: self.row(raw.successes.as_ref(), from.successes),
        }
    }

    fn read<T>(&mut self, text: Option<&Text>, mend: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let found = read(&text.value);
        if found.is_none() {
            self.problem(text.referenced, format!("{:?} cannot be read", text.value), mend);
        }
        found
    }

    fn row(&mut self, count: Option<&Spanned<u32>>, default: u32) -> u32 {
        let Some(count) = count else { return default };
        if !(1..=ROW_MAX).contains(&count.value) {
            let mend = format!("write a number from 1 to {ROW_MAX}");
            self.problem(count.referenced, format!("{} ends in a row decide nothing", count.value), &mend);
        }
        count.value
    }
}

/// A URL alone: in a file the prefix has a key of its own.
fn metrics(text: &str) -> Result<Kind, String> {
    if text.contains(',') {
        return Err(format!("{text:?}: the prefix has a key of its own in a file: prefix: dwcp_"));
    }
    written::metrics(text)
}
