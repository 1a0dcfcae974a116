//! The control socket of a live run: one JSON line in, one JSON line out. Only its owner can open it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use run::{Command, Event};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::{Arrived, Verdict, failpoint};

/// Longest line that is read, in bytes.
const MAX_LINE: u64 = 64 << 10;
/// Longest time for one exchange.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A command.
    Command(Command),
    /// The newest picture of the run, as it is drawn.
    Picture,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Recorded.
    Done,
    /// Not taken, and why.
    Rejected(String),
    /// The picture.
    Picture(String),
}

/// Why a run could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens: no runner is alive.
    #[error("no runner is alive")]
    NobodyThere,
    /// It listens and does not answer as it should.
    #[error("the run did not answer: {0}")]
    NoAnswer(String),
}

/// Listens on `socket` until the task is dropped. `picture` is what is shown to those who watch.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(
    socket: &Path,
    events: mpsc::Sender<Arrived<Event>>,
    picture: Arc<Mutex<String>>,
) -> io::Result<tokio::task::JoinHandle<()>> {
    // One that is left over from a runner that was killed; the journal's lock says that no other lives.
    if let Err(error) = std::fs::remove_file(socket)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (events, picture) = (events.clone(), picture.clone());
            tokio::spawn(async move {
                // A caller that goes away or says nothing hurts nobody else.
                let _ = tokio::time::timeout(PATIENCE, answer(stream, events, picture)).await;
            });
        }
    }))
}

async fn answer(
    stream: UnixStream,
    events: mpsc::Sender<Arrived<Event>>,
    picture: Arc<Mutex<String>>,
) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(MAX_LINE)).read_line(&mut line).await?;
    let told = match serde_json::from_str(&line) {
        Ok(Asked::Picture) => Told::Picture(picture.lock().map(|p| p.clone()).unwrap_or_default()),
        Ok(Asked::Command(command)) => match command_taken(&events, command).await {
            Ok(()) => Told::Done,
            Err(why) => Told::Rejected(why),
        },
        Err(error) => Told::Rejected(format!("not understood: {error}")),
    };
    let mut bytes = serde_json::to_vec(&told)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await
}

async fn command_taken(events: &mpsc::Sender<Arrived<Event>>, command: Command) -> Verdict {
    failpoint("command.arrived");
    let (acknowledge, taken) = oneshot::channel();
    let arrived = Arrived { event: Event::Command(command), acknowledge: Some(acknowledge) };
    events.send(arrived).await.map_err(|_| "the run has ended".to_owned())?;
    taken.await.map_err(|_| "the run has ended".to_owned())?
}

/// Asks the run behind `socket`.
///
/// # Errors
/// Nobody is there, or there is no answer in time.
pub async fn ask(socket: &Path, asked: &Asked) -> Result<Told, ControlError> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await.map_err(|_| ControlError::NobodyThere)?;
        let broken = |error: io::Error| ControlError::NoAnswer(error.to_string());
        let mut bytes =
            serde_json::to_vec(asked).map_err(|error| ControlError::NoAnswer(error.to_string()))?;
        bytes.push(b'\n');
        stream.write_all(&bytes).await.map_err(broken)?;
        let mut line = String::new();
        // A picture is larger than a command.
        BufReader::new(stream.take(MAX_LINE * 16)).read_line(&mut line).await.map_err(broken)?;
        serde_json::from_str(&line).map_err(|error| ControlError::NoAnswer(error.to_string()))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| Err(ControlError::NoAnswer("in time".to_owned())))
}
