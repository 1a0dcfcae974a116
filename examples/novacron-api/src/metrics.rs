//! The four groups of key metrics: application, DWCP (simulated), process, database.
//!
//! What a Rust process does not have (goroutines, garbage collection) is left out; threads and open files stand in
//! its place. All labels come from fixed sets, so the number of series is bounded.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::config::Labels;
use crate::dwcp::{DwcpStatus, DwcpStream};
use crate::process;

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const BYTES: [f64; 5] = [64.0, 256.0, 1024.0, 4096.0, 16384.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    path: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Query {
    query: &'static str,
}

/// Makes the histograms of a family.
#[derive(Clone, Copy, Debug)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// What one request was.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// `GET`, `POST` or `other`.
    pub method: &'static str,
    /// The route, or `other`.
    pub path: &'static str,
    /// Status of the answer.
    pub status: u16,
    /// From the head of the request to the answer.
    pub took: Duration,
    /// Bytes of the request's body, as announced.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
}

/// All metrics of the service.
pub struct AppMetrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    duration: Family<Route, Histogram, Buckets>,
    request_size: Family<Route, Histogram, Buckets>,
    response_size: Family<Route, Histogram, Buckets>,
    connections: Gauge,
    queries: Family<Query, Histogram, Buckets>,
    query_errors: Family<Query, Counter>,
    stream: std::sync::Arc<Stream>,
}

impl AppMetrics {
    /// All at zero.
    pub fn new(labels: &Labels) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            duration: Family::new_with_constructor(Buckets(&SECONDS)),
            request_size: Family::new_with_constructor(Buckets(&BYTES)),
            response_size: Family::new_with_constructor(Buckets(&BYTES)),
            connections: Gauge::default(),
            queries: Family::new_with_constructor(Buckets(&SECONDS)),
            query_errors: Family::default(),
            stream: std::sync::Arc::default(),
        };
        metrics.register(labels);
        metrics
    }

    fn register(&mut self, labels: &Labels) {
        // The library ends each help text in a full stop by itself.
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.requests.clone());
        let about = "Seconds from the head of a request to its answer";
        registry.register("http_request_duration_seconds", about, self.duration.clone());
        registry.register("http_request_size_bytes", "Bytes of request bodies", self.request_size.clone());
        registry.register("http_response_size_bytes", "Bytes of answer bodies", self.response_size.clone());
        registry.register("db_connections_active", "Open database connections", self.connections.clone());
        let about = "Seconds from asking for a query to its answer, waiting included";
        registry.register("db_query_duration_seconds", about, self.queries.clone());
        registry.register("db_errors", "Queries without an answer", self.query_errors.clone());
        registry.register_collector(Box::new(std::sync::Arc::clone(&self.stream)));
        registry.register_collector(Box::new(Process));
        let info: Family<Vec<(String, String)>, Gauge> = Family::default();
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        info.get_or_create(&vec![
            label("version", &labels.version),
            label("revision", &labels.revision),
            label("slot", &labels.slot.to_string()),
        ])
        .set(1);
        registry.register("novacron_build_info", "What runs", info);
    }

    /// Counts one answer.
    pub fn served(&self, served: Served) {
        let Served { method, path, status, .. } = served;
        self.requests.get_or_create(&Request { method, path, status }).inc();
        let route = Route { method, path };
        self.duration.get_or_create(&route).observe(served.took.as_secs_f64());
        self.request_size.get_or_create(&route).observe(served.request_bytes as f64);
        self.response_size.get_or_create(&route).observe(served.response_bytes as f64);
    }

    /// Counts one query.
    pub fn query(&self, query: &'static str, took: Duration, ok: bool) {
        self.queries.get_or_create(&Query { query }).observe(took.as_secs_f64());
        let errors = self.query_errors.get_or_create(&Query { query });
        if !ok {
            errors.inc();
        }
    }

    /// Sets how many database connections are open.
    pub fn connections(&self, open: i64) {
        self.connections.set(open);
    }

    /// Moves the simulated streams by one step.
    pub fn advance_stream(&self) {
        self.stream.0.lock().unwrap_or_else(PoisonError::into_inner).advance();
    }

    /// What the simulated streams show.
    pub fn stream(&self) -> DwcpStatus {
        self.stream.0.lock().unwrap_or_else(PoisonError::into_inner).status()
    }

    /// The exposition as OpenMetrics.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn open_metrics(&self) -> Result<String, fmt::Error> {
        let mut out = String::with_capacity(16 * 1024);
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl fmt::Debug for AppMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppMetrics").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Stream(Mutex<DwcpStream>);

impl Collector for Stream {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let status = self.0.lock().unwrap_or_else(PoisonError::into_inner).status();
        let simulated = "Of a simulated stream:";
        for (name, about, value) in [
            ("dwcp_streams_active", "streams that send.", f64::from(status.streams_active)),
            ("dwcp_bandwidth_allocated_bytes", "bytes per second.", status.bandwidth_allocated_bytes as f64),
            ("dwcp_compression_ratio", "bytes in by bytes out.", status.compression_ratio),
            ("dwcp_packet_loss_rate", "share of packets lost.", status.packet_loss_rate),
            ("dwcp_latency_milliseconds", "delay.", status.latency_milliseconds),
        ] {
            gauge(&mut encoder, name, &format!("{simulated} {about}"), value)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        // What the system does not tell is left out, never written as zero.
        if let Some(seconds) = process::cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let about = "User and system time in seconds.";
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                about,
                None,
                MetricType::Counter,
            )?)?;
        }
        for (name, about, value) in [
            ("process_resident_memory_bytes", "Resident memory.", process::resident_bytes()),
            ("process_threads", "Threads.", process::threads()),
            ("process_open_fds", "Open file descriptors.", process::open_fds()),
        ] {
            if let Some(value) = value {
                gauge(&mut encoder, name, about, value as f64)?;
            }
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, about: &str, value: f64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, about, None, MetricType::Gauge)?)
}
