//! The harness as the sending peer: frames in W1, W2 or W1C over streams to an inbox of the implementation.

use serde_json::json;

use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::sha256;
use crate::stop::{Stop, fail};
use crate::world::Conn;

/// An inbox of the implementation, and the harness's streams to it.
pub(super) struct Scatter {
    pub(super) handle: u64,
    pub(super) conns: Vec<Conn>,
}

/// A chunk of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) id: u32,
    pub(super) from: usize,
    pub(super) len: usize,
}

/// A content in chunks.
pub(super) fn chunks(len: usize, chunk: usize) -> Vec<Chunk> {
    let from = (0..len).step_by(chunk);
    from.enumerate().map(|(id, from)| Chunk { id: id as u32, from, len: chunk.min(len - from) }).collect()
}

/// A W1 frame with whatever its header says.
pub(super) fn w1(id: u32, offset: u32, len: u32, total: u32, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(16 + data.len());
    for word in [id, offset, len, total] {
        frame.extend(word.to_be_bytes());
    }
    frame.extend(data);
    frame
}

/// The W1 frame of a chunk.
pub(super) fn w1_of(content: &[u8], chunk: Chunk) -> Vec<u8> {
    let data = &content[chunk.from..chunk.from + chunk.len];
    w1(chunk.id, chunk.from as u32, chunk.len as u32, content.len() as u32, data)
}

/// The W2 frame of a chunk.
pub(super) fn w2_of(content: &[u8], chunk: Chunk) -> Vec<u8> {
    let mut frame = chunk.id.to_be_bytes().to_vec();
    frame.extend((chunk.len as u32).to_be_bytes());
    frame.extend(&content[chunk.from..chunk.from + chunk.len]);
    frame
}

/// The W1C frame of a chunk: behind the header the first eight bytes of the SHA-256 of header and data.
pub(super) fn w1c_of(content: &[u8], chunk: Chunk) -> Vec<u8> {
    let mut frame = w1_of(content, chunk);
    let digest = sha256(&frame);
    let sum = (0..8).filter_map(|at| u8::from_str_radix(digest.get(2 * at..2 * at + 2)?, 16).ok());
    frame.splice(16..16, sum.collect::<Vec<u8>>());
    frame
}

impl Scatter {
    /// An inbox, and so many streams to it.
    pub(super) fn open(bench: &mut Bench<'_>, framing: &str, streams: usize) -> Result<Self, Stop> {
        bench.needs("amst", "wire")?;
        bench.needs("amst", framing)?;
        let listening = bench.call("amst.listen", json!({"framing": framing, "streams": streams}))?;
        let address = listening.text("addr")?.to_owned();
        let mut conns = Vec::new();
        for _ in 0..streams {
            conns.push(bench.wire().connect(&address)?);
        }
        Ok(Self { handle: listening.whole("handle")?, conns })
    }

    /// Writes all of it to a stream; gives whether the other side took it.
    pub(super) fn write(&self, bench: &mut Bench<'_>, at: usize, mut bytes: &[u8]) -> Result<bool, Stop> {
        let conn = self.conns[at % self.conns.len()];
        let until = bench.now_us() + 5_000_000;
        while !bytes.is_empty() {
            match bench.wire().write(conn, bytes) {
                None => return Ok(false),
                Some(0) if bench.now_us() > until => {
                    return Err(fail(
                        "an inbox takes what is sent to it",
                        format!("{} bytes are left", bytes.len()),
                    ));
                }
                Some(0) => bench.wire().wait(1_000),
                Some(written) => bytes = &bytes[written..],
            }
        }
        Ok(true)
    }

    /// Closes our direction of all streams.
    pub(super) fn end(&self, bench: &mut Bench<'_>) {
        for conn in &self.conns {
            bench.wire().half_close(*conn);
        }
    }

    /// Closes all streams and the inbox.
    pub(super) fn close(&self, bench: &mut Bench<'_>) -> Result<(), Stop> {
        for conn in &self.conns {
            bench.wire().close(*conn);
        }
        bench.call("amst.close", json!({"handle": self.handle}))?;
        Ok(())
    }
}
