//! What a rollout asks of the engine: the promise, the margins, the record of stable, the weights of the metrics.

use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::{Counts, Dispersion, Edges, Patience};
use crate::Finite;

/// The metrics of the engine, in order of their weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Bad requests, against stable and against the record.
    Errors,
    /// Slow requests at four edges.
    Latency,
    /// The canary's bad requests against an absolute limit.
    Limit,
    /// Failed scrapes.
    Scrapes,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Errors, Self::Latency, Self::Limit, Self::Scrapes];

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Limit => "limit",
            Self::Scrapes => "scrapes",
        }
    }
}

/// What stable did over the last hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recorded {
    /// Requests and bad ones.
    pub counts: Counts,
    /// How many times the recorded rate is still nothing unusual.
    pub drift: Finite,
}

/// What a rollout asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// Allowed probability of a false rollback over the whole rollout, all metrics together.
    pub alpha: Finite,
    /// Allowed probability of promoting what has the excluded ratio.
    pub beta: Finite,
    /// Ratio of error rates up to which the canary is as good as stable.
    pub tolerance: Finite,
    /// Ratio of odds of a slow request up to which it is.
    pub margin: Finite,
    /// Ratio that a step has to exclude to end before its time.
    pub excluded: Finite,
    /// Planned scrapes.
    pub horizon: u32,
    /// Requests of the canary in a step before it may be called healthy.
    pub min_requests: u64,
    /// How bad events bunch.
    pub dispersion: Dispersion,
    /// The record of stable, for the time when stable serves little.
    pub recorded: Option<Recorded>,
    /// Without a record: what stable does in the first steps serves as one, with this allowance for drift.
    pub own_record: Option<Finite>,
    /// Edges of the latency test, from stable's record. Without, they come from stable's first reading.
    pub edges: Option<Edges>,
    /// No edge lies below this, in microseconds: durations under it are all fast enough.
    pub floor_us: u64,
    /// An absolute limit of the error rate.
    pub limit: Option<Finite>,
    /// Age below which the durations of a process are not looked at.
    pub grace_ms: u64,
    /// How long silence is borne.
    pub patience: Patience,
    /// Weights of errors, latency, limit and scrapes, relative to their sum; 0 switches a metric off.
    pub weights: [Finite; 4],
}

impl Plan {
    /// The default of a new rollout of about `horizon` scrapes.
    pub fn new(horizon: u32) -> Self {
        Self {
            alpha: finite(0.01),
            beta: finite(0.05),
            tolerance: finite(1.25),
            margin: finite(1.25),
            excluded: finite(2.0),
            horizon,
            min_requests: 1,
            dispersion: Dispersion::Poisson,
            recorded: None,
            own_record: None,
            edges: None,
            floor_us: 0,
            limit: None,
            grace_ms: 60_000,
            patience: Patience::default(),
            weights: [0.45, 0.35, 0.1, 0.1].map(finite),
        }
    }

    /// One metric only.
    pub fn only(mut self, metric: Metric) -> Self {
        self.weights = Metric::ALL.map(|one| finite(if one == metric { 1.0 } else { 0.0 }));
        self
    }

    /// Share of alpha that is left when the bound of the record was paid for.
    pub(crate) const RECORD_MISS: f64 = 0.02;
    /// Weight of the record's evidence beside the concurrent one.
    pub(crate) const RECORD_WEIGHT: f64 = 0.15;

    /// How much an e-value counts that does not know about bunches.
    pub(crate) fn power(&self) -> f64 {
        match self.dispersion {
            Dispersion::Poisson => 1.0,
            Dispersion::Tempered(phi) | Dispersion::Urn { phi, .. } => 1.0 / phi.value().max(1.0),
        }
    }

    /// Whether the canary is compared with what stable did before.
    pub(crate) const fn records(&self) -> bool {
        self.recorded.is_some() || self.own_record.is_some()
    }

    /// The logarithm of the evidence at which the release goes back.
    pub fn ln_threshold(&self) -> f64 {
        let paid = if self.records() { 1.0 - Self::RECORD_MISS } else { 1.0 };
        -libm::log(self.alpha.value().clamp(1e-12, 1.0) * paid)
    }

    /// The logarithm at which one metric alone sends the release back, whatever the others say; `None` for a metric that
    /// is switched off.
    pub(crate) fn ln_enough(&self, metric: Metric) -> Option<f64> {
        let all: f64 = self.weights.iter().map(|weight| weight.value()).sum();
        let weights = Metric::ALL.iter().zip(self.weights);
        let own = weights.filter(|(one, _)| **one == metric).map(|(_, weight)| weight.value()).sum::<f64>();
        // A part of the errors' weight is the record's.
        let kept = if metric == Metric::Errors && self.records() { Self::RECORD_WEIGHT } else { 0.0 };
        (own > 0.0).then(|| self.ln_threshold() - libm::log(own / all * (1.0 - kept)))
    }
}
