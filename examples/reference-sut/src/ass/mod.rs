//! ASS: the stream scheduler and the state synchronisation.

use serde_json::{Value, json};

use crate::dispatch::{Component, Part, Setup};
use crate::mutants::Mutant;
use crate::refusal::{Answer, unsupported};

/// What there is of it.
pub const PART: Part =
    Part { name: "ass", prefixes: &["ass", "sync"], declares: &[], limits: || json!({}), open };

/// Its faults.
pub const MUTANTS: &[Mutant] = &[];

struct Opened;

fn open(_setup: Setup) -> Box<dyn Component> {
    Box::new(Opened)
}

impl Component for Opened {
    fn handle(&mut self, op: &str, _params: &Value) -> Answer {
        Err(unsupported(op))
    }
}
