//! HDE-004, 007: a delta is put on the state that it was made from, and on nothing else.

use serde_json::json;

use super::{Frame, How, case, encode, exchanged, frame, open, pair, same};
use crate::bench::Bench;
use crate::payload::{Gen, Payload};
use crate::protocol::Code;
use crate::requirement::{Case, Level};
use crate::rng::Rng;
use crate::stop::{Stop, fail, refused};

pub(super) const CASES: &[Case] = &[
    case(
        "HDE-004",
        Level::Must,
        "Missing or replaced baseline: baseline_missing, never wrong bytes",
        "VCDIFF RFC 3284 (source window known)",
        missing,
    ),
    case(
        "HDE-007",
        Level::Must,
        "Changing the caller's buffer after encode does not affect later frames",
        "dwcp/hde.go",
        buffer,
    ),
];

/// A state, and the same with a few bytes changed.
fn two_states(rng: &mut Rng) -> (Payload, Payload) {
    let first = Payload::of(Gen::Mixed, rng.next_u64(), 60_000);
    let mut bytes = first.bytes();
    let at = rng.index(bytes.len() - 200);
    for byte in bytes.iter_mut().skip(at).take(150) {
        *byte = byte.wrapping_add(17);
    }
    (first, Payload::Bytes(bytes))
}

/// Sends two states; gives the second as a delta, or skips when the implementation makes none.
fn delta(bench: &mut Bench<'_>, contexts: (u64, u64), states: &(Payload, Payload)) -> Result<Frame, Stop> {
    let what = "the first frame decodes to what was sent";
    exchanged(bench, contexts, "k", How::Default, &states.0, what)?;
    let frame = encode(bench, contexts.0, "k", How::Default, &states.1)?;
    if frame.delta { Ok(frame) } else { Err(Stop::Skip("a small change does not go as a delta".to_owned())) }
}

fn missing(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(20, 6) {
        let mut rng = bench.begin_round(round);
        let contexts = pair(bench)?;
        let states = two_states(&mut rng);
        let frame = delta(bench, contexts, &states)?;
        let fresh = open(bench, "receiver", json!({}))?;
        let params = json!({"ctx": fresh, "frame": frame.coded});
        let what = "a delta without its baseline is baseline_missing";
        refused(bench.call("hde.decode", params.clone()), &[Code::BaselineMissing], what)?;
        // Another state under the same key, of the same length.
        let other = Payload::of(Gen::Mixed, rng.next_u64(), 60_000);
        let stranger = open(bench, "sender", json!({}))?;
        exchanged(bench, (stranger, fresh), "k", How::Default, &other, "a first frame decodes")?;
        let what = "a delta over a replaced baseline is baseline_missing";
        refused(bench.call("hde.decode", params), &[Code::BaselineMissing], what)?;
        // With its own baseline it decodes.
        let answer = super::decode(bench, contexts.1, &frame)?;
        same(&answer, &states.1, "a delta over its baseline decodes to what was sent")?;
    }
    let contexts = pair(bench)?;
    let states = two_states(&mut bench.rng("import"));
    exchanged(bench, contexts, "k", How::Default, &states.0, "a first frame decodes")?;
    let exported = bench.call("hde.baseline.export", json!({"ctx": contexts.0, "key": "k"}))?;
    let frame = encode(bench, contexts.0, "k", How::Default, &states.1)?;
    let fresh = open(bench, "receiver", json!({}))?;
    bench.call("hde.baseline.import", json!({"ctx": fresh, "key": "k", "b64": exported["b64"]}))?;
    let answer = super::decode(bench, fresh, &frame)?;
    same(&answer, &states.1, "a delta over an imported baseline decodes to what was sent")
}

fn buffer(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(10, 4) {
        let mut rng = bench.begin_round(round);
        let (sender, receiver) = pair(bench)?;
        let states = two_states(&mut rng);
        // The caller has one buffer, and writes the next state into it while the last frame is on its way.
        let order = [&states.0, &states.1, &states.0, &states.1];
        for (step, state) in order.into_iter().enumerate() {
            let next = order[(step + 1) % 4].recipe();
            let params = json!({"ctx": sender, "key": "k", "payload": state.recipe(), "scribble": next});
            let made = frame(&bench.call("hde.encode", params)?)?;
            let what = "a frame made after the caller reused its buffer decodes to what was sent";
            let answer = super::decode(bench, receiver, &made).map_err(|stop| match stop {
                Stop::Fail { seen, .. } => fail(what, format!("step {step}: {seen}")),
                other => other,
            })?;
            same(&answer, state, what)?;
        }
    }
    Ok(())
}
