//! Metrics and status: looks at the other parts and shows the design's six names, in base units as well.

use serde_json::{Value, json};

use crate::dispatch::{Observed, Setup};
use crate::mutants::{Mutant, mutant};
use crate::refusal::{Answer, unsupported};

mod gate;
mod text;

/// What it declares.
pub const DECLARES: &[&str] = &["metrics", "status", "gate"];

/// Its faults.
pub const MUTANTS: &[Mutant] = &[
    mutant("met-two-types", "MET-001", "the type of the loss rate stands twice"),
    mutant("met-no-available", "MET-002", "the available bandwidth is not exported under its name"),
    mutant("met-counter-by-session", "MET-003", "the sent bytes are those of the last connection"),
    mutant("met-loss-in-percent", "MET-004", "the loss rate is told in per cent"),
    mutant("met-ratio-turned", "MET-005", "the compression ratio is compressed over original"),
    mutant("met-no-requests", "MET-006", "the number of requests is not exported"),
    mutant("met-label-per-request", "MET-007", "a label holds the number of the request"),
    mutant("met-status-is-old", "MET-008", "the status shows what the last scrape showed"),
    mutant("met-absent-is-zero", "MET-009", "a series that is absent counts as 0"),
];

/// Name in the design to name here.
pub fn names() -> Value {
    let names = text::DESIGN.map(|name| (name.to_owned(), Value::from(name)));
    Value::Object(names.into_iter().collect())
}

/// What the metrics remember.
pub struct Metrics {
    setup: Setup,
    requests: u64,
    sent_most: f64,
    last: Observed,
}

impl Metrics {
    /// As after a reset.
    pub fn new(setup: Setup) -> Self {
        Self { setup, requests: 0, sent_most: 0.0, last: Observed::new() }
    }

    /// The design's gauges, from what the parts count.
    fn gauges(&mut self, observed: &Observed) -> Observed {
        let of = |name: &str| observed.get(name).copied().unwrap_or(0.0);
        let (original, compressed) = (of("hde_original_bytes"), of("hde_compressed_bytes"));
        let turned = self.setup.is("met-ratio-turned");
        let ratio = match (original, compressed) {
            (_, 0.0) => 0.0,
            (original, compressed) if turned => compressed / original.max(1.0),
            (original, compressed) => original / compressed,
        };
        let loss =
            of("dwcp_packet_loss_rate") * if self.setup.is("met-loss-in-percent") { 100.0 } else { 1.0 };
        let sent = of("dwcp_sent_bytes_total") + of("amst_sent_bytes");
        // Counters never go down, also when connections are gone.
        self.sent_most =
            if self.setup.is("met-counter-by-session") { sent } else { self.sent_most.max(sent) };
        let latency = of("dwcp_latency_milliseconds");
        Observed::from(
            [
                ("dwcp_streams_active", of("amst_streams_active")),
                ("dwcp_bandwidth_allocated_bytes", of("dwcp_bandwidth_allocated_bytes")),
                ("dwcp_bandwidth_available_bytes", of("dwcp_bandwidth_available_bytes")),
                ("dwcp_compression_ratio", ratio),
                ("dwcp_packet_loss_rate", loss),
                ("dwcp_latency_milliseconds", latency),
                ("dwcp_latency_seconds", latency / 1e3),
                ("dwcp_sent_bytes_total", self.sent_most),
                ("http_requests_total", self.requests as f64),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
    }

    /// Answers `status` and `metrics.*`, from what the other parts show.
    pub fn handle(&mut self, op: &str, params: &Value, observed: &Observed) -> Answer {
        self.requests += 1;
        let now = self.gauges(observed);
        match op {
            "status" => {
                let shown = if self.setup.is("met-status-is-old") { &self.last } else { &now };
                Ok(json!({"status": "ok", "metrics": shown}))
            }
            "metrics.scrape" => {
                self.last.clone_from(&now);
                Ok(json!({"text": text::write(self.setup, &now, self.requests)}))
            }
            "metrics.gate" => gate::gate(self.setup, params),
            _ => Err(unsupported(op)),
        }
    }
}
