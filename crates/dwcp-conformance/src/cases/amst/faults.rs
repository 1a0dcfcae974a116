//! AMST-007, 008, 009: streams that die.

use serde_json::json;

use super::gather::Gather;
use super::{case, dial, timed};
use crate::bench::{Bench, Better};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{CallError, Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[
    case(
        "AMST-007",
        Level::Must,
        "One stream reset at a random byte, others alive, retries > 0: transfer still completes",
        "dwcp/amst.go MaxRetries; dwcp/phase1_amst_test.go",
        one_reset,
    ),
    timed(
        "AMST-008",
        Level::Must,
        "All streams lost: error within write timeout + 1 s, never success",
        "-",
        all_lost,
    ),
    timed(
        "AMST-009",
        Level::Must,
        "Active-stream gauge = usable streams within 1 s of a death",
        "design l.698",
        gauge,
    ),
];

const STREAMS: usize = 4;

fn one_reset(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let what = "a transfer with one stream reset completes";
    for round in bench.rounds(12, 5) {
        let mut rng = bench.begin_round(round);
        let handle = dial(
            bench,
            json!({"streams": STREAMS, "chunk": 65_536, "retries": 8, "write_timeout_ms": 3_000}),
        )?;
        let mut gather = Gather::new();
        gather.accept_all(bench, STREAMS, "a connection set has the streams that were asked for")?;
        let payload = Payload::of(Gen::Random, rng.next_u64(), 3_000_000 + rng.below(1_000_000));
        // Anywhere in what falls to one stream, the middle of a header too.
        let (victim, at) = (rng.index(STREAMS), rng.below(600_000));
        bench.call("amst.send", json!({"handle": handle, "payload": payload.recipe()}))?;
        let begun = bench.now_us();
        loop {
            // The others are held back, so that the victim comes to carry its part.
            let came = gather.turn(bench, |n, stream| {
                if n == victim {
                    (at - stream.bytes).min(50_000) as usize
                } else {
                    usize::from(stream.bytes <= at) * 20_000
                }
            })?;
            // What does not come any more has gone into the buffers of the others.
            let quiet = bench.now_us() > gather.last_us.map_or(begun + 1_000_000, |last| last + 60_000);
            if gather.streams[victim].bytes >= at || quiet {
                break;
            }
            if came == 0 {
                bench.wire().wait(1_000);
            }
        }
        gather.reset(bench, victim);
        let ticket = bench.begin("amst.await", json!({"handle": handle, "within_ms": 8_000}))?;
        gather.pump(bench, ticket, 9_000, |_, _| usize::MAX)?;
        let content = gather.content();
        ensure(content == payload.bytes(), what, || {
            format!(
                "reset after {at} bytes: {} of {} bytes are there, or others",
                content.len(),
                payload.len()
            )
        })?;
        bench.call("amst.close", json!({"handle": handle}))?;
    }
    Ok(())
}

fn all_lost(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const TIMEOUT_MS: u64 = 1_000;
    for round in bench.rounds(6, 3) {
        let mut rng = bench.begin_round(round);
        let retries = rng.below(3);
        let handle = dial(
            bench,
            json!({"streams": STREAMS, "chunk": 16_384, "retries": retries, "write_timeout_ms": TIMEOUT_MS}),
        )?;
        let mut gather = Gather::new();
        gather.confirms = false;
        gather.accept_all(bench, STREAMS, "a connection set has the streams that were asked for")?;
        // Every other round all of it fits into the buffers on the way, and not a byte is read.
        let small = round.is_multiple_of(2);
        let payload = Payload::of(Gen::Random, rng.next_u64(), if small { 100_000 } else { 20_000_000 });
        bench.call("amst.send", json!({"handle": handle, "payload": payload.recipe()}))?;
        let until = bench.now_us() + 200_000;
        let each = rng.below(1_000_000);
        while bench.now_us() < until {
            let came =
                gather.turn(
                    bench,
                    |_, stream| if small { 0 } else { each.saturating_sub(stream.bytes) as usize },
                )?;
            if came == 0 {
                bench.wire().wait(1_000);
            }
        }
        bench.wire().deafen();
        for at in 0..gather.streams.len() {
            gather.reset(bench, at);
        }
        let lost = bench.now_us();
        let what = "a transfer whose streams are all lost is an error";
        match bench.call_within("amst.await", json!({"handle": handle, "within_ms": 10_000}), 11_000) {
            Ok(answer) => return Err(fail(what, format!("{answer} for {} bytes", payload.len()))),
            Err(CallError::Refused { .. }) => {}
            Err(broken) => return Err(broken.into()),
        }
        let took = (bench.now_us() - lost) / 1_000;
        bench.measure("error after the last stream is lost", took as f64, "ms", Better::Lower);
        ensure(took <= TIMEOUT_MS + 1_000, "the error comes within the write timeout and 1 s", || {
            format!("{took} ms")
        })?;
        bench.call("amst.close", json!({"handle": handle}))?;
    }
    Ok(())
}

fn gauge(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(6, 3) {
        let mut rng = bench.begin_round(round);
        let streams = 4 + rng.index(9);
        let handle = dial(bench, json!({"streams": streams, "chunk": 65_536, "retries": 0}))?;
        let mut gather = Gather::new();
        gather.accept_all(bench, streams, "a connection set has the streams that were asked for")?;
        let dead = 1 + rng.index(streams - 1);
        for at in 0..dead {
            gather.reset(bench, at);
        }
        let died = bench.now_us();
        let usable = (streams - dead) as u64;
        loop {
            let stats = bench.call("amst.stats", json!({"handle": handle}))?;
            let took = (bench.now_us() - died) / 1_000;
            if stats["active_streams"] == usable {
                bench.measure("gauge after a death", took as f64, "ms", Better::Lower);
                break;
            }
            ensure(took <= 1_000, "the gauge shows the usable streams within 1 s of a death", || {
                format!("{} of {streams}, {usable} usable", stats["active_streams"])
            })?;
            bench.wire().wait(5_000);
        }
        bench.call("amst.close", json!({"handle": handle}))?;
    }
    Ok(())
}
