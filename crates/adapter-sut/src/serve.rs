//! Puts an adapter behind a Unix socket or HTTP: each connection has a fresh implementation of its own, which ends with it.
//!
//! Lines go through as they are, in both directions, so that whatever the adapter does can be judged at the other end.
//! A connection on which nothing moves is closed after `IDLE`; more than `MOST` at once are not taken.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dwcp_conformance::protocol::MAX_LINE;
use dwcp_conformance::world::{Broken, World};

use crate::{Carrier, Sut};

mod http;

/// Longest time without a line in either direction.
const IDLE: Duration = Duration::from_mins(1);
/// Connections at once.
const MOST: usize = 16;
/// How long one direction is looked at before the other.
const TURN: Duration = Duration::from_millis(1);

/// Serves at a Unix socket until the process ends. `ready` is told once that it listens.
///
/// # Errors
/// The socket cannot be had.
pub fn unix(path: &Path, words: &[String], ready: impl FnOnce()) -> Result<(), String> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let listener = UnixListener::bind(path).map_err(named)?;
    ready();
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let (stream, words) = (stream.map_err(named)?, words.to_vec());
        let Some(seat) = Seat::take(&busy) else { continue };
        std::thread::spawn(move || {
            let _seat = seat;
            // A connection that breaks ends; the next one is not concerned.
            let _ended = carry(stream, Sut::new(Carrier::Process(words), false));
        });
    }
    Ok(())
}

/// Serves one object per POST at `HOST:PORT` until the process ends; `ready` is told the address.
///
/// # Errors
/// The port cannot be had.
pub fn http(address: &str, words: &[String], ready: impl FnOnce(String)) -> Result<(), String> {
    let named = |error: std::io::Error| format!("{address}: {error}");
    let listener = TcpListener::bind(address).map_err(named)?;
    ready(listener.local_addr().map_err(named)?.to_string());
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let (stream, words) = (stream.map_err(named)?, words.to_vec());
        let Some(seat) = Seat::take(&busy) else { continue };
        std::thread::spawn(move || {
            let _seat = seat;
            let _ended = http::carry(stream, Sut::new(Carrier::Process(words), false));
        });
    }
    Ok(())
}

/// One of `MOST`.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(busy: &Arc<AtomicUsize>) -> Option<Self> {
        let seat = Self(Arc::clone(busy));
        // Dropping the seat gives it back, also when it was one too many.
        (busy.fetch_add(1, Ordering::AcqRel) < MOST).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn carry(mut stream: UnixStream, mut sut: Sut) -> Result<(), Broken> {
    let gone = |error: std::io::Error| Broken::Died(error.to_string());
    stream.set_read_timeout(Some(TURN)).map_err(gone)?;
    stream.set_write_timeout(Some(IDLE)).map_err(gone)?;
    sut.start()?;
    let mut waiting = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut moved = Instant::now();
    while moved.elapsed() < IDLE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => waiting.extend(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(gone(error)),
        }
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            sut.send(std::str::from_utf8(&line[..end]).map_err(|_| Broken::NotUtf8)?)?;
            moved = Instant::now();
        }
        if waiting.len() > MAX_LINE {
            return Err(Broken::LineTooLong(MAX_LINE));
        }
        while let Some(line) = sut.receive(TURN.as_millis() as u64)? {
            stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(b"\n")).map_err(gone)?;
            moved = Instant::now();
        }
    }
    sut.stop()
}
