//! Metrics and status: looks at the other parts.

use serde_json::{Value, json};

use crate::dispatch::{Observed, Setup};
use crate::mutants::Mutant;
use crate::refusal::{Answer, unsupported};

/// What it declares.
pub const DECLARES: &[&str] = &[];

/// Its faults.
pub const MUTANTS: &[Mutant] = &[];

/// Name in the design to name here.
pub fn names() -> Value {
    json!({})
}

/// What the metrics remember.
pub struct Metrics {
    _setup: Setup,
}

impl Metrics {
    /// As after a reset.
    pub fn new(setup: Setup) -> Self {
        Self { _setup: setup }
    }

    /// Answers `status` and `metrics.*`, from what the other parts show.
    pub fn handle(&mut self, op: &str, _params: &Value, observed: &Observed) -> Answer {
        match op {
            "status" => Ok(json!(observed)),
            _ => Err(unsupported(op)),
        }
    }
}
