//! Payloads by recipe: both sides make the same bytes, so that a hash cannot be echoed.
//!
//! A recipe is `{gen, seed, len}` with an optional `skip` (bytes of the stream that are left out before), `{b64}`, or
//! `{parts: [recipe, ...]}`, one after the other. All generators draw from SplitMix64 of the seed, blocks of 4096 bytes
//! each from its own stream `SplitMix64(seed + block number)` (wrapping), so that any part can be made alone:
//!
//! | gen | a block |
//! |---|---|
//! | `zeros` | 4096 zero bytes |
//! | `random` | 512 numbers, little-endian |
//! | `text` | words of `WORDS`, picked by `next % 64`, each followed by a blank (by `.\n` when `next / 64 % 16` is 0); cut |
//! | `json` | `{"id":N,"region":"REGION","state":"STATE","cpu":N%100,"mem":N}\n` with one number a record; cut |
//! | `vm-page` | by the first number modulo 4: zeros (0), `text` of the same stream (1), 512 pointers `0x7f0000000000 + next % 2^20 * 8` little-endian (2), 64 numbers repeated 8 times (3) |
//! | `mixed` | 2048 zero bytes, 1024 of `text`, 1024 random bytes (the stream goes on) |

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::b64;
use crate::rng::Rng;

/// Bytes of a block.
pub const BLOCK: u64 = 4096;

/// The words of `text`.
pub const WORDS: [&str; 64] = [
    "node", "cluster", "migrate", "stream", "window", "packet", "delta", "region", "latency", "budget",
    "replica", "leader", "commit", "queue", "weight", "rate", "burst", "frame", "chunk", "offset", "state",
    "vector", "clock", "merge", "quorum", "epoch", "lease", "probe", "signal", "sample", "trace", "metric",
    "alert", "rollout", "stable", "canary", "memory", "page", "dirty", "balloon", "bridge", "tunnel",
    "cipher", "digest", "schema", "tenant", "volume", "snapshot", "restore", "resume", "pause", "drain",
    "shard", "index", "cache", "warm", "cold", "edge", "core", "wide", "area", "network", "virtual",
    "machine",
];
const REGIONS: [&str; 4] = ["eu-west-1", "us-east-2", "ap-south-1", "sa-east-1"];
const STATES: [&str; 4] = ["running", "paused", "migrating", "stopped"];

/// The kinds of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gen {
    /// Zero bytes.
    Zeros,
    /// English words.
    Text,
    /// Records.
    Json,
    /// Pages of a virtual machine.
    VmPage,
    /// Half zeros, a quarter text, a quarter random.
    Mixed,
    /// Nothing to compress.
    Random,
}

impl Gen {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Zeros, Self::Text, Self::Json, Self::VmPage, Self::Mixed, Self::Random];

    /// As it stands in a recipe.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Text => "text",
            Self::Json => "json",
            Self::VmPage => "vm-page",
            Self::Mixed => "mixed",
            Self::Random => "random",
        }
    }

    fn block(self, rng: &mut Rng) -> Vec<u8> {
        let size = BLOCK as usize;
        match self {
            Self::Zeros => vec![0; size],
            Self::Random => random(rng, size),
            Self::Text => text(rng, size),
            Self::Json => json_records(rng, size),
            Self::VmPage => match rng.next_u64() % 4 {
                0 => vec![0; size],
                1 => text(rng, size),
                2 => (0..size / 8)
                    .flat_map(|_| (0x7f00_0000_0000_u64 + rng.next_u64() % (1 << 20) * 8).to_le_bytes())
                    .collect(),
                _ => random(rng, size / 8).repeat(8),
            },
            Self::Mixed => {
                let mut block = vec![0; size / 2];
                block.extend(text(rng, size / 4));
                block.extend(random(rng, size / 4));
                block
            }
        }
    }
}

fn random(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len / 8).flat_map(|_| rng.next_u64().to_le_bytes()).collect()
}

fn text(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(len + 16);
    while block.len() < len {
        let number = rng.next_u64();
        block.extend(WORDS[(number % 64) as usize].bytes());
        block.extend(if (number / 64).is_multiple_of(16) { ".\n".bytes() } else { " ".bytes() });
    }
    block.truncate(len);
    block
}

fn json_records(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(len + 128);
    while block.len() < len {
        let n = rng.next_u64() % 1_000_000;
        let (region, state) = (REGIONS[(n % 4) as usize], STATES[(n / 4 % 4) as usize]);
        let record = format!(
            "{{\"id\":{n},\"region\":\"{region}\",\"state\":\"{state}\",\"cpu\":{},\"mem\":{}}}\n",
            n % 100,
            n * 4096
        );
        block.extend(record.bytes());
    }
    block.truncate(len);
    block
}

/// A recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A part of the stream of a generator.
    Made {
        /// Which.
        content: Gen,
        /// Its seed.
        seed: u64,
        /// Bytes of the stream before the first.
        skip: u64,
        /// Bytes.
        len: u64,
    },
    /// These bytes.
    Bytes(Vec<u8>),
    /// One after the other.
    Parts(Vec<Payload>),
}

impl Payload {
    /// The first `len` bytes of a stream.
    pub const fn of(content: Gen, seed: u64, len: u64) -> Self {
        Self::Made { content, seed, skip: 0, len }
    }

    /// As it stands in a request. Seeds travel as strings.
    pub fn recipe(&self) -> Value {
        match self {
            Self::Made { content, seed, skip: 0, len } => {
                json!({"gen": content.name(), "seed": seed.to_string(), "len": len})
            }
            Self::Made { content, seed, skip, len } => {
                json!({"gen": content.name(), "seed": seed.to_string(), "skip": skip, "len": len})
            }
            Self::Bytes(bytes) => json!({"b64": b64::encode(bytes)}),
            Self::Parts(parts) => json!({"parts": parts.iter().map(Self::recipe).collect::<Vec<_>>()}),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Made { content, seed, skip, len } => {
                let mut made = Vec::with_capacity((len + 2 * BLOCK) as usize);
                let first = skip / BLOCK;
                let mut at = first;
                while at * BLOCK < skip + len {
                    made.extend(content.block(&mut Rng::new(seed.wrapping_add(at))));
                    at += 1;
                }
                let from = (skip - first * BLOCK) as usize;
                made.drain(..from.min(made.len()));
                made.truncate(*len as usize);
                made
            }
            Self::Bytes(bytes) => bytes.clone(),
            Self::Parts(parts) => parts.iter().flat_map(Self::bytes).collect(),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Made { len, .. } => *len,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Parts(parts) => parts.iter().map(Self::len).sum(),
        }
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 in hex.
    pub fn sha256(&self) -> String {
        sha256(&self.bytes())
    }
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_stream_is_a_part_of_the_whole() {
        for content in Gen::ALL {
            let whole = Payload::of(content, 7, 20_000).bytes();
            assert_eq!(whole.len(), 20_000);
            for (skip, len) in [(0, 1), (1, 4096), (4095, 2), (4096, 4096), (9_999, 10_001)] {
                let part = Payload::Made { content, seed: 7, skip, len };
                assert_eq!(
                    part.bytes(),
                    whole[skip as usize..(skip + len) as usize],
                    "{content:?} {skip} {len}"
                );
            }
        }
    }

    /// These stand in the documentation as vectors for authors of adapters.
    #[test]
    fn the_streams_are_the_documented_ones() {
        let start = |content| sha256(&Payload::of(content, 1, 10_000).bytes())[..16].to_owned();
        let found: Vec<String> = Gen::ALL.iter().map(|content| start(*content)).collect();
        assert_eq!(found, VECTORS);
    }

    /// The first 16 digits of the SHA-256 of 10 000 bytes, seed 1.
    const VECTORS: [&str; 6] = [
        "95b532cc4381affd",
        "8c540b7f4597e3e6",
        "a7112f8f150cb880",
        "18ed551e7347f275",
        "5d15ebd46f88eaaa",
        "6d7af9c305338607",
    ];

    #[test]
    fn recipes_say_what_is_needed() {
        let part = Payload::Made { content: Gen::VmPage, seed: u64::MAX, skip: 3, len: 5 };
        let whole = Payload::Parts(vec![part, Payload::Bytes(b"foo".to_vec())]);
        let text =
            r#"{"parts":[{"gen":"vm-page","len":5,"seed":"18446744073709551615","skip":3},{"b64":"Zm9v"}]}"#;
        assert_eq!(whole.recipe().to_string(), text);
        assert_eq!(whole.len(), 8);
    }
}
