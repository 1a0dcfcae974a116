//! W4: twelve bytes of header, the body, and at the end of the body sixteen bytes that every zstd and lz4 decoder skips.
//!
//! version 3, delta, algorithm, mode, original length u32, compressed length u32 (big-endian); the last sixteen bytes are a
//! skippable frame (RFC 8878 section 3.1.2) with the first eight bytes of the SHA-256 of header and content. So a flip
//! anywhere is seen, also where the content travels as it is.

use sha2::{Digest, Sha256};

use super::codec::Algorithm;
use crate::refusal::{Refusal, refuse};

/// Bytes of the header.
pub(super) const HEADER: usize = 12;
/// Bytes of the seal at the end.
pub(super) const SEAL: usize = 16;
const VERSION: u8 = 3;
const SKIPPABLE: u32 = 0x184d_2a5d;

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) delta: bool,
    pub(super) algorithm: Algorithm,
    pub(super) mode: u8,
    pub(super) original: u32,
    pub(super) compressed: u32,
}

/// The first eight bytes of the SHA-256 of all parts.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 8] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut short = [0; 8];
    for (to, from) in short.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    short
}

pub(super) fn corrupt(why: &str) -> Refusal {
    refuse("corrupt", why)
}

impl Header {
    pub(super) fn bytes(&self) -> [u8; HEADER] {
        let (o, c) = (self.original.to_be_bytes(), self.compressed.to_be_bytes());
        let first = [VERSION, u8::from(self.delta), self.algorithm.number(), self.mode];
        let mut bytes = [0; HEADER];
        for (to, from) in bytes.iter_mut().zip(first.into_iter().chain(o).chain(c)) {
            *to = from;
        }
        bytes
    }

    /// Header and body of a frame.
    pub(super) fn parse(frame: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let (head, body) =
            frame.split_first_chunk::<HEADER>().ok_or_else(|| corrupt("shorter than a header"))?;
        let [version, delta, algorithm, mode, o0, o1, o2, o3, c0, c1, c2, c3] = *head;
        if version != VERSION || delta > 1 || mode > 2 {
            return Err(corrupt("a header of another version"));
        }
        let algorithm = Algorithm::of(algorithm).ok_or_else(|| corrupt("an algorithm that there is not"))?;
        let (original, compressed) =
            (u32::from_be_bytes([o0, o1, o2, o3]), u32::from_be_bytes([c0, c1, c2, c3]));
        Ok((Self { delta: delta == 1, algorithm, mode, original, compressed }, body))
    }

    /// The seal of a content under this header.
    pub(super) fn seal(&self, content: &[u8]) -> [u8; SEAL] {
        let mut seal = [0; SEAL];
        let digest = digest(&[&self.bytes(), content]);
        let all = SKIPPABLE.to_le_bytes().into_iter().chain(8_u32.to_le_bytes()).chain(digest);
        for (to, from) in seal.iter_mut().zip(all) {
            *to = from;
        }
        seal
    }
}
