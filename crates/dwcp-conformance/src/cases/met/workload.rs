//! Whether what is shown follows the work that is done.

use serde_json::{Value, json};

use super::scrape::{DESIGN, name, read, reserve, text, traffic, value};
use crate::b64;
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::payload::{Gen, Payload};
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, fail};

pub(super) const COUNTERS: Case = must(
    "MET-003",
    Profile::Metrics,
    "counters be monotone and end in _total; base units SHOULD be seconds/bytes (the design's milliseconds kept as an \
     alias)",
)
.source("OpenMetrics")
.check(counters);

fn counters(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut before: Vec<(String, f64)> = Vec::new();
    for round in 0..4 {
        // Less each time: a count of the last connection alone would fall.
        traffic(bench, 40 - 8 * round, 10, 20)?;
        if round == 2 {
            // All state but the counters may go; a process that starts again may begin at 0, a reset is none.
            bench
                .call("pba.open", json!({"mode": "internet", "step_s": 1, "horizon_s": 5, "level": 0.95}))?;
        }
        let text = text(bench)?;
        let mut now = Vec::new();
        for family in read(&text)?.families {
            if family.kind != exposition::Kind::Counter {
                continue;
            }
            for sample in &family.samples {
                // OpenMetrics names the family without the suffix; `_created` is a time.
                let named = sample.name.ends_with("_total") || sample.name.ends_with("_created");
                ensure(named, "a counter ends in _total", || sample.name.to_string())?;
                now.push((format!("{} {:?}", sample.name, sample.labels), sample.value));
            }
        }
        ensure(!now.is_empty(), "there are counters", || "no family is a counter".to_owned())?;
        for (series, value) in &before {
            let next = now.iter().find(|(other, _)| other == series).map(|(_, value)| *value);
            ensure(next.is_some_and(|next| next >= *value), "a counter never goes down", || {
                format!("{series}: {value}, then {next:?}")
            })?;
        }
        before = now;
    }
    let text = text(bench)?;
    let in_seconds = read(&text)?
        .families
        .iter()
        .any(|family| family.name.starts_with("dwcp") && family.name.ends_with("_seconds"));
    if !in_seconds {
        bench.note("latency SHOULD also be exported in seconds");
    }
    Ok(())
}

pub(super) const RANGES: Case =
    must("MET-004", Profile::Metrics, "loss in [0,1], ratio ≥ 0, allocated ≤ available when available > 0")
        .check(ranges);

fn ranges(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (sent, every, amount) in [(40, 2, 1_000.0), (40, 1, 0.0), (40, 40, 500.0)] {
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
        traffic(bench, sent, every, 20)?;
        reserve(bench, amount)?;
        let loss = value(bench, "dwcp_packet_loss_rate")?;
        ensure((0.0..=1.0).contains(&loss), "the loss rate lies in [0,1]", || format!("{loss}"))?;
        let ratio = value(bench, "dwcp_compression_ratio")?;
        ensure(ratio >= 0.0, "the compression ratio is not negative", || format!("{ratio}"))?;
        let allocated = value(bench, "dwcp_bandwidth_allocated_bytes")?;
        let available = value(bench, "dwcp_bandwidth_available_bytes")?;
        ensure(allocated <= available || available <= 0.0, "no more is allocated than available", || {
            format!("{allocated} of {available}")
        })?;
    }
    Ok(())
}

pub(super) const FOLLOWS: Case = must(
    "MET-005",
    Profile::Metrics,
    "gauges follow a known workload within one scrape (streams ±0, ratio ±1 %, latency ±20 %)",
)
.check(follows);

fn follows(bench: &mut Bench<'_>) -> Result<(), Stop> {
    streams(bench)?;
    ratio(bench)?;
    for rtt_ms in [15, 120] {
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
        traffic(bench, 200, 20, rtt_ms)?;
        let latency = value(bench, "dwcp_latency_milliseconds")?;
        ensure(
            (latency / rtt_ms as f64 - 1.0).abs() <= 0.2,
            "the latency is that of the path within 20 %",
            || format!("{latency} ms on a path of {rtt_ms} ms"),
        )?;
    }
    Ok(())
}

/// Connections to the harness, where the transport can be dialled.
fn streams(bench: &mut Bench<'_>) -> Result<(), Stop> {
    if !bench.hello().declares("amst", "wire") {
        bench.note("streams are not checked: amst does not declare wire");
        return Ok(());
    }
    for count in [4_usize, 7] {
        let address = bench.wire().listen()?;
        let params = json!({"addr": address, "framing": "w1", "streams": count, "chunk": 65_536});
        bench.call("amst.dial", params)?;
        let (until, mut came) = (bench.now_us() + 2_000_000, 0);
        while came < count && bench.now_us() < until {
            while bench.wire().accept()?.is_some() {
                came += 1;
            }
            bench.wire().wait(2_000);
        }
        let told = value(bench, "dwcp_streams_active")?;
        ensure((told - count as f64).abs() < 1e-9, "the streams shown are those that are open", || {
            format!("{told} shown, {count} dialled, {came} accepted")
        })?;
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
    }
    Ok(())
}

/// What a sender has encoded, where there is one.
fn ratio(bench: &mut Bench<'_>) -> Result<(), Stop> {
    if !bench.hello().components.contains_key("hde") {
        bench.note("the compression ratio is not checked: hde is not declared");
        return Ok(());
    }
    let ctx = bench.call("hde.open", json!({"role": "sender", "config": {}}))?["ctx"].clone();
    let (mut original, mut compressed) = (0, 0);
    for (n, kind) in [Gen::ALL[1], Gen::ALL[2], Gen::ALL[5]].into_iter().enumerate() {
        let payload = Payload::of(kind, 40 + n as u64, 20_000);
        let params =
            json!({"ctx": ctx, "key": n.to_string(), "mode": "internet", "payload": payload.recipe()});
        let told = bench.call("hde.encode", params)?;
        let frame = told["frame"].as_str().and_then(b64::decode);
        let frame = frame.ok_or_else(|| fail("encode gives a frame", told.to_string()))?;
        original += 20_000;
        compressed += frame.len();
        let (shown, counted) =
            (value(bench, "dwcp_compression_ratio")?, f64::from(original) / compressed as f64);
        bench.measure("compression ratio of the workload", counted, "", Better::Neither);
        ensure(
            (shown / counted - 1.0).abs() <= 0.01,
            "the ratio shown is that of the frames within 1 %",
            || format!("{shown} shown, {counted} counted"),
        )?;
    }
    Ok(())
}

pub(super) const STATUS: Case =
    must("MET-008", Profile::Metrics, "status JSON agree with scrape in the same second").check(status);

fn status(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (rtt_ms, amount) in [(20, 100.0), (70, 900.0)] {
        traffic(bench, 60, 10, rtt_ms)?;
        reserve(bench, amount)?;
        let told = bench.call("status", json!({}))?;
        let text = text(bench)?;
        let exposition = read(&text)?;
        for design in DESIGN {
            let here = name(bench, design);
            let in_status = told["metrics"].get(&here).and_then(Value::as_f64);
            let scraped: Vec<f64> = exposition.samples(&here).map(|sample| sample.value).collect();
            let sum: f64 = scraped.iter().sum();
            let held = in_status.is_some_and(|value| (value - sum).abs() <= 1e-9 * sum.abs().max(1.0));
            ensure(held && !scraped.is_empty(), "status and scrape say the same", || {
                format!("{here}: {in_status:?} in the status, {scraped:?} scraped")
            })?;
        }
    }
    Ok(())
}
