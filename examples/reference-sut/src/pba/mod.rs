//! Predictive Bandwidth Allocation: forecasts (`model`), grants (`grants`) and reservations (`reservations`).

use serde_json::{Value, json};

use crate::dispatch::{Component, Observed, Part, Setup};
use crate::mutants::Mutant;
use crate::refusal::{Answer, unsupported};

mod faults;
mod forecaster;
mod grants;
mod history;
mod model;
mod period;
mod regression;
mod reservations;

/// What there is of it.
pub const PART: Part = Part {
    name: "pba",
    prefixes: &["pba"],
    declares: &["forecast", "intervals", "allocate", "reserve"],
    limits: || json!({"sequence": model::SEQUENCE}),
    open,
};

/// Its faults.
pub const MUTANTS: &[Mutant] = faults::MUTANTS;

struct Opened {
    forecaster: forecaster::Forecaster,
    reservations: reservations::Reservations,
}

fn open(setup: Setup) -> Box<dyn Component> {
    let reservations = reservations::Reservations::new(setup);
    Box::new(Opened { forecaster: forecaster::Forecaster::new(setup), reservations })
}

impl Component for Opened {
    fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "pba.allocate" => grants::allocate(self.forecaster.setup(), params),
            "pba.reserve" | "pba.release" | "pba.capacity" => self.reservations.handle(op, params),
            "pba.open" => {
                self.reservations.resize(params)?;
                self.forecaster.handle(op, params)
            }
            _ if op.starts_with("pba.") => self.forecaster.handle(op, params),
            _ => Err(unsupported(op)),
        }
    }

    fn observe(&self, into: &mut Observed) {
        self.reservations.observe(into);
    }
}
