//! What a cluster must get done: commit, tell so only then, go on without some, and be quick.

use super::cluster::{Cluster, declared};
use crate::bench::{Bench, Better};
use crate::bus::Faults;
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::stats::quantile;
use crate::stop::{Stop, ensure};

const WELL: Faults = Faults { drop: 0.0, duplicate: 0.0, soonest: 1, latest: 20 };

pub(super) const COMMIT: Case =
    must("ACP-103", Profile::Consensus, "report success only after commit").check(commit);

fn commit(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in declared(bench)? {
        let mut cluster = Cluster::open(bench, kind, 5, WELL)?;
        let leader = cluster.settle()?;
        // Nobody hears the leader: what it is told cannot be committed.
        cluster.bus.partition([leader], 1);
        cluster.propose(leader, "alone")?;
        for _ in 0..20 {
            let told = cluster.committed(leader, "alone")?;
            ensure(!told, "success is told only after the commit", || {
                format!("{}: told by a leader whom nobody hears", kind.0)
            })?;
            cluster.run(50)?;
        }
        cluster.bus.heal();
        let next = cluster.settle()?;
        cluster.propose(next, "heard")?;
        let told = cluster.until(10_000, &mut |cluster| cluster.committed(next, "heard"))?;
        ensure(told, "success is told after the commit", || format!("{}: not within 10 s", kind.0))?;
    }
    Ok(())
}

pub(super) const HEALTHY: Case =
    must("ACP-104", Profile::Consensus, "healthy n=4: all apply ≤ 5 s").check(healthy);

fn healthy(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (alg, ..) in declared(bench)? {
        let mut cluster = Cluster::open(bench, (alg, 4, 1), 7, WELL)?;
        let leader = cluster.settle()?;
        for n in 0..5 {
            cluster.propose((leader + n) % 4, &format!("p{n}"))?;
        }
        let begun = cluster.now_ms;
        let all = cluster.until(5_000, &mut |cluster| {
            for node in 0..4 {
                if cluster.log(node)?.len() < 5 {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        let took = cluster.now_ms - begun;
        ensure(all, "all four healthy replicas apply within 5 s", || {
            format!("{alg}: not all after {took} ms")
        })?;
        bench.measure(&format!("{alg}: until all four have applied"), took as f64, "ms", Better::Lower);
    }
    Ok(())
}

pub(super) const SILENT: Case =
    must("ACP-105", Profile::Consensus, "tolerate f silent, stay safe at f+1").check(silent);

fn silent(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in declared(bench)? {
        let (alg, n, f) = kind;
        let mut cluster = Cluster::open(bench, kind, 11, WELL)?;
        let leader = cluster.settle()?;
        let followers: Vec<usize> = (0..n).filter(|node| *node != leader).collect();
        for node in &followers[..f] {
            cluster.crash(*node)?;
        }
        cluster.propose(leader, "without-f")?;
        let done = cluster.until(10_000, &mut |cluster| cluster.committed(leader, "without-f"))?;
        ensure(done, "a cluster goes on without f replicas", || format!("{alg}: nothing committed in 10 s"))?;
        cluster.crash(followers[f])?;
        cluster.propose(leader, "without-more")?;
        for _ in 0..10 {
            cluster.run(300)?;
            let told = cluster.committed(leader, "without-more")?;
            ensure(!told, "without f + 1 replicas nothing is committed", || alg.to_owned())?;
        }
        for node in &followers[..=f] {
            cluster.restart(*node)?;
        }
        cluster.run(3_000)?;
        cluster.agree(&(0..n).collect::<Vec<_>>())?;
    }
    Ok(())
}

pub(super) const NEW_VIEW: Case =
    must("ACP-107", Profile::Consensus, "primary crash -> new view").check(new_view);

fn new_view(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in declared(bench)? {
        let mut cluster = Cluster::open(bench, kind, 13, WELL)?;
        let old = cluster.settle()?;
        cluster.propose(old, "before")?;
        cluster.until(10_000, &mut |cluster| cluster.committed(old, "before"))?;
        cluster.run(500)?;
        cluster.crash(old)?;
        let begun = cluster.now_ms;
        let client = (old + 1) % kind.1;
        let mut done = false;
        for _ in 0..10 {
            // A client that hears nothing asks again.
            cluster.propose(client, "after")?;
            done = done || cluster.until(2_000, &mut |cluster| cluster.committed(client, "after"))?;
        }
        let took = cluster.now_ms - begun;
        ensure(done, "another primary takes over after a crash", || format!("{}: nothing in 20 s", kind.0))?;
        let log = cluster.log(client)?;
        let kept = log.first().is_some_and(|(id, _)| id == "before");
        ensure(kept, "a new view keeps what was committed", || format!("{}: {log:?}", kind.0))?;
        bench.measure(&format!("{}: until a new primary commits", kind.0), took as f64, "ms", Better::Lower);
    }
    Ok(())
}

pub(super) const LATENCY: Case =
    should("ACP-112", Profile::Consensus, "≤ 100 ms datacenter, ≤ 5 s internet").check(latency);

fn latency(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in declared(bench)? {
        for (place, delay, tick_ms, most) in [("datacenter", 1, 2, 100.0), ("internet", 80, 10, 5_000.0)] {
            let faults = Faults { drop: 0.0, duplicate: 0.0, soonest: delay, latest: delay };
            let mut cluster = Cluster::open(bench, kind, 17, faults)?;
            cluster.tick_ms = tick_ms;
            let leader = cluster.settle()?;
            cluster.run(500)?;
            let mut times = Vec::new();
            for n in 0..10 {
                let id = format!("p{n}");
                // Not in step with any heartbeat.
                cluster.run(37)?;
                let begun = cluster.now_ms;
                cluster.propose(leader, &id)?;
                cluster.until(6_000, &mut |cluster| cluster.committed(leader, &id))?;
                times.push((cluster.now_ms - begun) as f64);
            }
            let worst = quantile(&times, 0.95).unwrap_or(f64::INFINITY);
            bench.measure(&format!("{}, {place}: p95 of a commit", kind.0), worst, "ms", Better::Lower);
            ensure(
                worst <= most,
                "a commit takes at most 100 ms in a datacenter, 5 s on the internet",
                || format!("{}, {place}: p95 {worst} ms", kind.0),
            )?;
        }
    }
    Ok(())
}
