//! AMST-018: a peer that lies about lengths, ids and places.

use serde_json::json;

use super::scatter::{Scatter, chunks, w1, w1_of};
use super::{case, same};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::rng::Rng;
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[case(
    "AMST-018",
    Level::Must,
    "Hostile length/ids: error, \u{2264} 64 MiB extra memory; 10 000 fuzzed frames, no crash or hang",
    "RFC 9000 sec. 4 (limits)",
    lies,
)];

/// More memory than that is too much, in KiB.
const EXTRA_KIB: u64 = 64 << 10;
/// Frames of a round.
const FRAMES: u32 = 50;

/// Lies of which each is an error: (id, offset, length, total).
const LIES: [(u32, u32, u32, u32); 6] = [
    (0, 0, u32::MAX, u32::MAX),
    (0, 0, 200 << 20, 200 << 20),
    (0, 900, 200, 1_000),
    (0, u32::MAX, 100, u32::MAX),
    (u32::MAX, 500 << 20, 100, 100),
    (7, 0, 100, 50),
];

fn lies(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let before = memory(bench, None)?;
    for (id, offset, len, total) in LIES {
        let scatter = Scatter::open(bench, "w1", 1)?;
        // As if the data came: much less than announced.
        scatter.write(bench, 0, &w1(id, offset, len, total, &[0x41; 5_000]))?;
        scatter.end(bench);
        let answer = bench.call("amst.receive", json!({"handle": scatter.handle, "within_ms": 200}));
        let what = "a frame that lies is an error";
        match answer {
            Err(CallError::Refused { .. }) => {}
            Err(broken) => return Err(broken.into()),
            Ok(answer) => {
                return Err(fail(what, format!("id {id}, {len} bytes at {offset} of {total}: {answer}")));
            }
        }
        scatter.close(bench)?;
        memory(bench, before)?;
    }
    for round in bench.rounds(200, 40) {
        let mut rng = bench.begin_round(round);
        fuzzed(bench, &mut rng)?;
        memory(bench, before)?;
    }
    // It serves on.
    let payload = Payload::of(Gen::Text, bench.seed(), 100_000);
    let content = payload.bytes();
    let scatter = Scatter::open(bench, "w1", 2)?;
    for chunk in chunks(content.len(), 8_192) {
        scatter.write(bench, chunk.id as usize, &w1_of(&content, chunk))?;
    }
    let answer = bench.call("amst.receive", json!({"handle": scatter.handle, "within_ms": 3_000}))?;
    same(&answer, &payload, "after hostile peers a good one is served")
}

/// Frames of a good transfer, each with something wrong in it.
fn fuzzed(bench: &mut Bench<'_>, rng: &mut Rng) -> Result<(), Stop> {
    let scatter = Scatter::open(bench, "w1", 2)?;
    for _ in 0..FRAMES {
        let len = rng.below(600) as u32;
        let mut frame =
            w1(rng.below(40) as u32, rng.below(20_000) as u32, len, 20_000, &vec![0x42; len as usize]);
        match rng.below(4) {
            0 => {
                let bit = rng.index(128);
                frame[bit / 8] ^= 1 << (bit % 8);
            }
            1 => frame.truncate(rng.index(frame.len())),
            2 => {
                let word = 4 * rng.index(4);
                let value = [0, 1, u32::MAX, 1 << 31, 150 << 20][rng.index(5)];
                frame[word..word + 4].copy_from_slice(&value.to_be_bytes());
            }
            _ => {
                for byte in frame.iter_mut().take(16) {
                    *byte = rng.next_u64() as u8;
                }
            }
        }
        if !scatter.write(bench, rng.index(2), &frame)? {
            break;
        }
    }
    scatter.end(bench);
    let answer = bench.call_within("amst.receive", json!({"handle": scatter.handle, "within_ms": 20}), 2_000);
    scatter.close(bench)?;
    match answer {
        Ok(_) | Err(CallError::Refused { .. }) => {}
        Err(broken) => return Err(broken.into()),
    }
    Ok(())
}

/// The peak now; too much over `before` is a failure.
fn memory(bench: &mut Bench<'_>, before: Option<u64>) -> Result<Option<u64>, Stop> {
    let now = bench.peak_kib();
    if let (Some(before), Some(now)) = (before, now) {
        bench.measure("memory under hostile frames", (now - before) as f64 / 1_024.0, "MiB", Better::Lower);
        ensure(now - before <= EXTRA_KIB, "hostile frames take at most 64 MiB of memory", || {
            format!("{} MiB", (now - before) >> 10)
        })?;
    }
    Ok(now)
}
