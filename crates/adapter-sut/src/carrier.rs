//! How lines reach an implementation: a child's standard streams, a Unix socket, HTTP.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use dwcp_conformance::world::Broken;

use crate::lines::{Lines, Log};
use crate::sweep::MARK;

mod http;

/// Where an implementation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A program and its arguments, started anew for each case.
    Process(Vec<String>),
    /// A Unix socket; each connection is a fresh implementation.
    Unix(String),
    /// `HOST:PORT` that takes one object per POST; each connection is a fresh implementation.
    Http(String),
}

/// A child, how it is known, and what it said on standard error.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) mark: String,
    pub(crate) log: Log,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Carrier {
    pub(crate) fn open(&self) -> Result<(Lines, Option<Started>), Broken> {
        match self {
            Self::Process(words) => {
                let (lines, started) = spawn(words)?;
                Ok((lines, Some(started)))
            }
            Self::Unix(path) => {
                let failed = |error: std::io::Error| Broken::Start(format!("{path}: {error}"));
                let stream = UnixStream::connect(path).map_err(failed)?;
                let other = stream.try_clone().map_err(failed)?;
                Ok((Lines::over(other, Hangup(stream))?, None))
            }
            Self::Http(address) => http::open(address).map(|lines| (lines, None)),
        }
    }
}

/// A socket whose writing side is closed when the last line was written.
struct Hangup(UnixStream);

impl std::io::Write for Hangup {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl AsFd for Hangup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        // The other side may be gone already.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }
}

fn spawn(words: &[String]) -> Result<(Lines, Started), Broken> {
    let (program, arguments) =
        words.split_first().ok_or_else(|| Broken::Start("no program was named".to_owned()))?;
    let mark = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut command = Command::new(program);
    command.args(arguments).env(MARK, &mark).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Broken::Start(format!("{program}: {error}")))?;
    let log = Log::default();
    if let Some(stderr) = child.stderr.take() {
        log.drain(stderr);
    }
    match (child.stdout.take(), child.stdin.take()) {
        (Some(stdout), Some(stdin)) => Ok((Lines::over(stdout, stdin)?, Started { child, mark, log })),
        _ => Err(Broken::Start(format!("{program}: no pipes"))),
    }
}
