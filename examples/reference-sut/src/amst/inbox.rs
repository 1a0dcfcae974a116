//! The receiving side: streams in any number and order, chunks in any order and number, one content.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::frames::{Framing, Got, Place, read};
use crate::dispatch::Setup;
use crate::refusal::{Refusal, refuse};

/// Between two looks for another stream.
const PACE: Duration = Duration::from_millis(1);
/// Streams of one inbox at most.
const MAX_STREAMS: u32 = 512;

/// One transfer as it comes together.
#[derive(Default)]
struct Assembly {
    total: Option<u32>,
    /// By offset, for W2 by chunk id.
    parts: BTreeMap<u32, Vec<u8>>,
    got: u64,
    /// Length of the first chunk that came; only a fault looks at it.
    first: u32,
}

/// What came so far.
#[derive(Default)]
struct Held {
    transfers: BTreeMap<u32, Assembly>,
    error: Option<Refusal>,
    open: u32,
    accepted: u32,
    payload_bytes: u64,
    duplicates: u64,
    closed: bool,
    last: Option<Instant>,
}

/// A listener and all that came over it.
pub(super) struct Inbox {
    setup: Setup,
    framing: Framing,
    /// How many transfers are told apart by the highest byte of the chunk id.
    transfers: u32,
    /// A W2 transfer ends with its last stream; so many are waited for.
    streams: u32,
    held: Mutex<Held>,
    changed: Condvar,
}

/// What was received.
pub(super) struct Received {
    pub(super) contents: Vec<Vec<u8>>,
    pub(super) payload_bytes: u64,
    pub(super) duplicates: u64,
}

impl Inbox {
    /// Listens on a free port; gives the port too.
    pub(super) fn listen(
        setup: Setup,
        framing: Framing,
        transfers: u32,
        streams: u32,
    ) -> Result<(Arc<Self>, u16), Refusal> {
        let failed = |error: std::io::Error| refuse("internal", error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        listener.set_nonblocking(true).map_err(failed)?;
        let held = Mutex::new(Held::default());
        let inbox = Arc::new(Self { setup, framing, transfers, streams, held, changed: Condvar::new() });
        let accepting = Arc::clone(&inbox);
        std::thread::spawn(move || accepting.accept(&listener));
        Ok((inbox, port))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            {
                let held = self.lock();
                if held.closed || held.accepted >= MAX_STREAMS {
                    return;
                }
            }
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(PACE);
                continue;
            };
            let mut held = self.lock();
            held.accepted += 1;
            held.open += 1;
            drop(held);
            let reading = Arc::clone(self);
            std::thread::spawn(move || reading.read(stream));
        }
    }

    fn read(&self, stream: TcpStream) {
        let (short, eager) = (self.setup.is("amst-short-checksum"), self.setup.is("amst-eager-room"));
        // Inherited from the listener on some systems.
        if stream.set_nonblocking(false).is_err() {
            self.fail(refuse("internal", "a stream that cannot be read"));
        }
        let mut stream = BufReader::with_capacity(64 << 10, stream);
        loop {
            match read(&mut stream, self.framing, short, eager) {
                Got::Frame(place, data) => {
                    if let Err(wrong) = self.take(place, data) {
                        self.fail(wrong);
                        break;
                    }
                }
                Got::End | Got::Cut => break,
                Got::Wrong(wrong) => {
                    self.fail(wrong);
                    break;
                }
            }
            if self.lock().closed {
                break;
            }
        }
        // Dropping the stream tells the sender that all of it was taken.
        drop(stream);
        self.lock().open -= 1;
        self.changed.notify_all();
    }

    fn fail(&self, wrong: Refusal) {
        self.lock().error.get_or_insert(wrong);
        self.changed.notify_all();
    }

    fn take(&self, place: Place, data: Vec<u8>) -> Result<(), Refusal> {
        let wrong = |why: &str| refuse("corrupt", why);
        let mut held = self.lock();
        held.last = Some(Instant::now());
        let transfer = match self.transfers {
            1 => 0,
            _ if self.setup.is("amst-seven-transfers") => (place.id >> 24) % 7,
            _ => place.id >> 24,
        };
        if transfer >= self.transfers {
            return Err(wrong("a transfer that there is not"));
        }
        let len = data.len() as u32;
        let assembly = held.transfers.entry(transfer).or_default();
        let key = match self.framing {
            Framing::W2 => place.id,
            _ => {
                if *assembly.total.get_or_insert(place.total) != place.total {
                    return Err(wrong("two lengths of one transfer"));
                }
                if assembly.parts.is_empty() {
                    assembly.first = len;
                }
                let guessed = place.id.wrapping_mul(assembly.first);
                if self.setup.is("amst-offset-from-id") { guessed } else { place.offset }
            }
        };
        let duplicate = match assembly.parts.get(&key) {
            Some(known) if *known == data => true,
            Some(_) => return Err(wrong("two chunks at one place")),
            None => false,
        };
        if duplicate {
            held.duplicates += 1;
        } else {
            assembly.got += u64::from(len);
            assembly.parts.insert(key, data);
        }
        if !duplicate || self.setup.is("amst-counts-twice") {
            held.payload_bytes += u64::from(len);
        }
        drop(held);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for the whole, at most so long. Whatever comes of it, nothing is taken afterwards.
    pub(super) fn receive(&self, within: Duration) -> Result<Received, Refusal> {
        let until = Instant::now() + within;
        let mut held = self.lock();
        let outcome = loop {
            if let Some(error) = held.error.clone() {
                break Err(error);
            }
            if self.complete(&held) {
                break Ok(());
            }
            let ended = held.accepted > 0 && held.open == 0;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Err(if ended {
                    refuse("closed", "all streams ended before the whole was there")
                } else {
                    refuse("timeout", "the whole did not come in time")
                });
            }
            // A sender may come back with another stream for a moment after the last one ended.
            held = self
                .changed
                .wait_timeout(held, left.min(Duration::from_millis(5)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        held.closed = true;
        let received = outcome.and_then(|()| {
            let contents =
                std::mem::take(&mut held.transfers).into_values().map(assembled).collect::<Result<_, _>>()?;
            Ok(Received { contents, payload_bytes: held.payload_bytes, duplicates: held.duplicates })
        });
        drop(held);
        received
    }

    fn complete(&self, held: &Held) -> bool {
        if self.framing == Framing::W2 {
            return held.accepted >= self.streams && held.open == 0;
        }
        let quiet = held.last.is_some_and(|last| last.elapsed() > Duration::from_millis(250));
        if self.setup.is("amst-waits-for-quiet") && held.open > 0 && !quiet {
            return false;
        }
        held.transfers.len() as u32 == self.transfers
            && held.transfers.values().all(|one| one.total.is_some_and(|total| one.got >= u64::from(total)))
    }

    /// Bytes of payload, chunks that came twice, streams that are open.
    pub(super) fn counts(&self) -> (u64, u64, u32) {
        let held = self.lock();
        (held.payload_bytes, held.duplicates, held.open)
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }
}

/// The content, when the chunks meet each other.
fn assembled(assembly: Assembly) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::with_capacity(assembly.got as usize);
    let by_offset = assembly.total.is_some();
    for (next, (key, part)) in assembly.parts.into_iter().enumerate() {
        let expected = if by_offset { content.len() } else { next };
        if key as usize != expected {
            return Err(refuse("corrupt", "chunks overlap, or one is missing"));
        }
        content.extend(part);
    }
    Ok(content)
}
