//! HDE-001, 002, 003, 006, 011: what was sent is what is received.

use serde_json::json;

use super::{EVERY, How, case, encode, exchanged, frame, open, pair, same};
use crate::bench::Bench;
use crate::fields::Fields;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::rng::Rng;
use crate::stop::{CallError, Stop, ensure};

pub(super) const CASES: &[Case] = &[
    case(
        "HDE-001",
        Level::Must,
        "First frame lossless between separate contexts; 6 corpora x tiers/modes",
        "dwcp/v3/encoding/hde_v3_test.go",
        first_frame,
    ),
    case(
        "HDE-002",
        Level::Must,
        "Chain of 25 states (edits: in place, shrink, grow, empty, unrelated) lossless at every step",
        "MaxDeltaChain 10",
        chain,
    ),
    case(
        "HDE-003",
        Level::Must,
        "Fresh receiver fed frames in order decodes every one",
        "\"exchange\", design l.154",
        fresh_receiver,
    ),
    case(
        "HDE-006",
        Level::Must,
        "Lossless unless the frame and config both say lossy; default lossless",
        "SPEC 3.2",
        lossy_is_said,
    ),
    case(
        "HDE-011",
        Level::Must,
        "1 B-1 KiB inputs round-trip in the default config",
        "dwcp/compression/delta_encoder_test.go",
        tiny,
    ),
];

fn first_frame(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(36, 36) {
        let mut rng = bench.begin_round(round);
        let (content, how) = (Gen::ALL[round as usize % 6], EVERY[round as usize / 6]);
        // Under 100 KiB, above it, and ragged at the end.
        for len in [70_000 + rng.below(30_000), 110_000 + rng.below(100_000), 40_960] {
            let contexts = pair(bench)?;
            let payload = Payload::of(content, rng.next_u64(), len);
            exchanged(bench, contexts, "k", how, &payload, "the first frame decodes to what was sent")?;
        }
    }
    Ok(())
}

/// The next state of a chain.
fn edit(rng: &mut Rng, state: &[u8], kind: usize) -> Vec<u8> {
    let mut next = state.to_vec();
    match kind {
        0 => {
            let at = rng.index(next.len().max(1));
            for byte in next.iter_mut().skip(at).take(100) {
                *byte ^= 0x55;
            }
        }
        1 => next.truncate(next.len() - next.len() / 3),
        2 => {
            let len = 1_000 + rng.below(9_000);
            next.extend(Payload::of(Gen::Text, rng.next_u64(), len).bytes());
        }
        3 => next.clear(),
        _ => {
            let len = 20_000 + rng.below(20_000);
            next = Payload::of(Gen::VmPage, rng.next_u64(), len).bytes();
        }
    }
    next
}

fn chain(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(6, 2) {
        let mut rng = bench.begin_round(round);
        let contexts = pair(bench)?;
        let mut state = Payload::of(Gen::VmPage, rng.next_u64(), 30_000).bytes();
        let mut deltas = 0;
        for step in 0..25 {
            // Every kind of edit comes, most often the small one.
            let kind = [0, 0, 1, 0, 2, 0, 3, 4, 0, 1][(step + round as usize) % 10];
            let payload = Payload::Bytes(state.clone());
            let what = "every state of a chain decodes to what was sent";
            deltas += u32::from(exchanged(bench, contexts, "vm", How::Default, &payload, what)?.delta);
            state = edit(&mut rng, &state, kind);
        }
        bench.note(format!("{deltas} of 25 states of a chain went as deltas"));
    }
    Ok(())
}

fn fresh_receiver(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(4, 2) {
        let mut rng = bench.begin_round(round);
        let sender = open(bench, "sender", json!({}))?;
        let mut state = Payload::of(Gen::Mixed, rng.next_u64(), 30_000).bytes();
        let mut sent = Vec::new();
        for step in 0..25 {
            let payload = Payload::Bytes(state.clone());
            sent.push((encode(bench, sender, "vm", How::Default, &payload)?, payload));
            state = edit(&mut rng, &state, if step % 5 == 4 { 2 } else { 0 });
        }
        let receiver = open(bench, "receiver", json!({}))?;
        for (frame, payload) in &sent {
            let answer = super::decode(bench, receiver, frame)?;
            same(&answer, payload, "a fresh receiver decodes every frame in order")?;
        }
    }
    Ok(())
}

fn lossy_is_said(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for lossy in [false, true] {
        let config = if lossy { json!({"lossy": true}) } else { json!({}) };
        let sender = match bench.call("hde.open", json!({"role": "sender", "config": config})) {
            // Who has nothing lossy refuses the wish.
            Err(CallError::Refused { .. }) if lossy => return Ok(()),
            opened => opened?.whole("ctx")?,
        };
        for content in Gen::ALL {
            let receiver = open(bench, "receiver", config.clone())?;
            let payload = Payload::of(content, bench.seed(), 50_000);
            let frame = encode(bench, sender, content.name(), How::Default, &payload)?;
            let answer = super::decode(bench, receiver, &frame)?;
            ensure(lossy || !frame.lossy, "nothing is lossy by default", || content.name().to_owned())?;
            if !frame.lossy {
                same(&answer, &payload, "a frame that does not say lossy is lossless")?;
            }
        }
    }
    Ok(())
}

fn tiny(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let contexts = pair(bench)?;
    let edges = [1, 2, 3, 4, 7, 8, 15, 16, 255, 256, 511, 512, 1_023, 1_024];
    for round in bench.rounds(1_024, 160) {
        let mut rng = bench.begin_round(round);
        let len = if bench.quick() {
            edges.get(round as usize).copied().unwrap_or_else(|| 1 + rng.below(1_024))
        } else {
            u64::from(round) + 1
        };
        let payload = Payload::of(Gen::ALL[rng.index(6)], rng.next_u64(), len);
        let made = bench.call(
            "hde.encode",
            json!({"ctx": contexts.0, "key": round.to_string(), "payload": payload.recipe()}),
        )?;
        let answer = super::decode(bench, contexts.1, &frame(&made)?)?;
        same(&answer, &payload, "an input of 1 B to 1 KiB decodes to what was sent")?;
    }
    Ok(())
}
