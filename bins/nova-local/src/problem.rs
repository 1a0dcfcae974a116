//! What goes wrong before or while serving, and with which code the program ends.

use std::fmt;
use std::process::ExitCode;

use ports::PortError;

/// One clear message and its exit code.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Usage or configuration; exit code 2.
    Usage(String),
    /// Unexpected; exit code 1.
    Unexpected(String),
}

impl Problem {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Unexpected(_) => ExitCode::from(1),
        }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn unexpected(text: impl fmt::Display) -> Self {
        Self::Unexpected(text.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Unexpected(text) => f.write_str(text),
        }
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Refused(why) => Self::Usage(why),
            error => Self::Unexpected(error.to_string()),
        }
    }
}
