//! The runner's side: starts the guardian and speaks to it.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use ports::{Command, Ended, Jobs, LogRef, PortError, Started};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::wire::{Over, Reply, Request, Start};
use super::{DEFAULT_LOG_CAP, sweep, tree};

/// For the guardian to say that it is in charge.
const READY: Duration = Duration::from_secs(10);
/// For the guardian to take a request, and to answer it.
const ANSWER: Duration = Duration::from_secs(30);
/// Requests that wait for the guardian to take them.
const QUEUE: usize = 64;
/// How often, and how far apart, a dead guardian's jobs are looked for.
const SWEEPS: usize = 5;
const SWEEP_PAUSE: Duration = Duration::from_millis(10);
/// For the guardian to end when it was told that the runner goes.
const GOODBYE: Duration = Duration::from_secs(40);

type Answer = Result<(Started, oneshot::Receiver<Ended>), PortError>;

/// Jobs under a guardian. Dropped, the guardian ends all of them and itself.
pub struct GuardianJobs {
    /// Whole lines, so that a caller who goes away in the middle leaves no half of one.
    requests: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    waiting: Arc<Mutex<Waiting>>,
    over: Mutex<Option<oneshot::Receiver<()>>>,
    pid: u32,
    log_cap: u64,
}

#[derive(Default)]
struct Waiting {
    gone: bool,
    starts: BTreeMap<String, oneshot::Sender<Answer>>,
    ends: BTreeMap<String, oneshot::Sender<Ended>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> PortError {
    PortError::Unreachable("the guardian of this run is gone".to_owned())
}

impl GuardianJobs {
    /// Starts `program` with `args`, which must call `guardian::serve`, and waits until it is in charge. To be
    /// called in a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// It cannot be started, or does not behave like a guardian.
    pub async fn spawn(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> io::Result<Self> {
        let mut child = tokio::process::Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/")
            .spawn()?;
        let no_pipe = || io::Error::other("the guardian has no pipe");
        let stdin = child.stdin.take().ok_or_else(no_pipe)?;
        let mut replies = BufReader::new(child.stdout.take().ok_or_else(no_pipe)?);
        let pid = child.id().ok_or_else(no_pipe)?;
        let mut line = String::new();
        timeout(READY, replies.read_line(&mut line)).await??;
        let Ok(Reply::Ready { mark }) = serde_json::from_str(&line) else {
            return Err(io::Error::other("what was started does not behave like a guardian"));
        };
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (ended, over) = oneshot::channel();
        let hearing = Arc::clone(&waiting);
        tokio::spawn(async move {
            hear(replies, &hearing).await;
            bury(child, mark, &hearing).await;
            // Nobody may be waiting for it.
            let _unheard = ended.send(());
        });
        let (requests, queue) = mpsc::channel(QUEUE);
        tokio::spawn(speak(stdin, queue));
        let requests = Mutex::new(Some(requests));
        let over = Mutex::new(Some(over));
        Ok(Self { requests, waiting, over, pid, log_cap: DEFAULT_LOG_CAP })
    }

    /// Another limit for the log of each job, in bytes.
    pub fn with_log_cap(mut self, bytes: u64) -> Self {
        self.log_cap = bytes;
        self
    }

    /// Process id of the guardian.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends all jobs and the guardian, and returns when nothing is left.
    ///
    /// # Errors
    /// Something could not be killed in time.
    pub async fn shut_down(&self) -> Result<(), PortError> {
        lock(&self.requests).take();
        let Some(over) = lock(&self.over).take() else { return Ok(()) };
        match timeout(GOODBYE, over).await {
            Ok(_) => Ok(()),
            Err(_) => Err(PortError::Unreachable("the guardian does not end".to_owned())),
        }
    }

    async fn send(&self, request: &Request) -> Result<(), PortError> {
        let mut line =
            serde_json::to_vec(request).map_err(|why| PortError::Malformed(format!("request: {why}")))?;
        line.push(b'\n');
        if line.len() > super::wire::MAX_LINE / 2 {
            return Err(PortError::Refused("the command is too large".to_owned()));
        }
        let requests = lock(&self.requests).clone().ok_or_else(gone)?;
        match timeout(ANSWER, requests.send(line)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(PortError::Unreachable("the guardian takes no requests".to_owned())),
        }
    }
}

impl Jobs for GuardianJobs {
    async fn start(&self, command: Command) -> Answer {
        let name = command.name.clone();
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.gone {
                return Err(gone());
            }
            if waiting.starts.contains_key(&name) || waiting.ends.contains_key(&name) {
                return Err(PortError::Refused(format!("the name {name:?} was used before")));
            }
            waiting.starts.insert(name.clone(), answer);
        }
        let request = Request::Start(Box::new(Start {
            name: command.name,
            argv: command.argv,
            env: command.env,
            dir: command.dir,
            log: command.log,
            secrets: command.secrets,
            grace_ms: command.grace_ms,
            log_cap: self.log_cap,
        }));
        if let Err(why) = self.send(&request).await {
            lock(&self.waiting).starts.remove(&name);
            return Err(why);
        }
        match timeout(ANSWER, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(PortError::Unreachable("the guardian does not answer".to_owned())),
        }
    }

    async fn stop(&self, name: &str) -> Result<(), PortError> {
        if !lock(&self.waiting).ends.contains_key(name) {
            return Ok(());
        }
        self.send(&Request::Stop { name: name.to_owned() }).await
    }
}

async fn speak(mut stdin: ChildStdin, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = queue.recv().await {
        // After half a line nothing can be said to it any more; closing the pipe makes it end everything.
        if !matches!(timeout(ANSWER, stdin.write_all(&line)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn hear(mut replies: BufReader<ChildStdout>, waiting: &Mutex<Waiting>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match replies.read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        match serde_json::from_slice(&line) {
            Ok(reply) => take(&mut lock(waiting), reply),
            // A strange guardian is no guardian.
            Err(_) => return,
        }
    }
}

/// Whoever asked may have stopped waiting, which changes nothing.
fn take(waiting: &mut Waiting, reply: Reply) {
    match reply {
        Reply::Ready { .. } => {}
        Reply::Started { name, pid } => {
            let (end, ended) = oneshot::channel();
            if let Some(asked) = waiting.starts.remove(&name) {
                let _unheard = asked.send(Ok((Started { pid }, ended)));
            }
            waiting.ends.insert(name, end);
        }
        Reply::Refused { name, why } => {
            if let Some(asked) = waiting.starts.remove(&name) {
                let _unheard = asked.send(Err(PortError::Refused(why)));
            }
        }
        Reply::Ended(Over { name, code, signal, bytes, tail }) => {
            if let Some(asked) = waiting.ends.remove(&name) {
                let _unheard = asked.send(Ended { code, signal, log: LogRef { bytes, tail } });
            }
        }
    }
}

/// The guardian is gone. What it may have left behind is ended here, by its mark; then all who wait hear of it.
async fn bury(mut child: Child, mark: String, waiting: &Mutex<Waiting>) {
    lock(waiting).gone = true;
    // It closed its end, so it ends; one that does not is made to.
    if timeout(ANSWER, child.wait()).await.is_err() {
        let _gone = child.kill().await;
    }
    let swept = tokio::task::spawn_blocking(move || {
        // More than once: who is just becoming another program has no mark to be seen.
        for _ in 0..SWEEPS {
            sweep::kill_all(|| tree::marked(&mark));
            std::thread::sleep(SWEEP_PAUSE);
        }
    });
    // Whether it went well or not, there is nothing more to be done.
    let _done = swept.await;
    let (starts, ends) = {
        let mut waiting = lock(waiting);
        (std::mem::take(&mut waiting.starts), std::mem::take(&mut waiting.ends))
    };
    for asked in starts.into_values() {
        let _unheard = asked.send(Err(gone()));
    }
    let signal = Some(Signal::SIGKILL as i32);
    for (name, asked) in ends {
        let tail = vec![format!("[nova] the guardian is gone, and with it {name}")];
        let _unheard = asked.send(Ended { code: None, signal, log: LogRef { bytes: 0, tail } });
    }
}
