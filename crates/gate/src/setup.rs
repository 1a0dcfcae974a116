//! What a gate asks of the evidence: the first line of a record, and all that a session needs.

use health::planned::PlannedLooks;
use health::sequential::Plan;
use health::{Finite, Rules};
use serde::{Deserialize, Serialize};

use crate::baseline::Basis;
use crate::bounded::{Bounded, PART};

/// Requests of the canary below which it is not called healthy.
const MIN_REQUESTS: u64 = 200;

/// Which family of rules decides. The other one is looked at and told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decides {
    /// Sequential tests.
    #[default]
    Sequential,
    /// The literal rules.
    Literal,
    /// Either.
    Both,
    /// A few planned looks at numbers of requests that are fixed beforehand.
    Planned,
}

impl Decides {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Literal => "literal",
            Self::Both => "both",
            Self::Planned => "planned",
        }
    }

    pub(crate) const fn literal(self) -> bool {
        matches!(self, Self::Literal | Self::Both)
    }

    /// Whether bounded metrics decide.
    pub(crate) const fn bounded(self) -> bool {
        !matches!(self, Self::Literal)
    }

    pub(crate) const fn sequential(self) -> bool {
        matches!(self, Self::Sequential | Self::Both)
    }
}

/// What a gate asks of the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The service, for people.
    pub service: String,
    /// Wall time of the beginning, in milliseconds since 1970.
    pub began_ms: i64,
    /// Which rules decide.
    pub decides: Decides,
    /// What is asked of the sequential tests.
    pub plan: Plan,
    /// The literal rules.
    pub rules: Rules,
    /// Healthy only when a doubled error rate is excluded.
    pub must_clear: bool,
    /// Whether a stable revision is looked at.
    pub compared: bool,
    /// Where the numbers come from, in words.
    pub source: String,
    /// What was found in the baselines, when the gate names some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Basis>,
    /// Bounded metrics of the canary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounded: Vec<Bounded>,
    /// The looks that are planned, where they decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedLooks>,
}

impl Setup {
    /// The default of a service for about `looks` looks.
    pub fn new(service: &str, looks: u32) -> Self {
        let limit = Finite::ratio(1, 100);
        let plan = Plan { min_requests: MIN_REQUESTS, limit: Some(limit), ..Plan::new(looks.max(1)) };
        Self {
            service: service.to_owned(),
            began_ms: 0,
            decides: Decides::Sequential,
            plan,
            rules: Rules::design(None),
            must_clear: false,
            compared: true,
            source: String::new(),
            baseline: None,
            bounded: Vec::new(),
            planned: None,
        }
    }

    /// The part of alpha that is the bounded metrics'.
    pub(crate) fn bounded_alpha(&self) -> f64 {
        if self.bounded.is_empty() { 0.0 } else { self.plan.alpha.value() * PART }
    }

    /// What is asked of the engine: it has the rest of alpha.
    pub(crate) fn engine_plan(&self) -> Plan {
        let left = Finite::new(self.plan.alpha.value() - self.bounded_alpha());
        Plan { alpha: left.unwrap_or(self.plan.alpha), ..self.plan.clone() }
    }

    /// Goes by what was found in the baselines: what is known is the record that the canary is compared with.
    pub fn goes_by(&mut self, basis: Basis) {
        self.plan.recorded = basis.recorded();
        self.baseline = Some(basis);
    }
}
