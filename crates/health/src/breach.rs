//! A breach: the evidence that a rule held, as data and in one line for a person.

use std::fmt;
use std::hash::{Hash, Hasher};

use machine::Timestamp;
use serde::{Deserialize, Serialize};

/// A finite number. NaN and the infinities are no numbers here, and -0.0 is 0.0, so equality is total.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Finite {
    /// `None` for NaN and the infinities.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    /// `part / whole`, and 0 when there is no whole.
    pub fn ratio(part: u64, whole: u64) -> Self {
        if whole == 0 { Self(0.0) } else { Self(part as f64 / whole as f64) }
    }

    /// The number.
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl Eq for Finite {}

impl Hash for Finite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl TryFrom<f64> for Finite {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("not a finite number")
    }
}

impl From<Finite> for f64 {
    fn from(finite: Finite) -> Self {
        finite.0
    }
}

/// The rules that the design names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    /// Consecutive failed health checks.
    HealthCheck,
    /// Share of failed requests in a window.
    ErrorRate,
    /// 95th percentile against a baseline.
    ResponseTime,
    /// Answers of 500 or above in a minute.
    ServerErrors,
    /// Resident memory against the limit.
    Memory,
}

impl RuleName {
    /// All of them, in the order of the design.
    pub const ALL: [Self; 5] =
        [Self::HealthCheck, Self::ErrorRate, Self::ResponseTime, Self::ServerErrors, Self::Memory];

    /// As the pipeline file writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HealthCheck => "health_check",
            Self::ErrorRate => "error_rate",
            Self::ResponseTime => "response_time",
            Self::ServerErrors => "server_errors",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Evidence that a rule held for its window or count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Breach {
    /// Which rule.
    pub rule: RuleName,
    /// What was observed, in the unit of the limit.
    pub observed: Finite,
    /// What it must not pass.
    pub limit: Finite,
    /// Since when the evidence began, in run time.
    pub since: Timestamp,
    /// The instance, when it is about one.
    pub slot: Option<u32>,
    /// In words, with values and units.
    pub text: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (since {})", self.rule, self.text, self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_are_numbers() {
        assert_eq!(Finite::new(f64::NAN), None);
        assert_eq!(Finite::new(f64::INFINITY), None);
        assert_eq!(Finite::new(-0.0).map(|f| f.value().to_bits()), Some(0));
        assert_eq!(Finite::ratio(1, 0).value().to_bits(), 0);
    }
}
