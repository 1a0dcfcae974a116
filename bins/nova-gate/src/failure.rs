//! Why a command could not be carried out, with its exit code.

use std::fmt;

/// One clear message and an exit code: 2 for usage and configuration, 1 for what should not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<gate::Problems> for Failure {
    fn from(problems: gate::Problems) -> Self {
        Self::usage(problems.to_string())
    }
}
