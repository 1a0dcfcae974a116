//! The exposition text: Prometheus text format 0.0.4.

use std::fmt::Write;

use crate::dispatch::{Observed, Setup};

/// The six names of the design.
pub(super) const DESIGN: [&str; 6] = [
    "dwcp_streams_active",
    "dwcp_bandwidth_allocated_bytes",
    "dwcp_bandwidth_available_bytes",
    "dwcp_compression_ratio",
    "dwcp_packet_loss_rate",
    "dwcp_latency_milliseconds",
];

/// What the rest of the design's alert rules ask for, where there is nothing to count here: name, type, labels, value.
const SERVICE: [(&str, &str, &str, f64); 3] = [
    ("up", "gauge", "{job=\"novacron-api\"}", 1.0),
    ("db_connections_active", "gauge", "", 0.0),
    ("db_connections_max", "gauge", "", 1.0),
];

fn family(text: &mut String, name: &str, kind: &str, labels: &str, value: f64) {
    // Writing to a text does not fail.
    let _ = write!(text, "# TYPE {name} {kind}\n{name}{labels} {value}\n");
}

/// The text of a scrape.
pub(super) fn write(setup: Setup, gauges: &Observed, requests: u64) -> String {
    let mut text = String::new();
    for (name, value) in gauges {
        if name == "http_requests_total" && setup.is("met-no-requests") {
            continue;
        }
        let absent = name == "dwcp_bandwidth_available_bytes" && setup.is("met-no-available");
        let shown = if absent { "dwcp_bandwidth_free_bytes" } else { name.as_str() };
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let per_request = name == "dwcp_streams_active" && setup.is("met-label-per-request");
        let labels = match name.as_str() {
            "http_requests_total" => "{status=\"200\"}".to_owned(),
            _ if per_request => format!("{{request=\"{requests}\"}}"),
            _ => String::new(),
        };
        if name == "dwcp_packet_loss_rate" && setup.is("met-two-types") {
            let _ = writeln!(text, "# TYPE {name} {kind}");
        }
        family(&mut text, shown, kind, &labels, *value);
    }
    for (name, kind, labels, value) in SERVICE {
        family(&mut text, name, kind, labels, value);
    }
    let histogram = "http_request_duration_seconds";
    let _ = write!(
        text,
        "# TYPE {histogram} histogram\n{histogram}_bucket{{le=\"2\"}} {requests}\n\
         {histogram}_bucket{{le=\"+Inf\"}} {requests}\n{histogram}_sum 0\n{histogram}_count {requests}\n"
    );
    text
}
