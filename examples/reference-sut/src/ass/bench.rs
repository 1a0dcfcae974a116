//! How long a decision takes, measured inside: deficit round robin with so many backlogged flows.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Value, json};

use super::drr::Drr;
use super::flows::{Flow, Flows, Policy, Unit};
use crate::dispatch::Setup;
use crate::refusal::{Answer, invalid, whole};

/// Serves `n` units of `flows` backlogged flows and tells units a second and the times of a decision.
pub(super) fn run(setup: Setup, params: &Value) -> Answer {
    let (count, n) = (whole(params, "flows")?, whole(params, "n")?);
    if !(1..=100_000).contains(&count) || !(1..=1_000_000).contains(&n) {
        return Err(invalid("flows: 1 to 100000, n: 1 to 1000000"));
    }
    let (mut flows, mut policy) = (Flows::new(), Drr::new(setup));
    for id in 0..count {
        let unit = Unit { id, size: 1_000, arrived: 0.0 };
        flows.insert(id, Flow { weight: 1.0, priority: 0, queue: VecDeque::from([unit, unit]) });
        policy.arrives(&flows, id, 1_000, true, 0);
    }
    let mut times = Vec::with_capacity(n as usize);
    let began = Instant::now();
    for _ in 0..n {
        let before = Instant::now();
        if setup.is("ass-linear") {
            std::hint::black_box(flows.values().filter(|flow| !flow.queue.is_empty()).count());
        }
        let Some(picked) = policy.pick(&flows, 0) else { break };
        let Some(flow) = flows.get_mut(&picked) else { break };
        let Some(unit) = flow.queue.pop_front() else { break };
        flow.queue.push_back(unit);
        policy.served(&flows, picked, unit);
        times.push(before.elapsed().as_nanos() as f64);
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let unit = if setup.is("ass-microseconds") { 1e-3 } else { 1.0 };
    let at =
        |share: f64| times.get((share * (times.len() - 1) as f64) as usize).copied().unwrap_or(0.0) * unit;
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(json!({
        "units_per_s": times.len() as f64 / seconds.max(1e-9),
        "p50_ns": at(0.5),
        "p99_ns": at(0.99),
        "machine": format!("{} {}, {cpus} cpus", std::env::consts::OS, std::env::consts::ARCH),
    }))
}
