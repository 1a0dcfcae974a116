//! Quorums, the decision table, and switches between algorithms.

use serde_json::json;

use super::cluster::{Cluster, declared};
use crate::bench::Bench;
use crate::bus::Faults;
use crate::cases::entry::{must, should};
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, refused};

pub(super) const QUORUMS: Case =
    must("ACP-108", Profile::Consensus, "quorums: majority floor(n/2)+1; PBFT 2f+1; R+W > N").check(quorums);

fn quorums(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut ask = |params: serde_json::Value, want: u64| -> Result<(), Stop> {
        let told = bench.call("cons.quorum", params.clone())?;
        ensure(told["quorum"] == want, "a quorum has the right size", || {
            format!("{params}: {told}, {want} expected")
        })
    };
    for n in 1..=9_u64 {
        ask(json!({"alg": "raft", "n": n}), n / 2 + 1)?;
    }
    for f in 1..=4_u64 {
        ask(json!({"alg": "pbft", "n": 3 * f + 1, "f": f}), 2 * f + 1)?;
    }
    for n in 1..=5_u64 {
        for (r, w) in (1..=n).flat_map(|r| (1..=n).map(move |w| (r, w))) {
            let answer = bench.call("cons.quorum", json!({"n": n, "r": r, "w": w}));
            if r + w > n {
                answer?;
            } else {
                let codes = [Code::InvalidArgument, Code::Overload];
                refused(answer, &codes, &format!("quorums that do not meet are refused: {r} + {w} of {n}"))?;
            }
        }
    }
    Ok(())
}

pub(super) const DECISION: Case =
    should("ACP-109", Profile::Consensus, "decision consensus decision table above at its boundaries")
        .check(decision);

/// Regions, latency in ms, conflict rate; the first row of the table that holds.
const TABLE: [(u64, f64, f64, &str); 16] = [
    (3, 49.9, 0.0, "raft"),
    (3, 49.9, 0.9, "raft"),
    (1, 0.5, 0.1, "raft"),
    (3, 50.0, 0.0, "paxos"),
    (3, 50.0, 0.1, "paxos"),
    (3, 50.0, 0.11, "epaxos"),
    (4, 49.9, 0.0, "hybrid"),
    (4, 49.9, 0.2, "epaxos"),
    (4, 199.9, 0.1, "hybrid"),
    (4, 200.0, 0.1, "paxos"),
    (4, 200.0, 0.11, "epaxos"),
    (4, 200.1, 0.11, "eventual"),
    (2, 200.1, 0.0, "eventual"),
    (2, 200.0, 0.0, "paxos"),
    (3, 199.9, 0.0, "paxos"),
    (9, 350.0, 0.5, "eventual"),
];

fn decision(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (regions, latency, conflicts, want) in TABLE {
        let metrics = json!({"regions": regions, "latency_ms": latency, "conflict_rate": conflicts});
        let told = bench.call("cons.decide", json!({"metrics": metrics}))?;
        ensure(told["algorithm"] == want, "the decision is that of the table", || {
            format!("{metrics}: {}, {want} expected", told["algorithm"])
        })?;
    }
    Ok(())
}

pub(super) const SWITCHES: Case =
    should("ACP-110", Profile::Consensus, "≥ 5 min between switches, benefit > 1.5 x cost").check(switches);

const SECOND_NS: u64 = 1_000_000_000;

fn switches(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let kind = declared(bench)?[0];
    let mut cluster = Cluster::open(bench, kind, 19, Faults::none())?;
    cluster.settle()?;
    let mut ask = |at_s: u64, benefit: f64, want: bool| -> Result<(), Stop> {
        let params = json!({"alg": kind.0, "now": at_s * SECOND_NS, "benefit": benefit, "cost": 10.0});
        let told = cluster.bench.call("cons.switch", params)?;
        ensure(
            told["switched"] == want,
            "a switch needs 5 minutes since the last and 1.5 times its cost",
            || format!("at {at_s} s, benefit {benefit}, cost 10: {told}"),
        )
    };
    ask(1_000, 9.0, false)?;
    ask(1_000, 12.0, false)?;
    ask(1_000, 15.0, false)?;
    ask(1_000, 15.1, true)?;
    ask(1_299, 100.0, false)?;
    ask(1_301, 14.0, false)?;
    ask(1_301, 100.0, true)?;
    ask(1_310, 100.0, false)
}

pub(super) const KEPT: Case =
    must("ACP-111", Profile::Consensus, "no committed entry lost across a switch").check(kept);

fn kept(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let kinds = declared(bench)?;
    for (at, kind) in kinds.iter().enumerate() {
        let to = kinds[(at + 1) % kinds.len()].0;
        // Four replicas suit both algorithms.
        let faults = Faults { soonest: 1, latest: 10, ..Faults::none() };
        let mut cluster = Cluster::open(bench, (kind.0, 4, 1), 23, faults)?;
        let leader = cluster.settle()?;
        for n in 0..4 {
            cluster.propose(leader, &format!("p{n}"))?;
        }
        cluster.until(10_000, &mut |cluster| cluster.committed(leader, "p3"))?;
        // The first replica that does not lead misses the rest.
        let late = (0..4).find(|node| *node != leader).unwrap_or(0);
        cluster.bus.partition([late], 1);
        for n in 4..8 {
            cluster.propose(leader, &format!("p{n}"))?;
        }
        cluster.until(10_000, &mut |cluster| cluster.committed(leader, "p7"))?;
        let before = cluster.log(leader)?;
        let params = json!({"alg": to, "now": 1_000 * SECOND_NS, "benefit": 100.0, "cost": 1.0});
        let told = cluster.bench.call("cons.switch", params)?;
        ensure(told["switched"] == true, "a switch that is worth it is made", || format!("{told}"))?;
        cluster.bus.heal();
        let next = cluster.settle()?;
        cluster.propose(next, "later")?;
        cluster.until(10_000, &mut |cluster| cluster.committed(next, "later"))?;
        for node in 0..4 {
            let log = cluster.log(node)?;
            let lost = before.iter().find(|entry| !log.contains(entry));
            ensure(
                lost.is_none() || log.len() < before.len() && node != next,
                "what was committed is kept",
                || format!("{} to {to}: {lost:?} is missing at node {node}", kind.0),
            )?;
        }
        let log = cluster.log(next)?;
        let same = log.len() > before.len() && log[..before.len()] == before[..];
        ensure(same, "the new log begins with the old one", || {
            format!("{} to {to}: {} of {}", kind.0, log.len(), before.len())
        })?;
    }
    Ok(())
}
