//! The port over a JSON document by HTTP: each count is named by a pointer into the document (RFC 6901).

use std::time::{Duration, Instant};

use hyper::StatusCode;
use ports::{Arm, Metrics, PortError, Scrape};
use serde_json::Value;
use supervise::RevisionId;

use crate::Source;
use crate::fetch::ask;

/// Bytes of a document.
const BYTES_MAX: usize = 1024 * 1024;

/// Where the counts of one revision stand in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointers {
    /// Whose.
    pub revision: RevisionId,
    /// Requests that have ended, e.g. `/canary/requests`.
    pub requests: String,
    /// Of these, answered with 500 or above.
    pub server_errors: String,
    /// Of these, without an answer; none when the document does not count them.
    pub failures: Option<String>,
}

/// Reads counts from a document.
#[derive(Clone, Debug)]
pub struct WebMetrics {
    source: Source,
    path: String,
    deadline: Duration,
    arms: Vec<Pointers>,
}

impl WebMetrics {
    /// Reads that document within 2 s and 1 MiB.
    pub fn new(source: Source, path: impl Into<String>, arms: Vec<Pointers>) -> Self {
        Self { source, path: path.into(), deadline: Duration::from_secs(2), arms }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

impl WebMetrics {
    /// The document as it is now.
    ///
    /// # Errors
    /// Nobody answered in time, or what was answered is no document.
    pub async fn document(&self) -> Result<Value, PortError> {
        let asking = ask(&self.source, &self.path, "application/json", BYTES_MAX);
        let got = tokio::time::timeout(self.deadline, asking).await.map_err(|_| {
            PortError::Unreachable(format!("web: no whole answer in {} ms", self.deadline.as_millis()))
        })??;
        if got.status != StatusCode::OK {
            return Err(PortError::Malformed(format!("web: answered {}", got.status)));
        }
        serde_json::from_slice(&got.body)
            .map_err(|error| PortError::Malformed(format!("web: not JSON: {error}")))
    }

    /// The counts of every revision in a document.
    ///
    /// # Errors
    /// What is not where a pointer says, or is no count.
    pub fn arms(&self, document: &Value) -> Result<Vec<Arm>, PortError> {
        self.arms.iter().map(|pointers| arm(document, pointers)).collect()
    }
}

impl Metrics for WebMetrics {
    async fn scrape(&self) -> Result<Scrape, PortError> {
        let asked = Instant::now();
        let arms = self.arms(&self.document().await?)?;
        let age_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Scrape { age_ms, arms })
    }
}

fn arm(document: &Value, pointers: &Pointers) -> Result<Arm, PortError> {
    let (requests, server_errors) =
        (count(document, &pointers.requests)?, count(document, &pointers.server_errors)?);
    let failures = pointers.failures.as_ref().map_or(Ok(0), |pointer| count(document, pointer))?;
    if server_errors.saturating_add(failures) > requests {
        let revision = &pointers.revision;
        return Err(PortError::Malformed(format!("web: {revision} has more bad requests than requests")));
    }
    let (latency_us, instances) = (Vec::new(), Vec::new());
    Ok(Arm { revision: pointers.revision.clone(), requests, server_errors, failures, latency_us, instances })
}

/// A whole number from 0, written as a number.
fn count(document: &Value, pointer: &str) -> Result<u64, PortError> {
    let found = document
        .pointer(pointer)
        .ok_or_else(|| PortError::Malformed(format!("web: nothing at {pointer}")))?;
    found
        .as_u64()
        .ok_or_else(|| PortError::Malformed(format!("web: {found} at {pointer} is no whole number from 0")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_read_where_the_pointers_say_and_nothing_is_coerced() {
        let pointers = Pointers {
            revision: RevisionId::new("r-a"),
            requests: "/a/all".into(),
            server_errors: "/a/bad/0".into(),
            failures: None,
        };
        let read = |document: Value| arm(&document, &pointers).map(|arm| (arm.requests, arm.server_errors));
        assert_eq!(read(json!({"a": {"all": 7, "bad": [2]}})), Ok((7, 2)));
        for (document, message) in [
            (json!({"a": {"bad": [2]}}), "nothing at /a/all"),
            (json!({"a": {"all": "7", "bad": [2]}}), "\"7\" at /a/all is no whole number"),
            (json!({"a": {"all": 7.5, "bad": [2]}}), "no whole number"),
            (json!({"a": {"all": -7, "bad": [2]}}), "no whole number"),
            (json!({"a": {"all": null, "bad": [2]}}), "no whole number"),
            (json!({"a": {"all": 1, "bad": [2]}}), "more bad requests than requests"),
            (json!([]), "nothing at"),
        ] {
            let error = read(document).expect_err(message).to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
    }
}
