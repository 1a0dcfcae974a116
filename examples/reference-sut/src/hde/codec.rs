//! The algorithms of a body, each with a bound on what comes out.

use std::io::{Read, Write};

use super::frame::corrupt;
use crate::refusal::{Refusal, refuse};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// As it is.
    None,
    /// LZ4 frame.
    Lz4,
    /// zstd at a middle level.
    Zstd,
    /// zstd at its strongest.
    ZstdMax,
}

impl Algorithm {
    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    pub(super) const fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Lz4,
            2 => Self::Zstd,
            3 => Self::ZstdMax,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::ZstdMax => "zstd-max",
        }
    }
}

fn internal(error: impl ToString) -> Refusal {
    refuse("internal", error.to_string())
}

/// Compresses; `level` is zstd's, `dictionary` only for zstd.
pub(super) fn compress(
    algorithm: Algorithm,
    level: i32,
    dictionary: Option<&[u8]>,
    content: &[u8],
) -> Result<Vec<u8>, Refusal> {
    match algorithm {
        Algorithm::None => Ok(content.to_vec()),
        Algorithm::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(content).map_err(internal)?;
            encoder.finish().map_err(internal)
        }
        Algorithm::Zstd | Algorithm::ZstdMax => {
            let mut compressor =
                zstd::bulk::Compressor::with_dictionary(level, dictionary.unwrap_or_default())
                    .map_err(internal)?;
            compressor.compress(content).map_err(internal)
        }
    }
}

/// Decompresses to at most `most` bytes; more is corrupt, and never comes into memory.
pub(super) fn decompress(
    algorithm: Algorithm,
    dictionaries: &[Vec<u8>],
    body: &[u8],
    most: usize,
) -> Result<Vec<u8>, Refusal> {
    match algorithm {
        Algorithm::None if body.len() <= most => Ok(body.to_vec()),
        Algorithm::None => Err(corrupt("more than was announced")),
        Algorithm::Lz4 => {
            let mut content = Vec::new();
            let mut decoder = lz4_flex::frame::FrameDecoder::new(body).take(most as u64 + 1);
            decoder.read_to_end(&mut content).map_err(|_| corrupt("no lz4 frame"))?;
            if content.len() > most { Err(corrupt("more than was announced")) } else { Ok(content) }
        }
        Algorithm::Zstd | Algorithm::ZstdMax => {
            let mut wrong = corrupt("no zstd frame, or of an unknown dictionary");
            let none = [Vec::new()];
            for dictionary in none.iter().chain(dictionaries) {
                let mut decompressor =
                    zstd::bulk::Decompressor::with_dictionary(dictionary).map_err(internal)?;
                match decompressor.decompress(body, most) {
                    Ok(content) => return Ok(content),
                    Err(error) => wrong = corrupt(&format!("zstd: {error}")),
                }
            }
            Err(wrong)
        }
    }
}

/// Decompresses without a bound: only a fault does.
pub(super) fn decompress_unbounded(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    zstd::stream::decode_all(body).map_err(|error| corrupt(&error.to_string()))
}
