//! Lines in both directions over any stream, each direction in a thread, within limits.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dwcp_conformance::protocol::MAX_LINE;
use dwcp_conformance::world::Broken;

/// Lines that wait to be received; a flood stops in the pipe.
const WAITING: usize = 64;
/// Bytes of standard error that are kept.
const LOG: usize = 2_000;

/// Both directions.
pub(crate) struct Lines {
    to: Option<Sender<Vec<u8>>>,
    from: Receiver<Result<String, Broken>>,
}

impl Lines {
    /// Begins to carry lines.
    pub(crate) fn over(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Self {
        let (to, outgoing) = channel::<Vec<u8>>();
        let (incoming, from) = sync_channel(WAITING);
        std::thread::spawn(move || write_all(output, &outgoing));
        std::thread::spawn(move || read_all(input, &incoming));
        Self { to: Some(to), from }
    }

    /// Both ends of a carriage that is not a stream.
    pub(crate) fn of(to: Sender<Vec<u8>>, from: Receiver<Result<String, Broken>>) -> Self {
        Self { to: Some(to), from }
    }

    pub(crate) fn send(&self, line: &str) -> Result<(), Broken> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        let sent = self.to.as_ref().is_some_and(|to| to.send(bytes).is_ok());
        if sent { Ok(()) } else { Err(Broken::Died("its input is closed".to_owned())) }
    }

    pub(crate) fn receive(&self, within: Duration) -> Result<Option<String>, Broken> {
        let gone = || Broken::Died("its output is closed".to_owned());
        if within.is_zero() {
            return match self.from.try_recv() {
                Ok(line) => line.map(Some),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(gone()),
            };
        }
        match self.from.recv_timeout(within) {
            Ok(line) => line.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    /// No more lines to it.
    pub(crate) fn close(&mut self) {
        self.to = None;
    }
}

fn write_all(mut output: impl Write, lines: &Receiver<Vec<u8>>) {
    for line in lines {
        if output.write_all(&line).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

fn read_all(input: impl Read, lines: &SyncSender<Result<String, Broken>>) {
    let mut input = BufReader::with_capacity(1 << 16, input);
    loop {
        let mut line = Vec::new();
        // One byte more than a line with its end, so that a longer one is seen without reading it.
        let read = input.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut line);
        let whole = line.strip_suffix(b"\n");
        let line = match (read, whole) {
            (Ok(0) | Err(_), _) => return,
            (Ok(_), Some(whole)) if whole.len() <= MAX_LINE => {
                String::from_utf8(whole.to_vec()).map_err(|_| Broken::NotUtf8)
            }
            (Ok(read), None) if read <= MAX_LINE => Err(Broken::Died("in the middle of a line".to_owned())),
            _ => Err(Broken::LineTooLong(MAX_LINE)),
        };
        let broken = line.is_err();
        if lines.send(line).is_err() || broken {
            return;
        }
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
