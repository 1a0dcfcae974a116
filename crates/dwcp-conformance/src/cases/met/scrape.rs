//! Scraping, and work that moves the gauges.

use exposition::{Dialect, Exposition, Limits, parse, parse_as};
use serde_json::json;

use crate::bench::Bench;
use crate::sim::MS_NS;
use crate::stop::{Stop, fail};

/// The six names of the design (l.698-703 and the rule DWCPBandwidthExhausted).
pub(super) const DESIGN: [&str; 6] = [
    "dwcp_streams_active",
    "dwcp_bandwidth_allocated_bytes",
    "dwcp_bandwidth_available_bytes",
    "dwcp_compression_ratio",
    "dwcp_packet_loss_rate",
    "dwcp_latency_milliseconds",
];

/// The text of a scrape.
pub(super) fn text(bench: &mut Bench<'_>) -> Result<String, Stop> {
    let told = bench.call("metrics.scrape", json!({}))?;
    let text = told["text"].as_str().ok_or_else(|| fail("a scrape gives a text", told.to_string()))?;
    Ok(text.to_owned())
}

/// Reads it by the strict parser; OpenMetrics ends in `# EOF`.
pub(super) fn read(text: &str) -> Result<Exposition<'_>, Stop> {
    let open_metrics = text.trim_end().ends_with("# EOF");
    let limits = Limits::default();
    let parsed =
        if open_metrics { parse_as(Dialect::OpenMetrics, text, &limits) } else { parse(text, &limits) };
    parsed.map_err(|error| fail("the exposition text is well formed", error.to_string()))
}

/// The name here of a name of the design.
pub(super) fn name(bench: &Bench<'_>, design: &str) -> String {
    bench.hello().metric_names.get(design).cloned().unwrap_or_else(|| design.to_owned())
}

/// The value of a series of the design; the sum where it has several.
pub(super) fn value(bench: &mut Bench<'_>, design: &str) -> Result<f64, Stop> {
    let name = name(bench, design);
    let text = text(bench)?;
    let exposition = read(&text)?;
    let values: Vec<f64> = exposition.samples(&name).map(|sample| sample.value).collect();
    if values.is_empty() {
        return Err(fail("a metric of the design is exported", format!("{design} as {name} is absent")));
    }
    Ok(values.iter().sum())
}

/// A connection that sends `sent` segments of 1500 bytes with a round trip, of which each `every`th is lost.
pub(super) fn traffic(bench: &mut Bench<'_>, sent: u64, every: u64, rtt_ms: u64) -> Result<(), Stop> {
    let conn = bench.call("acp.open", json!({"alg": first_algorithm(bench)?, "mss": 1_500}))?["conn"].clone();
    let mut requests = Vec::new();
    for packet in 0..sent {
        let at = (packet + 1) * rtt_ms * MS_NS;
        let of = json!({"conn": conn, "now": at, "packet": packet, "bytes": 1_500});
        requests.push(("acp.sent", of.clone()));
        let mut of = of;
        of["sent"] = json!(at);
        of["now"] = json!(at + rtt_ms * MS_NS);
        of["rtt"] = json!(rtt_ms * MS_NS);
        let gone = packet % every == every - 1;
        requests.push((if gone { "acp.lost" } else { "acp.acked" }, of));
    }
    for answer in bench.call_all(requests)? {
        answer?;
    }
    Ok(())
}

fn first_algorithm(bench: &Bench<'_>) -> Result<&'static str, Stop> {
    let known = ["reno", "cubic", "bbr"].into_iter().find(|alg| bench.hello().declares("acp", alg));
    known.ok_or_else(|| Stop::Skip("acp declares no algorithm to make traffic with".to_owned()))
}

/// Reserves so many Mbit/s of 1000.
pub(super) fn reserve(bench: &mut Bench<'_>, amount: f64) -> Result<(), Stop> {
    let open = json!({"mode": "datacenter", "step_s": 1, "horizon_s": 5, "level": 0.95, "capacity": 1_000.0});
    bench.call("pba.open", open)?;
    bench
        .call("pba.reserve", json!({"id": "a", "amount": amount, "priority": 1, "now": 0, "until": 1_000}))?;
    Ok(())
}
