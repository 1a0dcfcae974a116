//! AMST-010, 013, 020: stream counts, chunk sizes and modes that change.

use serde_json::json;

use super::gather::Gather;
use super::{case, dial, timed};
use crate::bench::{Bench, Better, Line, Plot};
use crate::fields::Fields;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure, fail};

pub(super) const CASES: &[Case] = &[
    case(
        "AMST-010",
        Level::Must,
        "Reported count = open sockets, within [min,max]; per step \u{2264} x2 and \u{2265} /2",
        "dwcp/amst.go",
        counts,
    ),
    case(
        "AMST-013",
        Level::Should,
        "Chunk shrinks above 5 % loss, grows below 1 %, never leaves bounds",
        "dwcp/amst.go",
        chunk,
    ),
    timed(
        "AMST-020",
        Level::Should,
        "Mode switch during a transfer: \u{2264} 2 s stall, no byte lost",
        "docs/DWCP_V3_ARCHITECTURE.md",
        mode_switch,
    ),
];

fn counts(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const BOUNDS: (u64, u64) = (2, 48);
    let handle = dial(
        bench,
        json!({"streams": 4, "min_streams": BOUNDS.0, "max_streams": BOUNDS.1, "chunk": 65_536}),
    )?;
    let mut gather = Gather::new();
    gather.accept_all(bench, 4, "a connection set has the streams that were asked for")?;
    let mut before = 4;
    let mut line = vec![(0.0, 4.0)];
    for round in bench.rounds(24, 12) {
        let mut rng = bench.begin_round(round);
        // Leaps far beyond both bounds, so that the step is what holds.
        let (bandwidth, latency) =
            if rng.chance(0.5) { (10_000, 1 + rng.below(5)) } else { (1 + rng.below(5), 200) };
        let adapted = bench.call(
            "amst.adapt",
            json!({"handle": handle, "bandwidth_mbps": bandwidth, "latency_ms": latency}),
        )?;
        let told = adapted.whole("streams")?;
        ensure((BOUNDS.0..=BOUNDS.1).contains(&told), "the stream count keeps to its bounds", || {
            told.to_string()
        })?;
        ensure(
            told <= 2 * before && 2 * told >= before,
            "a step at most doubles and at most halves",
            || format!("{before} -> {told}"),
        )?;
        let until = bench.now_us() + 1_000_000;
        while gather.open() as u64 != told {
            gather.turn(bench, |_, _| usize::MAX)?;
            ensure(bench.now_us() < until, "the reported count is the count of open sockets", || {
                format!("{told} reported, {} open", gather.open())
            })?;
            bench.wire().wait(1_000);
        }
        let stats = bench.call("amst.stats", json!({"handle": handle}))?;
        ensure(stats["active_streams"] == told, "the gauge is the count of open sockets", || {
            format!("{} for {told}", stats["active_streams"])
        })?;
        before = told;
        line.push((f64::from(round) + 1.0, told as f64));
    }
    let lines = vec![Line { name: "streams".to_owned(), points: line }];
    bench.plot(Plot {
        title: "streams".to_owned(),
        x: "step".to_owned(),
        y: "open sockets".to_owned(),
        lines,
    });
    Ok(())
}

fn chunk(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let declared = |bench: &Bench<'_>, path| {
        bench
            .hello()
            .number(path)
            .ok_or_else(|| fail("the bounds of a chunk are declared", format!("no limits.{path}")))
    };
    let (min, max) = (declared(bench, "amst.min_chunk")?, declared(bench, "amst.max_chunk")?);
    let start = bench.call("amst.feedback", json!({"chunk": f64::midpoint(min, max) as u64}))?;
    let mut now = start.real("chunk")?;
    let mut rng = bench.rng("losses");
    let mut line = Vec::new();
    for step in 0..200_u32 {
        // Stretches of much loss and of little, long enough to come to both bounds.
        let loss = match step / 25 % 4 {
            0 => 0.051 + 0.3 * rng.unit(),
            1 => 0.0099 * rng.unit(),
            2 => 0.01 + 0.04 * rng.unit(),
            _ => {
                if rng.chance(0.5) {
                    0.2
                } else {
                    0.0
                }
            }
        };
        let answer = bench.call("amst.feedback", json!({"loss": loss}))?;
        let next = answer.real("chunk")?;
        ensure((min..=max).contains(&next), "a chunk keeps to its bounds", || {
            format!("{next} outside {min}..{max}")
        })?;
        ensure(loss <= 0.05 || next < now || now <= min, "a chunk shrinks above 5 % loss", || {
            format!("{now} -> {next} at {loss:.3}")
        })?;
        ensure(loss >= 0.01 || next > now || now >= max, "a chunk grows below 1 % loss", || {
            format!("{now} -> {next} at {loss:.4}")
        })?;
        now = next;
        line.push((f64::from(step), now));
    }
    let lines = vec![Line { name: "chunk".to_owned(), points: line }];
    bench.plot(Plot {
        title: "chunk under loss".to_owned(),
        x: "step".to_owned(),
        y: "bytes".to_owned(),
        lines,
    });
    Ok(())
}

fn mode_switch(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const RATE: f64 = 20e6;
    // Far more than what 20 streams hold in their kernel buffers, so that there is still something to hand out.
    let len = bench.amount(24_000_000, 16_000_000);
    let handle = dial(
        bench,
        json!({"streams": 20, "mode": "hybrid", "chunk": 32_768, "write_timeout_ms": 4_000, "retries": 4}),
    )?;
    let mut gather = Gather::new();
    gather.accept_all(bench, 20, "a connection set has the streams that were asked for")?;
    let payload = Payload::of(Gen::Random, bench.seed(), len);
    bench.call("amst.send", json!({"handle": handle, "payload": payload.recipe()}))?;
    let begun = bench.now_us();
    let mut modes = vec![(0.6, "datacenter"), (0.3, "internet")];
    let mut line = Vec::new();
    while gather.wire_bytes < len * 9 / 10 {
        let now = bench.now_us();
        let due = ((now - begun) as f64 / 1e6 * RATE) as u64;
        let budget = due.saturating_sub(gather.wire_bytes) as usize;
        let each = budget / gather.open().max(1);
        let came = gather.turn(bench, |_, _| each)?;
        if let Some((share, mode)) = modes.last().copied()
            && gather.wire_bytes as f64 > share * len as f64
        {
            modes.pop();
            bench.call("amst.mode", json!({"handle": handle, "mode": mode}))?;
        }
        line.push(((now - begun) as f64 / 1e6, gather.wire_bytes as f64));
        let quiet = now.saturating_sub(gather.last_us.unwrap_or(begun));
        ensure(quiet < 4_000_000, "a mode switch stalls a transfer for at most 2 s", || {
            "4 s and more".to_owned()
        })?;
        if came == 0 {
            bench.wire().wait(1_000);
        }
    }
    let ticket = bench.begin("amst.await", json!({"handle": handle, "within_ms": 8_000}))?;
    let sent = gather.pump(bench, ticket, 9_000, |_, _| usize::MAX);
    let content = gather.content();
    ensure(sent.is_ok() && content == payload.bytes(), "no byte is lost at a mode switch", || {
        format!("{} of {len} bytes: {sent:?}", content.len())
    })?;
    let stall = gather.longest_gap_us as f64 / 1_000.0;
    bench.measure("longest stall over two mode switches", stall, "ms", Better::Lower);
    let lines = vec![Line { name: "bytes on the wire".to_owned(), points: line }];
    bench.plot(Plot {
        title: "mode switches at 0.3 and 0.6".to_owned(),
        x: "s".to_owned(),
        y: "bytes".to_owned(),
        lines,
    });
    ensure(stall <= 2_000.0, "a mode switch stalls a transfer for at most 2 s", || format!("{stall:.0} ms"))
}
