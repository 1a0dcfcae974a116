//! ASS: a scheduler of flows onto streams (`ass.*`) and state synchronisation (`sync.*`).

use serde_json::{Value, json};

use crate::dispatch::{Component, Part, Setup};
use crate::mutants::Mutant;
use crate::refusal::Answer;

mod bench;
mod drr;
mod faults;
mod flows;
mod session;
mod strict;
mod sync;
mod wfq;

/// What there is of it.
pub const PART: Part = Part {
    name: "ass",
    prefixes: &["ass", "sync"],
    declares: &["scheduler", "drr", "wfq", "strict", "state-sync"],
    limits: || json!({"max_unit": flows::MAX_UNIT, "quantum": drr::QUANTUM, "max_staleness_ms": sync::STALENESS_MS}),
    open,
};

/// Its faults.
pub const MUTANTS: &[Mutant] = faults::MUTANTS;

struct Opened {
    scheduler: session::Session,
    sync: sync::Session,
}

fn open(setup: Setup) -> Box<dyn Component> {
    Box::new(Opened { scheduler: session::Session::new(setup), sync: sync::Session::new(setup) })
}

impl Component for Opened {
    fn handle(&mut self, op: &str, params: &Value) -> Answer {
        if op.starts_with("sync.") { self.sync.handle(op, params) } else { self.scheduler.handle(op, params) }
    }
}
