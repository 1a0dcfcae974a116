//! The gate file as it is written. Meaning is given in `mod.rs`; nothing but the shape is checked here.

use serde::Deserialize;
use serde_saphyr::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGate {
    pub(super) service: Text,
    pub(super) prometheus: Option<Text>,
    pub(super) canary: Option<Spanned<RawArm>>,
    pub(super) stable: Option<Spanned<RawArm>>,
    pub(super) web: Option<RawWeb>,
    pub(super) decides: Option<Text>,
    pub(super) planned: Option<Spanned<RawPlanned>>,
    pub(super) alpha: Option<Text>,
    pub(super) limit: Option<Text>,
    pub(super) min_requests: Option<u64>,
    #[serde(default)]
    pub(super) must_clear: bool,
    pub(super) phi: Option<Spanned<f64>>,
    pub(super) every: Option<Text>,
    pub(super) look_back: Option<Text>,
    pub(super) fresh: Option<Text>,
    pub(super) deadline: Option<Text>,
    pub(super) memory_limit: Option<Text>,
    #[serde(default)]
    pub(super) metrics: RawMetrics,
    #[serde(default)]
    pub(super) bounded: Vec<RawBounded>,
    pub(super) baselines: Option<Text>,
    pub(super) literal: Option<RawLiteral>,
    #[serde(default)]
    pub(super) alerts: Vec<Text>,
    pub(super) scrape_config: Option<Text>,
    pub(super) job: Option<Text>,
    pub(super) limits: Option<RawLimits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawArm {
    #[serde(default)]
    pub(super) from: Vec<Text>,
    #[serde(rename = "where")]
    pub(super) choose: Option<Text>,
    pub(super) revision: Option<Text>,
    pub(super) started: Option<Text>,
    pub(super) traffic_since: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWeb {
    pub(super) url: Text,
    pub(super) canary: RawPointers,
    pub(super) stable: Option<RawPointers>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPointers {
    pub(super) requests: String,
    pub(super) server_errors: String,
    pub(super) failures: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlanned {
    pub(super) requests: u64,
    pub(super) looks: Option<u32>,
    pub(super) spending: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBounded {
    pub(super) name: Text,
    pub(super) query: Option<Text>,
    pub(super) pointer: Option<Text>,
    pub(super) at_most: Spanned<f64>,
    pub(super) scale: Option<Spanned<f64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMetrics {
    pub(super) requests: Option<String>,
    #[serde(default)]
    pub(super) errors: Vec<String>,
    pub(super) duration: Option<String>,
    pub(super) memory: Option<String>,
    pub(super) started: Option<String>,
    pub(super) status: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) instance: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLiteral {
    pub(super) health_check: Option<RawHealthCheck>,
    pub(super) error_rate: Option<RawErrorRate>,
    pub(super) response_time: Option<RawResponseTime>,
    pub(super) server_errors: Option<RawServerErrors>,
    pub(super) memory: Option<RawMemory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHealthCheck {
    pub(super) failures: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawErrorRate {
    pub(super) over: Option<Text>,
    pub(super) window: Option<Text>,
    pub(super) min_requests: Option<u64>,
    pub(super) min_errors: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawResponseTime {
    pub(super) over_percent: Option<u64>,
    pub(super) window: Option<Text>,
    pub(super) min_requests: Option<u64>,
    pub(super) min_diff: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServerErrors {
    pub(super) per_minute: Option<u64>,
    pub(super) over: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMemory {
    pub(super) over_percent: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) bytes: Option<Text>,
    pub(super) series: Option<usize>,
}
