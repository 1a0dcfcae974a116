//! Which algorithm: the mode table of the design, or a tier. Looks at the whole input.

use serde_json::Value;

use super::codec::{Algorithm, compress};
use crate::refusal::{Refusal, invalid, text, whole};

/// What is smaller travels as it is, in bytes.
pub(super) const SMALLEST: usize = 1 << 10;
const LZ4_BELOW: usize = 100 << 10;
const STRONGEST_ABOVE: usize = 1 << 20;
/// zstd's levels of the tiers 1, 2, 3.
const LEVELS: [i32; 3] = [1, 6, 19];
const MIDDLE: i32 = 3;

/// The network between the sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Datacenter,
    Internet,
    Hybrid,
}

/// The mode of that name.
pub(super) fn mode(name: &str) -> Result<Mode, Refusal> {
    match name {
        "datacenter" => Ok(Mode::Datacenter),
        "internet" => Ok(Mode::Internet),
        "hybrid" => Ok(Mode::Hybrid),
        _ => Err(invalid(format!("mode {name} is none of datacenter, internet, hybrid"))),
    }
}

/// What the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Tier(usize),
    Mode(Mode),
    Default,
}

/// Reads `tier` or `mode`.
pub(super) fn how(params: &Value) -> Result<How, Refusal> {
    if !params["tier"].is_null() {
        return match whole(params, "tier")? {
            tier @ 1..=3 => Ok(How::Tier(tier as usize)),
            other => Err(invalid(format!("tier {other} is none of 1, 2, 3"))),
        };
    }
    if params["mode"].is_null() { Ok(How::Default) } else { Ok(How::Mode(mode(text(params, "mode")?)?)) }
}

/// An algorithm and zstd's level.
pub(super) type Choice = (Algorithm, i32);

/// What is told of the choice by faults.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Looks at the first 256 bytes only.
    pub(super) probe_start: bool,
    /// 100 KiB is still under 100 KiB.
    pub(super) boundary: bool,
    /// Levels of the tiers 2 and 3 are swapped.
    pub(super) tiers: bool,
}

/// Chooses for a content.
pub(super) fn choose(how: How, content: &[u8], faults: Faults) -> Result<Choice, Refusal> {
    let probed = if faults.probe_start { content.get(..256).unwrap_or(content) } else { content };
    if content.len() < SMALLEST || !shrinks(probed)? {
        return Ok((Algorithm::None, 0));
    }
    let len = content.len();
    Ok(match how {
        How::Tier(tier) => {
            let level = match (tier, faults.tiers) {
                (2, true) => LEVELS[2],
                (3, true) => LEVELS[1],
                _ => LEVELS[tier - 1],
            };
            (if tier == 3 { Algorithm::ZstdMax } else { Algorithm::Zstd }, level)
        }
        How::Mode(Mode::Datacenter) if len < LZ4_BELOW + usize::from(faults.boundary) => (Algorithm::Lz4, 0),
        How::Mode(Mode::Internet) if len > STRONGEST_ABOVE || is_text(content) || repeats(content)? => {
            (Algorithm::ZstdMax, LEVELS[2])
        }
        How::Mode(Mode::Hybrid) => best(content)?,
        _ => (Algorithm::Zstd, MIDDLE),
    })
}

fn ratio(algorithm: Algorithm, level: i32, content: &[u8]) -> Result<f64, Refusal> {
    Ok(content.len() as f64 / compress(algorithm, level, None, content)?.len().max(1) as f64)
}

fn shrinks(content: &[u8]) -> Result<bool, Refusal> {
    Ok(ratio(Algorithm::Zstd, 1, content)? > 1.05)
}

fn repeats(content: &[u8]) -> Result<bool, Refusal> {
    Ok(ratio(Algorithm::Lz4, 0, content)? > 4.0)
}

/// Nearly all bytes are printable.
fn is_text(content: &[u8]) -> bool {
    let printable = content.iter().filter(|byte| matches!(byte, 0x20..=0x7e | b'\n' | b'\r' | b'\t')).count();
    printable * 100 >= content.len() * 95
}

/// The best product of ratio and relative speed.
fn best(content: &[u8]) -> Result<Choice, Refusal> {
    let mut best = ((Algorithm::Zstd, MIDDLE), 0.0);
    for (algorithm, level, speed) in [(Algorithm::Lz4, 0, 1.0), (Algorithm::Zstd, MIDDLE, 0.8)] {
        let score = ratio(algorithm, level, content)? * speed;
        if score > best.1 {
            best = ((algorithm, level), score);
        }
    }
    Ok(best.0)
}
