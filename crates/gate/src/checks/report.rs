//! The result of checks as data, and for a person at a terminal.

use std::fmt::Write as _;

use health::checks::{Checked, Status};
use machine::Timestamp;
use serde::{Deserialize, Serialize};

use crate::render::plain;
use crate::units::span;

/// What all checks say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All pass.
    Passing,
    /// One fails at least.
    Failing,
    /// None fails, and not all have passed for as long as was asked.
    Unproven,
}

impl Verdict {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Passing => 0,
            Self::Failing => 10,
            Self::Unproven => 12,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Passing => "PASSING",
            Self::Failing => "FAILING",
            Self::Unproven => "UNPROVEN",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// `http`, `tcp`, `grpc`, `command` or `metrics`.
    pub kind: String,
    /// What was tried.
    pub target: String,
    /// What is known; times are milliseconds since the first try.
    pub status: Status,
    /// Tries that have ended.
    pub tries: u32,
    /// Successes in a row, up to the end.
    pub good_in_row: u32,
    /// Failures in a row that count, up to the end.
    pub bad_in_row: u32,
    /// Why the newest try that did not pass did not.
    pub why: Option<String>,
}

/// The result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What all say together.
    pub verdict: Verdict,
    /// The exit code that goes with it.
    pub code: u8,
    /// From the first try to the end.
    pub over_ms: u64,
    /// What is to be added, such as an interruption.
    pub note: Option<String>,
    /// In the order of the file.
    pub checks: Vec<Row>,
}

impl Report {
    /// What is known `now`. Without `whole` nothing is called passing: it was to last longer.
    pub fn of(checks: &[Checked], now: Timestamp, whole: bool, note: Option<String>) -> Self {
        let failing = checks.iter().any(|it| matches!(it.status(), Status::Failing { .. }));
        let passing = checks.iter().all(|it| matches!(it.status(), Status::Passing { .. }));
        let verdict = match (failing, passing && whole && !checks.is_empty()) {
            (true, _) => Verdict::Failing,
            (false, true) => Verdict::Passing,
            (false, false) => Verdict::Unproven,
        };
        let (code, over_ms) = (verdict.code(), now.as_millis());
        Self { verdict, code, over_ms, note, checks: checks.iter().map(Row::of).collect() }
    }
}

impl Row {
    fn of(checked: &Checked) -> Self {
        let check = checked.check();
        Self {
            name: check.name.clone(),
            kind: check.kind.word().to_owned(),
            target: check.kind.target(),
            status: checked.status().clone(),
            tries: checked.tries(),
            good_in_row: checked.good_in_row(),
            bad_in_row: checked.bad_in_row(),
            why: checked.last_why().map(ToOwned::to_owned),
        }
    }

    const fn word(&self) -> &'static str {
        match self.status {
            Status::Pending => "open",
            Status::Passing { .. } => "pass",
            Status::Failing { .. } => "FAIL",
        }
    }

    /// In words: since when, how many in a row, and why not.
    pub fn told(&self) -> String {
        let why = self.why.as_deref().unwrap_or("not tried yet");
        match &self.status {
            Status::Passing { since } if self.bad_in_row == 0 => {
                format!("since {}, {} tries", span(since.as_millis()), self.tries)
            }
            Status::Passing { since } => {
                format!("since {}; now {} failures in a row: {why}", span(since.as_millis()), self.bad_in_row)
            }
            Status::Failing { since } => {
                format!("since {}, {} in a row: {why}", span(since.as_millis()), self.bad_in_row)
            }
            Status::Pending => format!("{} in a row passed: {why}", self.good_in_row),
        }
    }
}

/// One line for the end of a try.
pub fn line(checked: &Checked, now: Timestamp) -> String {
    let row = Row::of(checked);
    plain(&format!("{:>8}  {}  {:<20}  {}", span(now.as_millis()), row.word(), row.name, row.told()))
}

/// The result in lines.
pub fn text(report: &Report) -> String {
    let passing = report.checks.iter().filter(|it| matches!(it.status, Status::Passing { .. })).count();
    let (word, all) = (report.verdict.word(), report.checks.len());
    let mut out = format!("{word}  {passing} of {all} checks pass, after {}\n", span(report.over_ms));
    let width = report.checks.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    for row in &report.checks {
        let head = format!("  {}  {:<width$}  {:<7}  {}", row.word(), row.name, row.kind, row.target);
        let _ = writeln!(out, "{}", plain(&head));
        let _ = writeln!(out, "        {}", plain(&row.told()));
    }
    if let Some(note) = &report.note {
        let _ = writeln!(out, "  note  {}", plain(note));
    }
    out
}
