//! Payloads made from recipes: `{gen, seed, len, skip}`, `{b64}` or `{parts}`. See the harness's documentation.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::b64;
use crate::refusal::{Refusal, invalid, text, whole, whole_or};

const BLOCK: u64 = 4096;
/// More bytes in one payload are refused.
const MAX: u64 = 256 << 20;
const WORDS: &str = "node cluster migrate stream window packet delta region latency budget replica leader commit queue \
weight rate burst frame chunk offset state vector clock merge quorum epoch lease probe signal sample trace metric alert \
rollout stable canary memory page dirty balloon bridge tunnel cipher digest schema tenant volume snapshot restore resume \
pause drain shard index cache warm cold edge core wide area network virtual machine";

/// `SplitMix64`.
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub const fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The bytes of a recipe.
pub fn make(recipe: &Value) -> Result<Vec<u8>, Refusal> {
    if let Some(parts) = recipe["parts"].as_array() {
        let mut whole = Vec::new();
        for part in parts {
            whole.extend(make(part)?);
        }
        return Ok(whole);
    }
    if let Some(coded) = recipe["b64"].as_str() {
        return b64::decode(coded).ok_or_else(|| invalid("b64 is no base64"));
    }
    let (seed, len) = (whole(recipe, "seed")?, whole(recipe, "len")?);
    let skip = whole_or(recipe, "skip", 0)?;
    if len > MAX {
        return Err(invalid(format!("len is over {MAX}")));
    }
    let kind = text(recipe, "gen")?;
    let mut made = Vec::with_capacity((len + 2 * BLOCK) as usize);
    let mut block = skip / BLOCK;
    let begin = (skip - block * BLOCK) as usize;
    while block * BLOCK < skip + len {
        let mut rng = Rng(seed.wrapping_add(block));
        made.extend(content(kind, &mut rng).ok_or_else(|| invalid(format!("there is no gen {kind}")))?);
        block += 1;
    }
    made.drain(..begin.min(made.len()));
    made.truncate(len as usize);
    Ok(made)
}

fn content(kind: &str, rng: &mut Rng) -> Option<Vec<u8>> {
    let size = BLOCK as usize;
    Some(match kind {
        "zeros" => vec![0; size],
        "random" => random(rng, size),
        "text" => words(rng, size),
        "json" => records(rng, size),
        "vm-page" => match rng.next() % 4 {
            0 => vec![0; size],
            1 => words(rng, size),
            2 => {
                (0..512).flat_map(|_| (0x7f00_0000_0000 + rng.next() % (1 << 20) * 8).to_le_bytes()).collect()
            }
            _ => random(rng, size / 8).repeat(8),
        },
        "mixed" => [vec![0; size / 2], words(rng, size / 4), random(rng, size / 4)].concat(),
        _ => return None,
    })
}

fn random(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len / 8).flat_map(|_| rng.next().to_le_bytes()).collect()
}

fn words(rng: &mut Rng, len: usize) -> Vec<u8> {
    let all: Vec<&str> = WORDS.split(' ').collect();
    let mut made = String::new();
    while made.len() < len {
        let n = rng.next();
        made += all[(n % 64) as usize];
        made += if (n / 64).is_multiple_of(16) { ".\n" } else { " " };
    }
    made.into_bytes()[..len].to_vec()
}

fn records(rng: &mut Rng, len: usize) -> Vec<u8> {
    let regions = ["eu-west-1", "us-east-2", "ap-south-1", "sa-east-1"];
    let states = ["running", "paused", "migrating", "stopped"];
    let mut made = String::new();
    while made.len() < len {
        let n = rng.next() % 1_000_000;
        let (region, state) = (regions[(n % 4) as usize], states[(n / 4 % 4) as usize]);
        let (cpu, mem) = (n % 100, n * 4096);
        // Writing to a text cannot fail.
        let _ = writeln!(
            made,
            "{{\"id\":{n},\"region\":\"{region}\",\"state\":\"{state}\",\"cpu\":{cpu},\"mem\":{mem}}}"
        );
    }
    made.into_bytes()[..len].to_vec()
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_streams_are_the_documented_ones() {
        let kinds = ["zeros", "text", "json", "vm-page", "mixed", "random"];
        let start =
            |kind| sha256(&make(&json!({"gen": kind, "seed": "1", "len": 10_000})).unwrap())[..16].to_owned();
        assert_eq!(kinds.map(start), VECTORS);
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
}
