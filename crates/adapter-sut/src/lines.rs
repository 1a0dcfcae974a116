//! Lines in both directions, within limits: over two file descriptors that never block, or over channels.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dwcp_conformance::protocol::{ANSWER_MS, MAX_LINE};
use dwcp_conformance::world::Broken;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes of standard error that are kept.
const LOG: usize = 2_000;
/// Bytes that are read at once, and how many may wait while a line is being sent: a flood stops in the pipe.
const PIECE: usize = 64 << 10;
const WAITING: usize = 4 << 20;

/// What can be read and polled.
pub(crate) trait Input: Read + AsFd + Send {}
impl<T: Read + AsFd + Send> Input for T {}

/// What can be written and polled.
pub(crate) trait Output: Write + AsFd + Send {}
impl<T: Write + AsFd + Send> Output for T {}

/// Both directions.
pub(crate) enum Lines {
    Streams(Streams),
    Channels { to: Option<Sender<Vec<u8>>>, from: Receiver<Result<String, Broken>> },
}

/// Two streams that do not block.
pub(crate) struct Streams {
    input: Box<dyn Input>,
    output: Option<Box<dyn Output>>,
    /// What was read and is no line yet, or not asked for.
    buffer: Vec<u8>,
    /// How much of it is known to hold no end of a line.
    looked: usize,
    ended: bool,
}

fn never_block(fd: BorrowedFd<'_>) -> Result<(), Broken> {
    let failed = |error: nix::Error| Broken::Start(error.to_string());
    let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL).map_err(failed)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map_err(failed)?;
    Ok(())
}

impl Lines {
    /// Carries lines over two streams.
    pub(crate) fn over(input: impl Input + 'static, output: impl Output + 'static) -> Result<Self, Broken> {
        never_block(input.as_fd())?;
        never_block(output.as_fd())?;
        let (input, output) = (Box::new(input), Box::new(output) as Box<dyn Output>);
        Ok(Self::Streams(Streams {
            input,
            output: Some(output),
            buffer: Vec::new(),
            looked: 0,
            ended: false,
        }))
    }

    pub(crate) fn send(&mut self, line: &str) -> Result<(), Broken> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        match self {
            Self::Streams(streams) => streams.send(&bytes),
            Self::Channels { to, .. } => {
                let sent = to.as_ref().is_some_and(|to| to.send(bytes).is_ok());
                if sent { Ok(()) } else { Err(Broken::Died("its input is closed".to_owned())) }
            }
        }
    }

    pub(crate) fn receive(&mut self, within: Duration) -> Result<Option<String>, Broken> {
        let gone = || Broken::Died("its output is closed".to_owned());
        match self {
            Self::Streams(streams) => streams.receive(within),
            Self::Channels { from, .. } if within.is_zero() => match from.try_recv() {
                Ok(line) => line.map(Some),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(gone()),
            },
            Self::Channels { from, .. } => match from.recv_timeout(within) {
                Ok(line) => line.map(Some),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(gone()),
            },
        }
    }

    /// No more lines to it.
    pub(crate) fn close(&mut self) {
        match self {
            Self::Streams(streams) => streams.output = None,
            Self::Channels { to, .. } => *to = None,
        }
    }
}

impl Streams {
    /// Whoever does not read within the time of an answer has not answered in time.
    fn send(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        let closed = || Broken::Died("its input is closed".to_owned());
        let until = Instant::now() + Duration::from_millis(ANSWER_MS);
        while !bytes.is_empty() {
            let output = self.output.as_mut().ok_or_else(closed)?;
            match output.write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if Instant::now() > until {
                        return Err(Broken::Timeout(ANSWER_MS));
                    }
                    let mut fds = vec![PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
                    // It may wait for us to take its answers before it reads on.
                    let takes = !self.ended && self.buffer.len() < WAITING;
                    if takes {
                        fds.push(PollFd::new(self.input.as_fd(), PollFlags::POLLIN));
                    }
                    // A poll that is interrupted is a short one.
                    let _ = poll(&mut fds, PollTimeout::from(50_u8));
                    if takes {
                        self.fill();
                    }
                }
                Err(_) => return Err(closed()),
            }
        }
        Ok(())
    }

    fn receive(&mut self, within: Duration) -> Result<Option<String>, Broken> {
        let until = Instant::now() + within;
        loop {
            if let Some(line) = self.line()? {
                return Ok(Some(line));
            }
            if self.ended {
                let cut = !self.buffer.is_empty();
                let why = if cut { "in the middle of a line" } else { "its output is closed" };
                return Err(Broken::Died(why.to_owned()));
            }
            if !self.fill() {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(None);
                }
                let ms = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
                // A poll that is interrupted is a short one.
                let _ = poll(&mut [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)], ms);
            }
        }
    }

    /// The next line of what was read.
    fn line(&mut self) -> Result<Option<String>, Broken> {
        let found = self.buffer.iter().skip(self.looked).position(|byte| *byte == b'\n');
        let Some(end) = found.map(|at| self.looked + at) else {
            self.looked = self.buffer.len();
            return if self.looked > MAX_LINE { Err(Broken::LineTooLong(MAX_LINE)) } else { Ok(None) };
        };
        if end > MAX_LINE {
            return Err(Broken::LineTooLong(MAX_LINE));
        }
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        self.looked = 0;
        String::from_utf8(line).map(Some).map_err(|_| Broken::NotUtf8)
    }

    /// Reads what is there; gives whether there was something, the end counting as something.
    fn fill(&mut self) -> bool {
        let mut piece = vec![0; PIECE];
        match self.input.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(read) => self.buffer.extend(piece.iter().take(read)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return false;
            }
            Err(_) => self.ended = true,
        }
        true
    }
}

/// The last bytes of a stream, read in a thread so that nobody is held up by it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<VecDeque<u8>>>);

impl Log {
    pub(crate) fn drain(&self, mut stream: impl Read + Send + 'static) {
        let kept = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&buffer[..read]);
                let over = kept.len().saturating_sub(LOG);
                kept.drain(..over);
            }
        });
    }

    /// The last line of it.
    pub(crate) fn last(&self) -> String {
        let kept: Vec<u8> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&kept);
        text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().chars().take(200).collect()
    }
}
