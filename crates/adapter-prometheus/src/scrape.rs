//! The port: fetch under a deadline, parse, map.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use exposition::{Dialect, Exposition, Limits};
use ports::{Metrics, PortError, Scrape};

use crate::fetch::{Answer, fetch};
use crate::map::map;

/// Where the exposition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Unix socket.
    Unix(PathBuf),
    /// `HOST:PORT`.
    Tcp(String),
}

/// Scrapes one exporter, one connection a scrape.
#[derive(Clone, Debug)]
pub struct PrometheusMetrics {
    source: Source,
    path: String,
    deadline: Duration,
    limits: Limits,
}

impl PrometheusMetrics {
    /// Scrapes `/metrics` within 2 s and 16 MiB.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            path: "/metrics".to_owned(),
            deadline: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }

    /// The same with another path, which begins with `/`.
    #[must_use]
    pub fn with_path(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// The same with another deadline over connecting, sending and reading.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

impl Metrics for PrometheusMetrics {
    async fn scrape(&self) -> Result<Scrape, PortError> {
        let asked = Instant::now();
        let fetched = fetch(&self.source, &self.path, self.limits.bytes);
        let body = tokio::time::timeout(self.deadline, fetched).await.map_err(|_| {
            PortError::Unreachable(format!("scrape: no whole answer in {} ms", self.deadline.as_millis()))
        })??;
        let exposition = read(&body, &self.limits)?;
        // The values were taken after we asked, so the whole round trip is the most that they can be old.
        let age_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        map(&exposition, age_ms).map_err(|error| PortError::Malformed(error.to_string()))
    }
}

/// Reads an exposition in the dialect that its content type names; without one it is text 0.0.4.
pub(crate) fn read<'a>(answer: &'a Answer, limits: &Limits) -> Result<Exposition<'a>, PortError> {
    let dialect = match &answer.content_type {
        None => Dialect::PrometheusText,
        Some(kind) => Dialect::of_content_type(kind)
            .ok_or_else(|| PortError::Malformed(format!("content type {kind:?} instead of an exposition")))?,
    };
    exposition::parse_as(dialect, &answer.body, limits)
        .map_err(|error| PortError::Malformed(format!("exposition: {error}")))
}
