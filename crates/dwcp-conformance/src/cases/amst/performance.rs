//! AMST-014, 019: goodput under a limit, and how much of a path is used.

use serde_json::json;

use super::gather::Gather;
use super::{dial, timed};
use crate::bench::{Bench, Better, Line, Plot};
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Level};
use crate::stop::{Stop, ensure};

pub(super) const CASES: &[Case] = &[
    timed(
        "AMST-014",
        Level::Must,
        "Aggregate goodput \u{2264} 1.05 x limit over \u{2265} 10 bursts and \u{2265} 0.8 x limit",
        "token bucket, RFC 2697 family",
        limited,
    ),
    timed(
        "AMST-019",
        Level::Should,
        "Utilisation \u{2265} 85 % at 100 Mbit/s, 100 ms; \u{2265} 70 % with one stream stalling; overhead \u{2264} 1 %",
        "SPEC 6.1; phase-1 tests",
        used,
    ),
];

fn limited(bench: &mut Bench<'_>) -> Result<(), Stop> {
    const LIMIT: f64 = 40.0;
    const BURST: u64 = 131_072;
    let len = bench.amount(7_500_000, 3_500_000);
    let params =
        json!({"streams": 4, "chunk": 32_768, "rate_mbps": LIMIT, "burst": BURST, "write_timeout_ms": 5_000});
    let handle = dial(bench, params)?;
    let mut gather = Gather::new();
    gather.accept_all(bench, 4, "a connection set has the streams that were asked for")?;
    let payload = Payload::of(Gen::Random, bench.seed(), len);
    let begun = bench.now_us();
    bench.call("amst.send", json!({"handle": handle, "payload": payload.recipe()}))?;
    let ticket = bench.begin("amst.await", json!({"handle": handle, "within_ms": 20_000}))?;
    gather.pump(bench, ticket, 21_000, |_, _| usize::MAX)?;
    let seconds = (gather.last_us.unwrap_or(begun).max(begun + 1) - begun) as f64 / 1e6;
    // What was saved up before the first byte is no rate.
    let most = (len - BURST) as f64 * 8.0 / 1e6 / seconds;
    let least = len as f64 * 8.0 / 1e6 / seconds;
    bench.measure("goodput under a limit of 40 Mbit/s", most, "Mbit/s", Better::Neither);
    ensure(gather.content() == payload.bytes(), "what is received is what was sent", || {
        "other bytes".to_owned()
    })?;
    ensure(most <= 1.05 * LIMIT, "goodput is at most 1.05 times the limit", || {
        format!("{most:.1} of {LIMIT} Mbit/s")
    })?;
    ensure(least >= 0.8 * LIMIT, "goodput is at least 0.8 times the limit", || {
        format!("{least:.1} of {LIMIT} Mbit/s")
    })
}

/// The path, in bytes a second and microseconds.
const RATE: f64 = 12.5e6;
const RTT_US: u64 = 100_000;
/// Bytes that the path makes up for when the harness itself was held up: 80 ms.
const DEPTH: f64 = 1e6;

fn used(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seconds = bench.amount(2.0, 1.6);
    let Used { share, overhead, line } = transfer(bench, 4, seconds, 0.0)?;
    bench.measure("utilisation of 100 Mbit/s, 100 ms", 100.0 * share, "%", Better::Higher);
    bench.measure("overhead", 100.0 * overhead, "%", Better::Lower);
    // Of two streams, so that a half of the payload waits for the stalled one when it belongs to it beforehand: then the
    // most that can be used is 1 / (1.1 + 0.5).
    let Used { share: stalled, line: other, .. } = transfer(bench, 2, seconds, 1.1 * seconds)?;
    bench.measure("utilisation with one of two streams stalling", 100.0 * stalled, "%", Better::Higher);
    let lines = vec![
        Line { name: "all four streams".to_owned(), points: line },
        Line { name: "two, one of them stalls".to_owned(), points: other },
    ];
    bench.plot(Plot { title: "bytes received".to_owned(), x: "s".to_owned(), y: "bytes".to_owned(), lines });
    ensure(share >= 0.85, "at least 85 % of 100 Mbit/s over 100 ms are used", || {
        format!("{:.1} %", 100.0 * share)
    })?;
    ensure(stalled >= 0.7, "at least 70 % are used while one of two streams stalls", || {
        format!("{:.1} %", 100.0 * stalled)
    })?;
    ensure(overhead <= 0.01, "overhead is at most 1 %", || format!("{:.2} %", 100.0 * overhead))
}

/// How a transfer did.
struct Used {
    /// Of the rate.
    share: f64,
    /// Bytes on the wire beyond the payload, as a share of it.
    overhead: f64,
    /// Seconds and bytes.
    line: Vec<(f64, f64)>,
}

/// A transfer that takes so many seconds at the full rate; the first stream is not read until `stall` seconds are over.
fn transfer(bench: &mut Bench<'_>, streams: usize, seconds: f64, stall: f64) -> Result<Used, Stop> {
    let handle = dial(bench, json!({"streams": streams, "chunk": 65_536, "write_timeout_ms": 10_000}))?;
    let mut gather = Gather::new();
    gather.accept_all(bench, streams, "a connection set has the streams that were asked for")?;
    let len = (seconds * RATE) as u64;
    let payload = Payload::of(Gen::Random, bench.seed(), len);
    bench.call("amst.send", json!({"handle": handle, "payload": payload.recipe()}))?;
    let begun = bench.now_us();
    let mut line = Vec::new();
    // What is sent is half a round trip on its way; the path carries at its rate and no more, and what it could have
    // carried while nothing was there is lost.
    let (mut before, mut tokens) = (0.0, 0.0_f64);
    while gather.wire_bytes < len {
        let now = (bench.now_us() - begun).saturating_sub(RTT_US / 2) as f64 / 1e6;
        tokens = ((now - before) * RATE + tokens).min(DEPTH);
        before = now;
        let mut budget = tokens as u64;
        let came = gather.turn(bench, |at, _| {
            if at == 0 && now < stall {
                return 0;
            }
            let mine = budget.min(65_552);
            budget -= mine;
            mine as usize
        })?;
        tokens -= came as f64;
        line.push((now, gather.wire_bytes as f64));
        ensure(now < 3.0 * seconds + stall, "a transfer goes on while it is read", || format!("{now:.1} s"))?;
        if came == 0 {
            bench.wire().wait(1_000);
        }
    }
    let took = (bench.now_us() - begun + RTT_US / 2) as f64 / 1e6;
    let ticket = bench.begin("amst.await", json!({"handle": handle, "within_ms": 5_000}))?;
    gather.pump(bench, ticket, 6_000, |_, _| usize::MAX)?;
    let content = gather.content();
    ensure(content == payload.bytes(), "what is received is what was sent", || {
        format!("{} bytes", content.len())
    })?;
    bench.call("amst.close", json!({"handle": handle}))?;
    let overhead = (gather.wire_bytes - len) as f64 / len as f64;
    Ok(Used { share: seconds / took, overhead, line })
}
