//! Commands run as processes whose end is reported and which never outlive the run.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

use machine::Millis;

use crate::PortError;

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Names the process group; the same name is never started twice in the life of one guardian.
    pub name: String,
    /// Program and arguments, at least the program.
    pub argv: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Working folder.
    pub dir: PathBuf,
    /// Where standard output and standard error go, masked.
    pub log: PathBuf,
    /// Values that must never appear in the log.
    pub secrets: Vec<String>,
    /// From SIGTERM to SIGKILL when it is stopped.
    pub grace_ms: Millis,
}

/// The process exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Process id, which is its group id too.
    pub pid: u32,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit code, or `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal, when one ended it.
    pub signal: Option<i32>,
    /// How much was written, and the last lines.
    pub log: LogRef,
}

/// A log on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRef {
    /// Bytes written, after masking.
    pub bytes: u64,
    /// At most the last 20 lines, masked.
    pub tail: Vec<String>,
}

/// Runs commands.
pub trait Jobs: Send + Sync {
    /// Starts the command. The future of the end is given back at once.
    fn start(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<(Started, tokio::sync::oneshot::Receiver<Ended>), PortError>> + Send;

    /// Ends the command of that name and all that descends from it: SIGTERM, grace, SIGKILL. Its end is reported
    /// as usual. Nothing happens when there is none.
    fn stop(&self, name: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}
