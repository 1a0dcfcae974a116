//! One try of a health check: GET over HTTP, a TCP connection, the gRPC health protocol, a command, metrics that move.
//!
//! A try keeps the deadline of its check, reads at most [`BYTES_MAX`] of an answer, and leaves nothing behind: its
//! connection is closed and its processes are dead when it ends. What did not pass has a name ([`Reason::name`]) and a
//! sentence. Not here: when to try, and what a row of tries says (`health::checks`); TLS.

mod command;
mod connect;
mod grpc;
mod http;
mod metrics;
mod reason;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use health::checks::{Check, Kind, Outcome};
use tokio::time::timeout;

pub use reason::Reason;

/// Bytes of an answer, or of the output of a command.
pub const BYTES_MAX: usize = 1024 * 1024;

/// What a command finds around it in place of what this process has.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// All of its environment. Without `PATH` a program is looked for where the system looks by itself.
    pub env: BTreeMap<String, String>,
    /// The folder that it works in.
    pub folder: PathBuf,
}

/// Tries one check, again and again. It remembers the metrics of the try before.
#[derive(Clone, Debug)]
pub struct Probe {
    check: Check,
    around: Option<Around>,
    seen: Option<metrics::Values>,
}

impl Probe {
    /// Nothing is tried yet.
    pub const fn new(check: Check) -> Self {
        Self { check, around: None, seen: None }
    }

    /// A command has this around it; without, it inherits the environment and the folder of this process.
    #[must_use]
    pub fn around(self, around: Around) -> Self {
        Self { around: Some(around), ..self }
    }

    /// One try. It ends at the deadline of the check at the latest; a command is dead shortly after it.
    pub async fn attempt(&mut self) -> Outcome {
        match self.tried().await {
            Ok(()) => Outcome::Passed,
            Err(reason @ Reason::FirstLook(_)) => Outcome::Unproven(reason.told()),
            Err(reason) => Outcome::Failed(reason.told()),
        }
    }

    /// The same, with what was wrong as a value.
    ///
    /// # Errors
    /// Why the try did not pass.
    pub async fn tried(&mut self) -> Result<(), Reason> {
        let ms = self.check.pace.timeout_ms;
        let within = Duration::from_millis(ms);
        let late = |_| Reason::Deadline(ms);
        match &self.check.kind {
            Kind::Http { url, expect } => {
                timeout(within, http::check(url, expect)).await.map_err(late).flatten()
            }
            Kind::Tcp { address } => {
                timeout(within, connect::connect(address)).await.map_err(late).flatten().map(drop)
            }
            Kind::Grpc { address, service } => {
                timeout(within, grpc::check(address, service, ms)).await.map_err(late).flatten()
            }
            Kind::Command { argv } => command::run(argv, self.around.as_ref(), within).await,
            Kind::Metrics { url, prefix, must_move } => {
                let looking = metrics::look(url, prefix);
                let now = timeout(within, looking).await.map_err(late).flatten()?;
                if !must_move {
                    return Ok(());
                }
                let moved = metrics::moved(self.seen.as_ref(), &now, prefix);
                self.seen = Some(now);
                moved
            }
        }
    }
}
