//! ACP: congestion control (`acp.*`) and consensus (`cons.*`).
//!
//! Times are whole nanoseconds of the harness's clock, windows are bytes.

use serde_json::{Value, json};

use crate::dispatch::{Component, Observed, Part, Setup};
use crate::refusal::Answer;

mod bandwidth;
mod bbr;
mod conn;
mod consensus;
mod control;
mod cubic;
mod faults;
mod reno;
mod rtt;
mod session;

pub use faults::MUTANTS;

/// What there is of it.
pub const PART: Part = Part {
    name: "acp",
    prefixes: &["acp", "cons"],
    declares: &["congestion", "reno", "cubic", "bbr", "ecn", "consensus", "raft", "pbft"],
    limits: || json!({"cwnd_gain": 2.0, "drain_gain": 1.0 / bbr::STARTUP_GAIN}),
    open,
};

struct Opened {
    congestion: session::Session,
    consensus: consensus::Cluster,
}

fn open(setup: Setup) -> Box<dyn Component> {
    let consensus = consensus::Cluster::new(setup);
    Box::new(Opened { congestion: session::Session::new(setup), consensus })
}

impl Component for Opened {
    fn handle(&mut self, op: &str, params: &Value) -> Answer {
        if op.starts_with("cons.") {
            self.consensus.handle(op, params)
        } else {
            self.congestion.handle(op, params)
        }
    }

    fn observe(&self, into: &mut Observed) {
        self.congestion.observe(into);
    }
}
