//! Why a command could not be carried out, with its exit code.

use std::fmt;

/// One clear message and a code of the contract in `architecture.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: i32,
    /// What is wrong, and the mend.
    pub message: String,
}

impl Failure {
    /// Usage or configuration: 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Something that should not happen: 1.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<run::Problems> for Failure {
    fn from(problems: run::Problems) -> Self {
        Self::usage(problems.to_string())
    }
}

impl From<adapter_store::StateError> for Failure {
    fn from(error: adapter_store::StateError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<adapter_store::JournalError> for Failure {
    fn from(error: adapter_store::JournalError) -> Self {
        Self::usage(error.to_string())
    }
}
