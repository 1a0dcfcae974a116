//! An upgrade without a lost request: the new process inherits the listening socket, then the state, then serves.
//!
//! ```text
//! old                                   new (`serve --takeover`)
//! starts it; socket = its stdin    -->  hello PROTOCOL PID
//! stops deciding, gives up folder  -->  go
//!                                       loads the state, adopts, routes, accepts
//!                                  <--  serving
//! accepts no more, ends its requests
//! ```
//!
//! Both accept from one queue meanwhile, so no connection is refused. When the new one does not get there the old one
//! takes the folder again and goes on. The talk runs over a socket pair that is the new one's standard output.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adapter_local::PROTOCOL;

use crate::problem::Problem;

/// Longest wait for each word of the other side.
const WORD_MAX: Duration = Duration::from_secs(8);

/// The old side: a successor that has said hello.
#[derive(Debug)]
pub(crate) struct Successor {
    child: Child,
    talk: BufReader<UnixStream>,
}

fn word(talk: &mut BufReader<UnixStream>) -> Result<String, String> {
    let mut line = String::new();
    match talk.read_line(&mut line) {
        Ok(0) => Err("the other process ended".into()),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(format!("the other process said nothing: {error}")),
    }
}

fn say(talk: &mut BufReader<UnixStream>, text: &str) -> Result<(), String> {
    writeln!(talk.get_mut(), "{text}").map_err(|error| format!("the other process is gone: {error}"))
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    for end in [&ours, &theirs] {
        end.set_read_timeout(Some(WORD_MAX))?;
        end.set_write_timeout(Some(WORD_MAX))?;
    }
    Ok((ours, theirs))
}

impl Successor {
    /// Starts the program and waits for its hello. Blocks for a bounded time.
    pub(crate) fn start(
        program: &str,
        folder: &Path,
        listener: &TcpListener,
        address: SocketAddr,
    ) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{program}: {error}");
        let socket = OwnedFd::from(listener.try_clone().map_err(failed)?);
        let (ours, theirs) = pair().map_err(failed)?;
        let child = Command::new(program)
            .arg("serve")
            .arg("--takeover")
            .arg("--detached")
            .arg("--state")
            .arg(folder)
            .args(["--port", &address.port().to_string(), "--host", &address.ip().to_string()])
            .stdin(Stdio::from(socket))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .map_err(failed)?;
        let mut successor = Self { child, talk: BufReader::new(ours) };
        let hello = word(&mut successor.talk);
        let expected = format!("hello {PROTOCOL}");
        match hello {
            Ok(hello) if hello == expected => Ok(successor),
            Ok(hello) => Err(successor.give_up(&format!("it says `{hello}`, not `{expected}`"))),
            Err(why) => Err(successor.give_up(&why)),
        }
    }

    /// Lets it go on with the folder, and waits until it serves. Gives its pid.
    pub(crate) fn go(mut self) -> Result<u32, String> {
        let said = say(&mut self.talk, "go").and_then(|()| word(&mut self.talk));
        match said {
            Ok(serving) if serving == "serving" => Ok(self.child.id()),
            Ok(other) => Err(self.give_up(&format!("it says `{other}`"))),
            Err(why) => Err(self.give_up(&why)),
        }
    }

    /// It must not go on beside us.
    fn give_up(&mut self, why: &str) -> String {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        format!("the new program did not come up: {why}; this one goes on")
    }
}

/// The new side.
#[derive(Debug)]
pub(crate) struct Predecessor {
    talk: BufReader<UnixStream>,
}

impl Predecessor {
    /// Takes the listening socket from standard input, says hello, and waits for the word to go on.
    pub(crate) fn greet() -> Result<(Self, TcpListener), Problem> {
        let socket = io::stdin().as_fd().try_clone_to_owned().map_err(Problem::unexpected)?;
        let talk = io::stdout().as_fd().try_clone_to_owned().map_err(Problem::unexpected)?;
        let (listener, talk) = (TcpListener::from(socket), UnixStream::from(talk));
        if listener.local_addr().is_err() || talk.peer_addr().is_err() {
            return Err(Problem::usage("--takeover is only for a running nova-local to use"));
        }
        let mut predecessor = Self { talk: BufReader::new(talk) };
        say(&mut predecessor.talk, &format!("hello {PROTOCOL}")).map_err(Problem::unexpected)?;
        match word(&mut predecessor.talk) {
            Ok(go) if go == "go" => Ok((predecessor, listener)),
            Ok(other) => Err(Problem::unexpected(format!("the other process says `{other}`"))),
            Err(why) => Err(Problem::unexpected(why)),
        }
    }

    /// The new one serves; the old one may end.
    pub(crate) fn serving(mut self) -> Result<(), Problem> {
        say(&mut self.talk, "serving").map_err(Problem::unexpected)
    }
}
