//! The result as data: the verdict, why, and everything that was not evidence.

use health::sequential::Explanation;
use health::{Breach, Finite};
use machine::Timestamp;
use serde::{Deserialize, Serialize};

use crate::baseline::Basis;
use crate::bounded::Bound;
use crate::units::percent;
use crate::{AlertSeen, Planned, Refusal};

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Enough evidence, and none against the canary.
    Healthy,
    /// The canary is worse, or an alert fires.
    Regressed,
    /// Data, but too little of it, or not against the release: hold.
    Undecided,
    /// Nothing that is evidence.
    NoData,
}

impl Verdict {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Regressed => 10,
            Self::Undecided | Self::NoData => 12,
        }
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Regressed => "regressed",
            Self::Undecided => "undecided",
            Self::NoData => "no data",
        }
    }
}

/// One arm as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmReport {
    /// Its instances by name.
    pub instances: Vec<String>,
    /// Requests since it is looked at.
    pub requests: u64,
    /// Of these, failed.
    pub bad: u64,
    /// 95th percentile in microseconds, where a histogram is.
    pub p95_us: Option<u64>,
    /// Bytes a minute that an instance leaks beyond chance, by its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<(String, health::leak::Leaking)>,
}

impl ArmReport {
    /// Share of failed requests for people; a dash without requests.
    pub fn rate(&self) -> String {
        if self.requests == 0 { "-".to_owned() } else { percent(self.bad as f64 / self.requests as f64) }
    }

    /// The 95th percentile for people; a dash without one.
    pub fn p95(&self) -> String {
        self.p95_us.map_or_else(|| "-".to_owned(), |us| format!("{:.1} ms", us as f64 / 1_000.0))
    }
}

/// A literal rule that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Literally {
    /// When it held first.
    pub first: Timestamp,
    /// At how many looks it held.
    pub looks: u32,
    /// What was seen then.
    pub breach: Breach,
    /// It decides.
    pub acts: bool,
}

/// Something that was no evidence, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What.
    pub refusal: Refusal,
    /// At how many looks.
    pub looks: u32,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}

/// The smallest regression that could have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smallest {
    /// As a multiple of the base.
    pub times: Finite,
    /// Stable's error rate, or what it is at most, or what the baseline allows.
    pub base: Finite,
    /// Stable had no error: the base is the most that its rate can be with 95 %.
    pub at_most: bool,
    /// The base is what the baseline allows.
    #[serde(default)]
    pub recorded: bool,
}

/// The result of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The service.
    pub service: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The exit code that goes with it.
    pub code: u8,
    /// The verdict in one sentence.
    pub headline: String,
    /// What led to it, most important first.
    pub reasons: Vec<String>,
    /// What a person should be told although the release is not to blame.
    pub alert: Option<String>,
    /// What would change the verdict.
    pub change: Vec<String>,
    /// The metric that did it, when one did.
    pub metric: Option<String>,
    /// The arm it was seen in.
    pub arm: Option<String>,
    /// The instance, when it is about one.
    pub instance: Option<String>,
    /// The endpoint, when it is about one.
    pub endpoint: Option<String>,
    /// Since when, in milliseconds of the gate.
    pub since: Option<Timestamp>,
    /// When the verdict was first reached, when it ends the gate.
    pub decided: Option<Timestamp>,
    /// The revision under evaluation.
    pub canary: ArmReport,
    /// The trusted one.
    pub stable: ArmReport,
    /// The smallest regression that could have been seen; anything weaker is unproven. `None`: none at all.
    pub smallest: Option<Smallest>,
    /// The baseline of the hour of the week, when the gate names baselines.
    #[serde(default)]
    pub baseline: Option<Basis>,
    /// Which rules decided.
    pub decides: crate::Decides,
    /// The sequential tests, as data.
    pub explanation: Explanation,
    /// Bounded metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounded: Vec<Bound>,
    /// The planned looks, where they decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// Literal rules that held, whether they decide or not.
    pub literal: Vec<Literally>,
    /// Alerts of rule files, as they stand at the end.
    pub alerts: Vec<AlertSeen>,
    /// What was read and is no evidence.
    pub refused: Vec<Refused>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// Wall time of the beginning, in milliseconds since 1970.
    pub began_ms: i64,
    /// How long it was looked at.
    pub over_ms: u64,
    /// Looks.
    pub looks: u32,
    /// Where the numbers come from.
    pub source: String,
}
