//! Proofs: what must never happen, tried until it would have.

mod alertmanager;
pub mod bad_input;
pub mod dwcp;
pub mod false_alarms;
mod gate;
pub mod models;
mod prometheus;
pub mod promql;
mod protobuf;
pub mod replay;
pub(crate) mod servers;
pub mod triggers;

use crate::door::{Topic, Verdict};
use crate::{crash, full_disk, loss, survivors, wayback};

/// All proofs.
pub const TOPICS: &[Topic] = &[
    ("false-alarms", "every null of the corpus: how often it is sent back (--quick)", false_alarms::prove),
    ("crash", "kill -9 of the runner at every failpoint and 100 random times, then resume", crash_topic),
    ("way-back", "a release is told to go back in every phase and manner", wayback::prove),
    ("load", "a healthy release under 1 000 requests a second loses none", loss::prove),
    ("survivors", "no process is left, however the runner ends", survivors::prove),
    ("full-disk", "the way back on a full disk (needs root)", full_disk::prove),
    (
        "bad-input",
        "Bad input against the real programs: message, place, code, nothing left",
        bad_input::prove,
    ),
    ("models", "every state of every machine, and of the release over its target", models::models),
    (
        "triggers",
        "five simulated worlds, in each only one of the design's rules can hold",
        triggers::triggers,
    ),
    ("prometheus", "the adapter against a real Prometheus (Debian)", prometheus::prove),
    ("gate", "the gate against a real Prometheus (Debian) of good and bad services", gate::prove),
    ("alertmanager", "silences at a real Alertmanager (Debian), on every way out", alertmanager::prove),
    ("promql", "expressions and alert rules through our evaluator and through promtool", promql::prove),
    ("replay", "simulated runs decided again bit for bit, every damage to a journal named", replay::proof),
    (
        "dwcp-reference",
        "the reference meets every requirement, in the time given (--quick)",
        dwcp::reference::prove,
    ),
    ("dwcp-hostile", "implementations that mean harm, each contained (needs Python)", dwcp::hostile::prove),
    ("dwcp-mutants-own", "each faulty variant fails its own requirement", dwcp::mutants::own),
    (
        "dwcp-mutants",
        "each faulty variant against its whole profile; writes the matrix",
        dwcp::mutants::matrix,
    ),
    (
        "dwcp-kernel",
        "simulated TCP against the kernel's behind a rate limit (needs root, iproute2)",
        dwcp::kernel::prove,
    ),
];

fn crash_topic() -> Result<Verdict, String> {
    crash::prove(crash::Effort { passages: 5, random: 180, beside: 2 }, 20_261_125)
}

/// Prints a table of what was kept and what not.
fn verdict(against: &str, rows: &[(&str, Result<(), String>)]) -> Verdict {
    for (what, kept) in rows {
        match kept {
            Ok(()) => println!("{what:<52} kept"),
            Err(why) => println!("{what:<52} broken: {why}"),
        }
    }
    let kept = rows.iter().filter(|(_, kept)| kept.is_ok()).count();
    Verdict::new(format!("{kept} of {} promises kept against {against}", rows.len()), kept == rows.len())
}
