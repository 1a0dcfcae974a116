//! One look at both revisions, and the record of many: JSON lines, the setup first. A record gives the same report again.

use std::collections::BTreeMap;
use std::fmt;

use health::sequential::{Counters, Counts, Seen};
use health::{Finite, Latency};
use serde::{Deserialize, Serialize};

use crate::{AlertSeen, Counted, Refusal, Setup};

/// Lines of one record.
const MOST_LINES: usize = 1_000_000;

/// How the scrape of an instance went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// With counts.
    #[default]
    Ok,
    /// No answer: a failed scrape.
    Lost,
    /// An answer that is no evidence.
    #[serde(alias = "nan")]
    Refused,
}

/// One instance at one look; counters are cumulative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Of the canary, or of stable.
    pub canary: bool,
    /// Its number within its arm.
    pub pod: u32,
    /// Its name: an address, a file, the label `instance`.
    #[serde(default)]
    pub name: String,
    /// How the scrape went.
    pub answer: Answer,
    /// Requests that ended.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Durations.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub latency: Latency,
    /// When its process started, in milliseconds of the record; before it, negative.
    #[serde(default)]
    pub started_ms: Option<i64>,
    /// Resident memory.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// By endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, Counts>,
}

fn is_empty(latency: &Latency) -> bool {
    latency.buckets().is_empty()
}

impl Pod {
    /// An instance whose scrape failed.
    pub fn lost(canary: bool, pod: u32, name: &str) -> Self {
        Self { canary, pod, name: name.to_owned(), answer: Answer::Lost, ..Self::default() }
    }

    /// An instance that was counted; `began_ms` is the wall time of the record's beginning.
    pub fn counted(canary: bool, pod: u32, name: &str, counted: &Counted, began_ms: i64) -> Self {
        let counts = counted.counts.unwrap_or_default();
        Self {
            canary,
            pod,
            name: name.to_owned(),
            answer: if counted.counts.is_some() { Answer::Ok } else { Answer::Refused },
            requests: counts.requests,
            errors: counts.bad,
            latency: counted.latency.clone(),
            started_ms: counted.started_ms.map(|ms| ms.saturating_sub(began_ms)),
            memory_bytes: counted.memory_bytes,
            endpoints: counted.endpoints.clone(),
        }
    }

    /// For the tests: nothing for what was refused, for it is neither evidence nor a failed scrape.
    pub(crate) fn seen(&self) -> Option<Seen> {
        let counters = match self.answer {
            Answer::Refused => return None,
            Answer::Lost => None,
            Answer::Ok => Some(self.counters()),
        };
        Some(Seen { instance: self.pod, counters })
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            requests: self.requests,
            bad: self.errors,
            latency: self.latency.clone(),
            started: self.started_ms,
        }
    }
}

/// One look at both revisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Milliseconds since the record began.
    pub at_ms: u64,
    /// All instances.
    pub pods: Vec<Pod>,
    /// Of the bounded metrics by name, in their own units; what gave none is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Finite>,
    /// What was read and is no evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// Alerts that hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertSeen>,
}

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one setup in a record, and it comes first")]
pub enum Line {
    /// The first one.
    Gate(Setup),
    /// One look.
    Look(Observation),
    /// Something that is to be known of the way the numbers were made.
    Note(String),
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was asked of the evidence.
    pub setup: Setup,
    /// All looks.
    pub looks: Vec<Observation>,
    /// What is to be known.
    pub notes: Vec<String>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message } = self;
        write!(f, "{line}:{column}: {message}")
    }
}

/// Reads a record. A last line that was cut is left out, and that is said: a watch that was killed leaves one.
///
/// # Errors
/// The first line that is not what it should be.
pub fn read_record(text: &str) -> Result<Record, RecordError> {
    let wrong =
        |line: usize, column: usize, message: &str| RecordError { line, column, message: message.into() };
    let mut lines = text.split_inclusive('\n').enumerate();
    let first = lines.next().map(|(_, line)| line).unwrap_or_default();
    let Line::Gate(setup) = parsed(first, 1)? else {
        return Err(wrong(1, 1, "a record begins with a line {\"gate\": ...}"));
    };
    let mut record = Record { setup, looks: Vec::new(), notes: Vec::new() };
    for (at, line) in lines {
        if record.looks.len() >= MOST_LINES {
            return Err(wrong(at + 1, 1, "more lines than are read: split the record"));
        }
        match parsed(line, at + 1) {
            Ok(Line::Look(look)) => record.looks.push(look),
            Ok(Line::Note(note)) => record.notes.push(note),
            Ok(Line::Gate(_)) => return Err(wrong(at + 1, 1, "a second beginning: one record a file")),
            Err(_) if !line.ends_with('\n') => {
                record.notes.push(format!("line {} of the record was cut and is left out", at + 1));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(record)
}

fn parsed(line: &str, number: usize) -> Result<Line, RecordError> {
    serde_json::from_str(line).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        RecordError {
            line: number,
            column: error.column().max(1),
            message: format!("no line of a record: {message}"),
        }
    })
}
