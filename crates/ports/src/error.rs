//! The one error of all ports: what the caller can do about it is in the variant.

/// Why a port did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Nobody answered in time, or the connection broke. The order may have been carried out: repeat it under the
    /// same key.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side answered what cannot be understood. Never evidence; look at the other side.
    #[error("not understood: {0}")]
    Malformed(String),
    /// It can never succeed as it stands. Do not repeat.
    #[error("refused: {0}")]
    Refused(String),
}
