//! The record of failed requests: one JSON object a line.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// Most lines in one file; further failures are only counted.
const MAX_LINES: u64 = 1_000_000;

/// One failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed<'a> {
    /// When it was known to have failed, Unix milliseconds.
    pub at_ms: u64,
    /// When it was due, Unix milliseconds.
    pub due_ms: u64,
    /// What was asked for.
    pub path: &'a str,
    /// The answer's status, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<&'a str>,
}

/// Where they are written.
#[derive(Debug)]
pub struct Failures {
    file: Option<File>,
    lines: u64,
}

impl Failures {
    /// Begins the file anew; without one, nothing is written.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: Option<&Path>) -> io::Result<Self> {
        Ok(Self { file: path.map(File::create).transpose()?, lines: 0 })
    }

    /// Writes one line, whole, so that a reader never sees half of one.
    ///
    /// # Errors
    /// The disk is full or broken. Nothing more is written then.
    pub fn write(&mut self, failed: &Failed<'_>) -> io::Result<()> {
        let Some(file) = self.file.as_mut().filter(|_| self.lines < MAX_LINES) else { return Ok(()) };
        self.lines += 1;
        let mut line = serde_json::to_vec(failed)?;
        line.push(b'\n');
        let written = file.write_all(&line);
        if written.is_err() {
            self.file = None;
        }
        written
    }
}
