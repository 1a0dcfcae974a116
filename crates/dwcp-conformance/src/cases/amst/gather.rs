//! The harness as the receiving peer: takes W1 frames from any number of streams, as slowly as a case wants.

use std::collections::BTreeMap;

use crate::bench::Bench;
use crate::stop::{Stop, fail};
use crate::world::{Conn, Read};

/// Bytes of a W1 header.
pub(super) const HEADER: usize = 16;
/// One read.
const PIECE: usize = 256 << 10;
/// A chunk that is longer is no chunk.
const MAX_CHUNK: usize = 16 << 20;

/// One stream from the implementation.
pub(super) struct Stream {
    pub(super) conn: Conn,
    /// Whether it is open at both ends.
    pub(super) open: bool,
    /// Bytes that came.
    pub(super) bytes: u64,
    buffer: Vec<u8>,
}

/// All streams, and what came over them.
pub(super) struct Gather {
    pub(super) streams: Vec<Stream>,
    pub(super) wire_bytes: u64,
    /// When the last byte came, and the longest time without one since the first.
    pub(super) last_us: Option<u64>,
    pub(super) longest_gap_us: u64,
    total: Option<u32>,
    parts: BTreeMap<u32, Vec<u8>>,
    /// Whether an end of the other side is answered by our own, which says that all was taken.
    pub(super) confirms: bool,
}

impl Gather {
    pub(super) const fn new() -> Self {
        Self {
            streams: Vec::new(),
            wire_bytes: 0,
            last_us: None,
            longest_gap_us: 0,
            total: None,
            parts: BTreeMap::new(),
            confirms: true,
        }
    }

    /// Takes the streams that wait to be accepted.
    pub(super) fn accept(&mut self, bench: &mut Bench<'_>) -> Result<(), Stop> {
        while let Some(conn) = bench.wire().accept()? {
            self.streams.push(Stream { conn, open: true, bytes: 0, buffer: Vec::new() });
        }
        Ok(())
    }

    /// Waits until so many streams were accepted.
    pub(super) fn accept_all(&mut self, bench: &mut Bench<'_>, count: usize, what: &str) -> Result<(), Stop> {
        let until = bench.now_us() + 2_000_000;
        while self.streams.len() < count {
            self.accept(bench)?;
            if bench.now_us() > until {
                return Err(fail(what, format!("{} of {count} streams came", self.streams.len())));
            }
            if self.streams.len() < count {
                bench.wire().wait(2_000);
            }
        }
        Ok(())
    }

    /// Accepts and reads once; a stream gives at most what `allow` says for it. Gives how many bytes came.
    pub(super) fn turn(
        &mut self,
        bench: &mut Bench<'_>,
        mut allow: impl FnMut(usize, &Stream) -> usize,
    ) -> Result<usize, Stop> {
        self.accept(bench)?;
        let mut came = 0;
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            let allowed = if stream.open { allow(at, stream).min(PIECE) } else { 0 };
            if allowed == 0 {
                continue;
            }
            let conn = stream.conn;
            match bench.wire().read(conn, allowed) {
                Read::Bytes(bytes) => {
                    came += bytes.len();
                    self.took(at, &bytes)?;
                }
                Read::Nothing => {}
                Read::Closed if !self.confirms => {}
                Read::Closed | Read::Reset => {
                    self.streams[at].open = false;
                    bench.wire().close(conn);
                }
            }
        }
        if came > 0 {
            let now = bench.now_us();
            if let Some(last) = self.last_us {
                self.longest_gap_us = self.longest_gap_us.max(now - last);
            }
            self.last_us = Some(now);
        }
        Ok(came)
    }

    fn took(&mut self, at: usize, bytes: &[u8]) -> Result<(), Stop> {
        self.wire_bytes += bytes.len() as u64;
        let stream = &mut self.streams[at];
        stream.bytes += bytes.len() as u64;
        stream.buffer.extend(bytes);
        loop {
            let Some((head, rest)) = stream.buffer.split_first_chunk::<HEADER>() else { return Ok(()) };
            let word = |from: usize| {
                head[from..from + 4].iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
            };
            let (offset, len, total) = (word(4), word(8) as usize, word(12));
            let what = "frames are W1";
            if len > MAX_CHUNK || u64::from(offset) + len as u64 > u64::from(total) {
                return Err(fail(what, format!("{len} bytes at {offset} of {total}")));
            }
            if *self.total.get_or_insert(total) != total {
                return Err(fail(what, format!("total {total} after {:?}", self.total)));
            }
            let Some(data) = rest.get(..len) else { return Ok(()) };
            self.parts.insert(offset, data.to_vec());
            stream.buffer.drain(..HEADER + len);
        }
    }

    /// Resets a stream.
    pub(super) fn reset(&mut self, bench: &mut Bench<'_>, at: usize) {
        self.streams[at].open = false;
        // What came of an unfinished frame is lost with its stream.
        self.streams[at].buffer.clear();
        bench.wire().reset(self.streams[at].conn);
    }

    /// Streams that are open.
    pub(super) fn open(&self) -> usize {
        self.streams.iter().filter(|stream| stream.open).count()
    }

    /// The content, as far as it meets.
    pub(super) fn content(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for (offset, part) in &self.parts {
            let have = content.len();
            match part.get(have.saturating_sub(*offset as usize)..) {
                Some(new) if *offset as usize <= have => content.extend(new),
                _ => {}
            }
        }
        content
    }

    /// Pumps until the answer is there.
    pub(super) fn pump(
        &mut self,
        bench: &mut Bench<'_>,
        ticket: u64,
        within_ms: u64,
        mut allow: impl FnMut(usize, &Stream) -> usize,
    ) -> Result<serde_json::Value, Stop> {
        let until = bench.now_us() + within_ms * 1_000;
        loop {
            let came = self.turn(bench, &mut allow)?;
            if let Some(answer) = bench.look(ticket)? {
                return Ok(answer);
            }
            if bench.now_us() > until {
                return Ok(bench.finish(ticket, 0)?);
            }
            if came == 0 {
                bench.wire().wait(1_000);
            }
        }
    }
}
