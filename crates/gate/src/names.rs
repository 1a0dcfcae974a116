//! Which families and labels carry what: well-known names first, replaced by those that the gate file gives.

use serde::{Deserialize, Serialize};

/// Names by their meaning; of each list the first that is there counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Counters of requests that ended.
    pub requests: Vec<String>,
    /// Counters of failed requests, for services whose request counter has no status. All of them are added.
    pub errors: Vec<String>,
    /// Histograms of durations in seconds, without `_bucket`.
    pub duration: Vec<String>,
    /// Resident memory in bytes.
    pub memory: String,
    /// When the process started, in seconds since 1970.
    pub started: String,
    /// Labels that carry the status of an answer.
    pub status: Vec<String>,
    /// Labels that carry the endpoint.
    pub endpoint: Vec<String>,
    /// Label that carries the revision.
    pub revision: String,
    /// Label that carries the instance, for series of a Prometheus.
    pub instance: String,
}

impl Default for Names {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            requests: list(&[
                "http_requests_total",
                "http_server_requests_total",
                "http_server_requests_seconds_count",
                "http_server_request_duration_seconds_count",
                "nova_requests_total",
                "http_request_duration_seconds_count",
            ]),
            errors: list(&["nova_server_errors_total", "nova_failures_total"]),
            duration: list(&[
                "http_request_duration_seconds",
                "http_server_request_duration_seconds",
                "http_server_requests_seconds",
                "nova_request_duration_seconds",
            ]),
            memory: "process_resident_memory_bytes".to_owned(),
            started: "process_start_time_seconds".to_owned(),
            status: list(&["status", "code", "status_code", "http_status", "http_response_status_code"]),
            endpoint: list(&["path", "handler", "route", "endpoint", "uri", "http_route"]),
            revision: "revision".to_owned(),
            instance: "instance".to_owned(),
        }
    }
}

impl Names {
    /// Every family that a Prometheus is asked for: native histograms stand there under the plain name.
    pub fn asked(&self) -> Vec<String> {
        self.series().into_iter().chain(self.duration.iter().cloned()).collect()
    }

    /// Every family that is looked at, by the names of its series.
    pub fn series(&self) -> Vec<String> {
        let buckets = self.duration.iter().map(|name| format!("{name}_bucket"));
        let plain = self.requests.iter().chain(&self.errors).cloned();
        plain.chain(buckets).chain([self.memory.clone(), self.started.clone()]).collect()
    }
}
