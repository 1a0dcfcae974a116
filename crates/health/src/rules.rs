//! The five literal rules of the design, each with the evidence that it needs before it may hold.
//!
//! Source: the design's "Automatic Rollback Triggers"; guards: `pipeline-semantics.md`, "Baselines".

use machine::Millis;
use serde::{Deserialize, Serialize};

use crate::RuleName;

/// What stable is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Stable at the same time; at 100 %, what it showed in the last step at which both served.
    Concurrent,
}

/// Health checks failed in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HealthCheck {
    /// This many in a row are a breach.
    pub failures: u32,
}

/// Share of failed requests in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ErrorRate {
    /// In parts per million; more is a breach.
    pub over_ppm: u64,
    /// Length of the window.
    pub window_ms: Millis,
    /// Requests that the window must hold.
    pub min_requests: u64,
    /// Errors that the window must hold.
    pub min_errors: u64,
}

/// 95th percentile against a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResponseTime {
    /// In percent of the baseline; more is a breach. 200 is "twice".
    pub over_percent: u64,
    /// Length of the window.
    pub window_ms: Millis,
    /// Requests that the window must hold, of either revision.
    pub min_requests: u64,
    /// Difference in microseconds below which a ratio says nothing.
    pub min_diff_us: u64,
    /// What it is compared with.
    pub baseline: Baseline,
}

/// Answers of 500 or above in 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServerErrors {
    /// More than this many in 60 s are a breach,
    pub per_minute: u64,
    /// if they are also more than this share of the revision's requests, in parts per million.
    pub over_ppm: u64,
}

/// Resident memory against the workload's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Memory {
    /// More than this share of the limit is a breach, in percent.
    pub over_percent: u64,
    /// The workload's limit; without one the rule says nothing.
    pub limit_bytes: Option<u64>,
}

/// Sequential tests, and which literal rules they stand for while both revisions serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tests {
    /// Allowed chance of a false rollback over the whole rollout, in parts per million.
    pub alpha_ppm: u32,
    /// Scrapes that the rollout is planned to take.
    pub scrapes: u32,
    /// They stand for the rule on the error rate.
    pub error_rate: bool,
    /// They stand for the rule on the response time.
    pub response_time: bool,
    /// They stand for the rule on server errors.
    pub server_errors: bool,
}

impl Tests {
    /// Whether the tests stand for that rule.
    pub const fn replace(&self, rule: RuleName) -> bool {
        match rule {
            RuleName::ErrorRate => self.error_rate,
            RuleName::ResponseTime => self.response_time,
            RuleName::ServerErrors => self.server_errors,
            RuleName::HealthCheck | RuleName::Memory => false,
        }
    }
}

/// The rules that are in force. `None` is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rules {
    /// Three failures in a row, says the design.
    pub health_check: Option<HealthCheck>,
    /// Over 1 % in 5 minutes.
    pub error_rate: Option<ErrorRate>,
    /// Over twice the baseline in 5 minutes.
    pub response_time: Option<ResponseTime>,
    /// Over 10 a minute.
    pub server_errors: Option<ServerErrors>,
    /// Over 90 % of the limit.
    pub memory: Option<Memory>,
    /// Requests that the new revision must have had at a weight before a sample may count as a pass.
    pub min_requests: u64,
    /// Sequential tests, when they judge too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
}

impl Rules {
    /// The design's five, word for word, with the guards of `pipeline-semantics.md`.
    pub const fn design(memory_limit_bytes: Option<u64>) -> Self {
        Self {
            health_check: Some(HealthCheck { failures: 3 }),
            error_rate: Some(ErrorRate {
                over_ppm: 10_000,
                window_ms: 300_000,
                min_requests: 200,
                min_errors: 4,
            }),
            response_time: Some(ResponseTime {
                over_percent: 200,
                window_ms: 300_000,
                min_requests: 200,
                min_diff_us: 50_000,
                baseline: Baseline::Concurrent,
            }),
            server_errors: Some(ServerErrors { per_minute: 10, over_ppm: 10_000 }),
            memory: Some(Memory { over_percent: 90, limit_bytes: memory_limit_bytes }),
            min_requests: 1,
            tests: None,
        }
    }

    /// None at all: nothing can be a breach.
    pub const fn none() -> Self {
        Self {
            health_check: None,
            error_rate: None,
            response_time: None,
            server_errors: None,
            memory: None,
            min_requests: 0,
            tests: None,
        }
    }
}
