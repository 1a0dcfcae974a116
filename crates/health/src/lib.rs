//! Whether a revision is healthy: samples, windows, the literal rules of the design with their evidence guards, and
//! sequential tests that keep the chance of a false alarm however often they are looked at.
//!
//! A judge hears one sample after the other and says after each what it found: healthy, regressed with the breach,
//! undecided, or no data. It knows neither what is done about a breach nor how traffic is shared.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod baseline;
mod breach;
pub mod checks;
mod latency;
pub mod leak;
mod literal;
mod panel;
pub mod planned;
pub mod price;
mod rules;
mod sample;
pub mod sequential;
mod window;

pub use breach::{Breach, Finite, RuleName};
pub use latency::{Latency, Quantile};
pub use literal::Literal;
pub use panel::Panel;
pub use rules::{Baseline, ErrorRate, HealthCheck, Memory, ResponseTime, Rules, ServerErrors, Tests};
pub use sample::{Arm, Instance, Sample, Served};
pub use window::{Change, Window};

use machine::{Timestamp, Visit};
use serde::{Serialize, de::DeserializeOwned};

/// What the evidence says so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Enough evidence, and no rule holds.
    Healthy,
    /// These rules hold.
    Regressed(Vec<Breach>),
    /// Both revisions suffer from something that is not this release's fault: hold, and tell a person.
    Shared(Breach),
    /// Data, but too little of it to call the revision healthy.
    Undecided,
    /// No data. Never healthy.
    NoData,
}

/// Judges one revision from samples. The composed model replaces it by one that may answer anything.
pub trait Judge: Clone + Eq + std::hash::Hash + Serialize + DeserializeOwned {
    /// The new revision has had this share of the traffic since `at`. Evidence for this step begins here.
    fn weighed(&mut self, at: Timestamp, percent: u8);

    /// Takes one sample, `None` when there was none to be had, and says what is known now.
    fn judge(&mut self, now: Timestamp, sample: Option<&Sample>) -> Verdict;

    /// What the window shows, for a person: by revision, rates and latency.
    fn shown(&self) -> Shown;

    /// Reaches every stored time.
    fn visit(&mut self, v: &mut dyn Visit);
}

/// Both revisions as the newest window shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
pub struct Shown {
    /// The new revision.
    pub new: ArmShown,
    /// The stable one, when it serves.
    pub stable: Option<ArmShown>,
}

/// One revision over the newest window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
pub struct ArmShown {
    /// Requests in the window.
    pub requests: u64,
    /// Of these, failed or answered with 500 or above.
    pub errors: u64,
    /// Length of the window in milliseconds.
    pub over_ms: u64,
    /// 95th percentile of the durations in microseconds, `None` without requests.
    pub p95_us: Option<u64>,
}
