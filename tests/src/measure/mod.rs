//! Figures: ratios, measured side by side in one run.

mod decisions;
mod dwcp;
mod dwcp_simulator;
mod flip;
mod jobs;
mod journal;
mod parse;
mod process;
mod splitter;

use crate::door::Topic;

/// All figures.
pub const TOPICS: &[Topic] = &[
    ("decisions", "The sequential engine beside peers' rules and an oracle (--quick)", decisions::measure),
    ("jobs", "10 000 jobs `true` by nova-pipeline, beside a bare spawn loop", jobs::measure),
    ("journal", "An append at each durability, beside a bare append and sync", journal::measure),
    ("dwcp-run", "All conformance profiles against the reference, quick and full (--quick)", dwcp::run),
    (
        "dwcp-simulator",
        "The network simulator of the harness: packet events a second (--quick)",
        dwcp_simulator::run,
    ),
    ("flip", "From the verdict to the last request begun on the bad revision", flip::measure),
    ("parse", "The strict parser of expositions beside prometheus-parse: bytes a second", parse::measure),
    ("splitter", "The splitter beside nginx: CPU a request and p99 at one rate", splitter::measure),
];

/// The middle of some figures.
fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
