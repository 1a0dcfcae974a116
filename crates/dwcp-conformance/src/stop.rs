//! Why a check ended before its end, and which verdict that is.

use thiserror::Error;

use crate::protocol::Code;
use crate::world::Broken;

/// What came of one request that was not answered with a result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The implementation answered with an error of the protocol.
    #[error("{op} was refused: {code}: {message}")]
    Refused {
        /// What was asked.
        op: String,
        /// Why not, in the words of the protocol.
        code: Code,
        /// Why not, in its own words.
        message: String,
    },
    /// The boundary itself did not hold: crash, silence, a line that is no answer.
    #[error("{op}: {broken}")]
    Broken {
        /// What was asked.
        op: String,
        /// What broke.
        broken: Broken,
    },
}

/// Why a check ended early. The first text of each is the same for equal behaviour and goes into the verdicts; `seen`
/// holds figures of this very run and stands with the measurements.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Stop {
    /// The requirement is not met.
    #[error("not met: {what}: {seen}")]
    Fail {
        /// What should have held.
        what: String,
        /// What was seen instead.
        seen: String,
    },
    /// It cannot be asked here.
    #[error("skipped: {0}")]
    Skip(String),
    /// Nobody can tell, because the boundary broke.
    #[error("error: {what}: {seen}")]
    Error {
        /// Which rule of the boundary.
        what: String,
        /// How.
        seen: String,
    },
}

impl From<CallError> for Stop {
    /// `unsupported` is a skip; any other refusal of a request that is valid is a failure; the rest is an error.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { op, code: Code::Unsupported, .. } => {
                Self::Skip(format!("{op} is unsupported"))
            }
            CallError::Refused { op, code, message } => Self::Fail {
                what: format!("{op} refused a valid request"),
                seen: format!("{code}: {message}"),
            },
            CallError::Broken { op, broken } => {
                Self::Error { what: broken.rule().to_owned(), seen: format!("{op}: {broken}") }
            }
        }
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Error { what: broken.rule().to_owned(), seen: broken.to_string() }
    }
}

/// A failure. `what` is what should have held, `seen` what was there instead.
pub fn fail(what: &str, seen: impl Into<String>) -> Stop {
    Stop::Fail { what: what.to_owned(), seen: seen.into() }
}

/// Passes when `held`, and fails otherwise.
///
/// # Errors
/// The failure.
pub fn ensure(held: bool, what: &str, seen: impl FnOnce() -> String) -> Result<(), Stop> {
    if held { Ok(()) } else { Err(fail(what, seen())) }
}

/// Passes when the request was refused with one of the codes, fails when it was answered or refused otherwise.
///
/// # Errors
/// The failure, the skip for `unsupported`, or what broke.
pub fn refused<T>(answer: Result<T, CallError>, codes: &[Code], what: &str) -> Result<(), Stop> {
    match answer {
        Ok(_) => Err(fail(what, "it was answered with a result")),
        Err(CallError::Refused { code, .. }) if codes.contains(&code) => Ok(()),
        Err(CallError::Refused { code, message, .. }) if code != Code::Unsupported => {
            Err(fail(what, format!("{code}: {message}")))
        }
        Err(other) => Err(other.into()),
    }
}
