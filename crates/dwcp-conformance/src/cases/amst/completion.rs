//! AMST-002, 006, 016: the ends: an empty payload, idle streams, a length that no header can say.

use serde_json::json;

use super::gather::Gather;
use super::scatter::{Scatter, chunks, w1_of};
use super::{case, dial, same, timed};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::protocol::Code;
use crate::requirement::{Case, Level};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[
    timed(
        "AMST-002",
        Level::Must,
        "Empty payload: answer within 1 s, same behaviour in all modes",
        "dwcp/amst.go",
        empty,
    ),
    timed(
        "AMST-006",
        Level::Must,
        "Receive completes \u{2264} 100 ms after the last byte while idle streams stay open",
        "dwcp/amst.go",
        idle_streams,
    ),
    case(
        "AMST-016",
        Level::Must,
        "Size beyond header range: accepted correctly or refused before sending",
        "W1",
        beyond,
    ),
];

fn empty(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("amst", "in-process")?;
    let payload = Payload::of(Gen::Zeros, 0, 0);
    let mut outcomes = Vec::new();
    for mode in ["datacenter", "internet", "hybrid"] {
        for streams in [1, 4] {
            let params =
                json!({"payload": payload.recipe(), "mode": mode, "streams": streams, "within_ms": 900});
            let begun = bench.now_us();
            let outcome = match bench.call("amst.transfer", params) {
                Ok(answer) => {
                    same(&answer, &payload, "an empty payload arrives empty")?;
                    "ok".to_owned()
                }
                Err(CallError::Refused { code, .. }) if code != Code::Unsupported => code.word().to_owned(),
                Err(other) => return Err(other.into()),
            };
            let took = bench.now_us() - begun;
            ensure(took <= 1_000_000, "an empty payload is answered within 1 s", || {
                format!("{mode}: {took} \u{b5}s")
            })?;
            outcomes.push((mode, streams, outcome));
        }
    }
    let first = outcomes[0].2.clone();
    let other = outcomes.iter().find(|(.., outcome)| *outcome != first);
    ensure(other.is_none(), "an empty payload is treated alike in all modes", || {
        format!("{first} in datacenter mode, {other:?}")
    })
}

fn idle_streams(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(8, 4) {
        let mut rng = bench.begin_round(round);
        let scatter = Scatter::open(bench, "w1", 4)?;
        let payload = Payload::of(Gen::Random, rng.next_u64(), 200_000);
        let content = payload.bytes();
        // Two of four streams carry everything; two are open and idle.
        let all = chunks(content.len(), 16 << 10);
        let (last, before) = all.split_last().ok_or_else(|| fail("there are chunks", "none"))?;
        for chunk in before {
            scatter.write(bench, rng.index(2), &w1_of(&content, *chunk))?;
        }
        let ticket = bench.begin("amst.receive", json!({"handle": scatter.handle, "within_ms": 2_000}))?;
        scatter.write(bench, 0, &w1_of(&content, *last))?;
        let sent = bench.now_us();
        let answer = bench.finish(ticket, 3_000)?;
        let took = (bench.now_us() - sent) as f64 / 1_000.0;
        same(&answer, &payload, "what is received is what was sent")?;
        bench.measure("completion after the last byte", took, "ms", Better::Lower);
        ensure(
            took <= 100.0,
            "a transfer is complete within 100 ms after its last byte, idle streams or not",
            || format!("{took:.1} ms"),
        )?;
        scatter.close(bench)?;
    }
    Ok(())
}

fn beyond(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let handle = dial(bench, json!({"streams": 2, "chunk": 262_144}))?;
    let mut gather = Gather::new();
    gather.accept_all(bench, 2, "a connection set has the streams that were asked for")?;
    let payload = Payload::of(Gen::Zeros, 0, (1 << 32) + 1);
    let asked =
        bench.call_within("amst.send", json!({"handle": handle, "payload": payload.recipe()}), 30_000);
    let accepted = match asked {
        Ok(_) => true,
        Err(CallError::Refused { code, .. }) if code != Code::Unsupported => false,
        Err(other) => return Err(other.into()),
    };
    let what = if accepted {
        "a length beyond the header is carried whole when it was accepted"
    } else {
        "a length beyond the header is refused before a byte goes out"
    };
    // A gigabyte a second is little on the loopback interface; who is slower was asked for too much.
    let until = bench.now_us() + if accepted { 40_000_000 } else { 100_000 };
    let mut bytes = 0;
    while bench.now_us() < until {
        let came = count(bench, &gather);
        bytes += came;
        if came == 0 {
            bench.wire().wait(1_000);
        }
        if accepted && bytes > 0 && bytes < 1 << 20 && bench.now_us() > until - 38_000_000 {
            break;
        }
        if bytes > payload.len() {
            break;
        }
    }
    let right = if accepted { bytes >= payload.len() } else { bytes == 0 };
    ensure(right, what, || format!("{bytes} bytes on the wire"))
}

/// Reads and forgets.
fn count(bench: &mut Bench<'_>, gather: &Gather) -> u64 {
    let mut bytes = 0;
    for stream in &gather.streams {
        if let crate::world::Read::Bytes(came) = bench.wire().read(stream.conn, 1 << 20) {
            bytes += came.len() as u64;
        }
    }
    bytes
}
