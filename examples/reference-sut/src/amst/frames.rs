//! Frames on a stream: W1, W2, and W1C, which is W1 with eight bytes of SHA-256 over header and data behind the header.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::refusal::{Refusal, invalid, refuse};

/// Largest chunk that is taken, in bytes.
const MAX_CHUNK: u32 = 4 << 20;
/// Largest transfer that is taken, in bytes.
pub(super) const MAX_TOTAL: u32 = 256 << 20;
/// Data are read in pieces, so that a length alone costs no memory.
const PIECE: u64 = 64 << 10;

/// How frames look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    W1,
    W2,
    W1c,
}

impl Framing {
    pub(super) fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "w1" => Ok(Self::W1),
            "w2" => Ok(Self::W2),
            "w1c" => Ok(Self::W1c),
            _ => Err(invalid(format!("framing {name} is none of w1, w2, w1c"))),
        }
    }

    pub(super) const fn header(self) -> usize {
        match self {
            Self::W1 => 16,
            Self::W2 => 8,
            Self::W1c => 24,
        }
    }
}

/// Where a chunk belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) id: u32,
    pub(super) offset: u32,
    pub(super) total: u32,
}

/// A whole frame.
pub(super) fn frame(framing: Framing, place: Place, data: &[u8], short: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(framing.header() + data.len());
    bytes.extend(place.id.to_be_bytes());
    if framing != Framing::W2 {
        bytes.extend(place.offset.to_be_bytes());
    }
    bytes.extend((data.len() as u32).to_be_bytes());
    if framing != Framing::W2 {
        bytes.extend(place.total.to_be_bytes());
    }
    if framing == Framing::W1c {
        let sum = checksum(&bytes, data, short);
        bytes.extend(sum);
    }
    bytes.extend(data);
    bytes
}

/// `short`: the fault that leaves the last byte out.
fn checksum(header: &[u8], data: &[u8], short: bool) -> [u8; 8] {
    let covered = if short { data.len().saturating_sub(1) } else { data.len() };
    let mut hash = Sha256::new();
    hash.update(header);
    hash.update(&data[..covered]);
    let mut sum = [0; 8];
    for (to, from) in sum.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    sum
}

/// What came of reading one frame.
pub(super) enum Got {
    Frame(Place, Vec<u8>),
    /// The stream ended between two frames.
    End,
    /// The stream ended in a frame: the frame is lost, others may carry it again.
    Cut,
    /// What no sender of ours sends.
    Wrong(Refusal),
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Reads one frame. `eager`: the fault of making room for the whole transfer at once.
pub(super) fn read(stream: &mut impl Read, framing: Framing, short: bool, eager: bool) -> Got {
    let mut header = vec![0; framing.header()];
    match fill(stream, &mut header) {
        Ok(0) => return Got::End,
        Ok(all) if all == header.len() => {}
        _ => return Got::Cut,
    }
    let (place, len) = if framing == Framing::W2 {
        (Place { id: word(&header, 0), offset: 0, total: 0 }, word(&header, 4))
    } else {
        (Place { id: word(&header, 0), offset: word(&header, 4), total: word(&header, 12) }, word(&header, 8))
    };
    if eager {
        let mut room = Vec::new();
        room.resize(place.total as usize, 1_u8);
        std::hint::black_box(&room);
    }
    let wrong = |why: &str| Got::Wrong(refuse("corrupt", why));
    if len > MAX_CHUNK || place.total > MAX_TOTAL {
        return wrong("a length over the limit");
    }
    if framing != Framing::W2 {
        let end = place.offset.checked_add(len);
        if end.is_none_or(|end| end > place.total) || (len == 0 && place.total > 0) {
            return wrong("a chunk outside of its transfer");
        }
    }
    let mut data = Vec::new();
    while (data.len() as u64) < u64::from(len) {
        let piece = PIECE.min(u64::from(len) - data.len() as u64);
        match stream.take(piece).read_to_end(&mut data) {
            Ok(read) if read as u64 == piece => {}
            _ => return Got::Cut,
        }
    }
    if framing == Framing::W1c && checksum(&header[..16], &data, short) != header[16..] {
        return wrong("a chunk whose checksum is another");
    }
    Got::Frame(place, data)
}

/// Reads until the buffer is full or the stream ends; gives how much.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
