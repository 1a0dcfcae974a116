//! Which algorithm, and how many make a quorum.

use serde_json::{Value, json};

use crate::dispatch::Setup;
use crate::refusal::{Answer, invalid, number, text, whole, whole_or};

/// More than half.
pub(super) fn majority(setup: Setup, n: usize) -> usize {
    if setup.is("cons-half-is-enough") { n.div_ceil(2) } else { n / 2 + 1 }
}

/// The decision table; the first row that holds.
pub(super) fn decide(setup: Setup, params: &Value) -> Answer {
    let metrics = &params["metrics"];
    let (regions, latency) = (whole(metrics, "regions")?, number(metrics, "latency_ms")?);
    let conflicts = number(metrics, "conflict_rate")?;
    let slow = if setup.is("cons-eventual-at-200") { latency >= 200.0 } else { latency > 200.0 };
    let algorithm = if regions <= 3 && latency < 50.0 {
        "raft"
    } else if slow {
        "eventual"
    } else if conflicts > 0.1 {
        "epaxos"
    } else if regions > 3 && latency < 200.0 {
        "hybrid"
    } else {
        "paxos"
    };
    Ok(json!({"algorithm": algorithm}))
}

/// The quorum of an algorithm; or whether a read and a write quorum meet.
pub(super) fn quorums(setup: Setup, params: &Value) -> Answer {
    let n = whole(params, "n")? as usize;
    if !params["r"].is_null() {
        let (r, w) = (whole(params, "r")? as usize, whole(params, "w")? as usize);
        return if r + w > n && r <= n && w <= n {
            Ok(json!({"r": r, "w": w}))
        } else {
            Err(invalid(format!("r {r} + w {w} must be more than n {n}")))
        };
    }
    let quorum = match text(params, "alg")? {
        "raft" => majority(setup, n),
        "pbft" => 2 * whole_or(params, "f", (n as u64).saturating_sub(1) / 3)? as usize + 1,
        other => return Err(invalid(format!("alg is {other}: raft or pbft"))),
    };
    Ok(json!({"quorum": quorum}))
}
