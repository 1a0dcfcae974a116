//! Every kind of try against real servers and processes on loopback, good and bad: each failure has its name, and
//! every deadline holds.

mod command;
mod grpc;
mod web;

use std::time::{Duration, Instant};

use adapter_probe::{Probe, Reason};
use health::checks::{Check, Kind, Pace};

/// What a try may take beyond its deadline on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

fn probe(kind: Kind, timeout_ms: u64) -> Probe {
    Probe::new(Check { name: "it".into(), kind, pace: Pace { timeout_ms, ..Pace::default() } })
}

/// One try; it ends within its deadline.
async fn once(kind: Kind, timeout_ms: u64) -> Result<(), Reason> {
    let begun = Instant::now();
    let found = probe(kind, timeout_ms).tried().await;
    assert!(begun.elapsed() < Duration::from_millis(timeout_ms) + SLACK, "{:?}", begun.elapsed());
    found
}

/// The name of what was wrong.
async fn named(kind: Kind, timeout_ms: u64) -> &'static str {
    once(kind, timeout_ms).await.map_or_else(|reason| reason.name(), |()| "passed")
}
