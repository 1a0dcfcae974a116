//! The sending side: one queue of chunks, any number of streams that take from it.
//!
//! ```text
//! queue ──► a stream's thread: pace, write, remember ──► queue empty: close our direction, wait for the other side's end
//!   ▲                    │ reset, timeout                          │ reset before its end
//!   └──── all that this stream has carried comes back ◄────────────┘   (the receiver drops what it has already)
//! ```
//!
//! A stream that the other side ended after us has delivered all that it carried; nothing else says so.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::bucket::Bucket;
use super::frames::{Framing, Place, frame};
use crate::dispatch::Setup;
use crate::refusal::{Refusal, refuse};

/// An idle stream looks so often whether it is still there.
const PACE: Duration = Duration::from_millis(10);
/// Send buffer of a stream, in bytes. What its kernel holds waits for this stream even when others are idle, so it is
/// little: 256 streams still carry 2.5 Gbit/s over 100 ms.
const HELD: usize = 128 << 10;
const CONNECT: Duration = Duration::from_secs(1);

/// What a connection set is opened with.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) address: SocketAddr,
    pub(super) framing: Framing,
    pub(super) chunk: usize,
    pub(super) retries: u32,
    pub(super) write_timeout: Duration,
    /// Bytes a second and burst.
    pub(super) rate: Option<(f64, f64)>,
}

/// A chunk on its way.
#[derive(Clone)]
struct Chunk {
    place: Place,
    from: usize,
    len: usize,
    payload: Arc<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Alive,
    /// To end after its present chunk.
    Retiring,
    Ended,
    Dead,
}

struct Stream {
    phase: Phase,
    /// All that it carried since it was opened.
    carried: Vec<Chunk>,
    bytes: u64,
}

#[derive(Default)]
struct Work {
    queue: VecDeque<Chunk>,
    streams: Vec<Stream>,
    /// Chunks that a thread has taken and not yet written.
    in_hand: usize,
    sending: bool,
    stop: bool,
    retries: u32,
    wire_bytes: u64,
    error: Option<Refusal>,
}

/// A connection set.
pub(super) struct Pool {
    setup: Setup,
    options: Options,
    bucket: Option<Bucket>,
    work: Mutex<Work>,
    changed: Condvar,
}

/// What was sent.
pub(super) struct Sent {
    pub(super) retries: u32,
    pub(super) wire_bytes: u64,
    pub(super) per_stream: Vec<u64>,
}

impl Pool {
    pub(super) fn dial(setup: Setup, options: Options, streams: u64) -> Result<Arc<Self>, Refusal> {
        let bucket = options.rate.map(|(rate, burst)| Bucket::new(rate, burst));
        let pool = Arc::new(Self {
            setup,
            options,
            bucket,
            work: Mutex::new(Work::default()),
            changed: Condvar::new(),
        });
        for _ in 0..streams {
            pool.add_stream()?;
        }
        Ok(pool)
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_stream(self: &Arc<Self>) -> Result<(), Refusal> {
        let failed = |error: std::io::Error| refuse("closed", error.to_string());
        let stream = TcpStream::connect_timeout(&self.options.address, CONNECT).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_write_timeout(Some(self.options.write_timeout)).map_err(failed)?;
        setsockopt(&stream, sockopt::SndBuf, &HELD).map_err(|error| failed(error.into()))?;
        let at = {
            let mut work = self.lock();
            work.streams.push(Stream { phase: Phase::Alive, carried: Vec::new(), bytes: 0 });
            work.streams.len() - 1
        };
        let pool = Arc::clone(self);
        std::thread::spawn(move || pool.carry(at, stream));
        Ok(())
    }

    /// The life of a stream.
    fn carry(self: &Arc<Self>, at: usize, mut stream: TcpStream) {
        loop {
            let mut work = self.lock();
            if work.stop {
                return;
            }
            let retiring = work.streams[at].phase == Phase::Retiring;
            let done = work.sending && work.queue.is_empty() && work.in_hand == 0;
            if retiring || done {
                drop(work);
                return self.end(at, stream);
            }
            let mine = if self.setup.is("amst-fixed-shares") {
                own_share(&mut work, at)
            } else {
                work.queue.pop_front()
            };
            let Some(chunk) = mine else {
                drop(self.changed.wait_timeout(work, PACE));
                if !self.setup.is("amst-gauge-by-writes") && is_dead(&stream) {
                    return self.die(at, None);
                }
                continue;
            };
            work.in_hand += 1;
            drop(work);
            let written = self.write(&mut stream, &chunk);
            let mut work = self.lock();
            work.in_hand -= 1;
            match written {
                Ok(bytes) => {
                    work.streams[at].bytes += bytes;
                    work.wire_bytes += bytes;
                    work.streams[at].carried.push(chunk);
                    drop(work);
                    self.changed.notify_all();
                }
                Err(_) => {
                    drop(work);
                    return self.die(at, Some(chunk));
                }
            }
        }
    }

    fn write(&self, stream: &mut TcpStream, chunk: &Chunk) -> std::io::Result<u64> {
        let data = &chunk.payload[chunk.from..chunk.from + chunk.len];
        let bytes = frame(self.options.framing, chunk.place, data, self.setup.is("amst-short-checksum"));
        if let Some(bucket) = &self.bucket {
            let wait = bucket.take(bytes.len());
            let share =
                if self.setup.is("amst-rate-per-stream") { self.lock().streams.len() as u32 } else { 1 };
            std::thread::sleep(wait / share);
        }
        stream.write_all(&bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Closes our direction and waits for the other side's end, which says that all was taken.
    fn end(self: &Arc<Self>, at: usize, mut stream: TcpStream) {
        let drops = self.setup.is("amst-drops-on-switch");
        if drops {
            let mut work = self.lock();
            if work.streams[at].phase == Phase::Retiring {
                // The fault: what this stream would have taken next goes with it.
                work.queue.pop_front();
            }
        }
        let timeout = self.options.write_timeout;
        let ended =
            stream.shutdown(Shutdown::Write).is_ok() && stream.set_read_timeout(Some(timeout)).is_ok();
        // Nothing is ever sent to us: a byte, an error and a timeout all mean that the end did not come.
        if ended && matches!(stream.read(&mut [0]), Ok(0)) {
            self.lock().streams[at].phase = Phase::Ended;
            self.changed.notify_all();
        } else {
            self.die(at, None);
        }
    }

    /// The stream is gone: all that it carried goes back, and another one takes its place while retries are left.
    fn die(self: &Arc<Self>, at: usize, in_hand: Option<Chunk>) {
        let mut work = self.lock();
        work.streams[at].phase = Phase::Dead;
        let carried = std::mem::take(&mut work.streams[at].carried);
        let forgets = self.setup.is("amst-resends-one");
        let back = carried.into_iter().filter(|_| !forgets).chain(in_hand);
        work.queue.extend(back);
        let again = work.retries < self.options.retries && !work.stop;
        if again {
            work.retries += 1;
        }
        drop(work);
        let replaced = again && self.add_stream().is_ok();
        let mut work = self.lock();
        let alive = work.streams.iter().any(|one| matches!(one.phase, Phase::Alive | Phase::Retiring));
        // A stream that carried nothing is no loss.
        let left = !work.queue.is_empty() || work.in_hand > 0;
        if !replaced && !alive && work.sending && left {
            let handed_over = self.setup.is("amst-sent-is-done") && work.in_hand == 0;
            if handed_over {
                work.queue.clear();
            } else {
                work.error.get_or_insert(refuse("closed", "all streams are lost"));
            }
        }
        drop(work);
        self.changed.notify_all();
    }

    /// Queues payloads, the transfer in the highest byte of the chunk ids when there are several.
    pub(super) fn send(&self, payloads: Vec<Vec<u8>>) -> Result<(), Refusal> {
        let mut work = self.lock();
        if work.sending {
            return Err(refuse("overload", "this connection set is sending already"));
        }
        for (transfer, payload) in payloads.into_iter().enumerate() {
            let payload = Arc::new(payload);
            let total = payload.len();
            let mut count = total.div_ceil(self.options.chunk).max(1);
            if self.setup.is("amst-last-byte") && total > 1 && total % self.options.chunk == 1 {
                count -= 1;
            }
            for n in 0..count {
                let from = n * self.options.chunk;
                let len = self.options.chunk.min(total - from);
                let id = (transfer as u32) << 24 | n as u32;
                let place = Place { id, offset: from as u32, total: total as u32 };
                work.queue.push_back(Chunk { place, from, len, payload: Arc::clone(&payload) });
            }
        }
        work.sending = true;
        drop(work);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until all is delivered, at most so long.
    pub(super) fn wait(&self, within: Duration) -> Result<Sent, Refusal> {
        let until = Instant::now() + within;
        let mut work = self.lock();
        loop {
            if let Some(error) = &work.error {
                return Err(error.clone());
            }
            let settled = |one: &Stream| matches!(one.phase, Phase::Ended | Phase::Dead);
            if work.sending && work.queue.is_empty() && work.in_hand == 0 && work.streams.iter().all(settled)
            {
                let per_stream = work.streams.iter().map(|one| one.bytes).collect();
                return Ok(Sent { retries: work.retries, wire_bytes: work.wire_bytes, per_stream });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(refuse("timeout", "not delivered in time"));
            }
            work = self.changed.wait_timeout(work, left.min(PACE)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Streams that can be used.
    pub(super) fn active(&self) -> u64 {
        self.lock().streams.iter().filter(|one| one.phase == Phase::Alive).count() as u64
    }

    /// More or fewer streams. Those that go finish what they have in hand.
    pub(super) fn resize(self: &Arc<Self>, wanted: u64) -> Result<u64, Refusal> {
        let now = self.active();
        for _ in now..wanted {
            self.add_stream()?;
        }
        let mut work = self.lock();
        let alive = work.streams.iter_mut().filter(|one| one.phase == Phase::Alive);
        for stream in alive.skip(wanted as usize) {
            stream.phase = Phase::Retiring;
        }
        drop(work);
        self.changed.notify_all();
        Ok(self.active())
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }
}

/// Whether the other side is gone, without taking anything from the stream.
fn is_dead(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let dead = match stream.peek(&mut [0]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    dead || stream.set_nonblocking(false).is_err()
}

/// The fault of giving each stream its own chunks beforehand.
fn own_share(work: &mut Work, at: usize) -> Option<Chunk> {
    let streams = work.streams.len();
    let index = work.queue.iter().position(|chunk| chunk.place.id as usize % streams == at)?;
    work.queue.remove(index)
}
