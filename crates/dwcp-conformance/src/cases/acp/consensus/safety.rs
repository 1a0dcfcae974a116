//! What must never happen, whatever is lost, late, doubled, crashed or lied about.

use serde_json::json;

use super::cluster::{Cluster, declared};
use crate::bench::{Bench, Better};
use crate::bus::Faults;
use crate::cases::entry::must;
use crate::fields::Fields;
use crate::requirement::{Case, Profile};
use crate::rng::Rng;
use crate::stop::{Stop, ensure};

const ROUGH: Faults = Faults { drop: 0.1, duplicate: 0.1, soonest: 1, latest: 60 };

pub(super) const AGREEMENT: Case =
    must("ACP-101", Profile::Consensus, "agreement over 1000 random schedules")
        .source("Lamport; Castro & Liskov 1999; Ongaro & Ousterhout 2014")
        .check(agreement);

/// One schedule: proposals, partitions, crashes and restarts at random, with all replicas compared at each change.
fn schedule(cluster: &mut Cluster<'_, '_>, rng: &mut Rng, changes: u64) -> Result<(), Stop> {
    let all: Vec<usize> = (0..cluster.members).collect();
    for change in 0..changes {
        match rng.below(6) {
            0 => {
                // One of them alone on its side; often the leader.
                let alone = match cluster.leader()? {
                    Some(leader) if rng.below(2) == 0 => leader,
                    _ => rng.index(all.len()),
                };
                cluster.bus.partition([alone], 1);
            }
            1 | 2 => cluster.bus.heal(),
            3 => {
                let node = rng.index(all.len());
                if cluster.down.is_empty() {
                    cluster.crash(node)?;
                } else if let Some(back) = cluster.down.first().copied() {
                    cluster.restart(back)?;
                }
            }
            _ => {}
        }
        for n in 0..2 {
            let node = rng.index(all.len());
            if !cluster.down.contains(&node) {
                cluster.propose(node, &format!("{change}-{n}"))?;
            }
        }
        cluster.run(rng.between(20, 700))?;
        cluster.agree(&all)?;
    }
    Ok(())
}

fn agreement(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let kinds = declared(bench)?;
    let (mut applied, mut schedules) = (0, 0);
    // A round is 20 schedules; each algorithm has its share of the 1000.
    for round in bench.rounds(50, 4) {
        let mut rng = bench.begin_round(round);
        for n in 0..20 {
            let kind = kinds[n % kinds.len()];
            let mut cluster = Cluster::open(bench, kind, rng.next_u64(), ROUGH)?;
            cluster.tick_ms = 20;
            schedule(&mut cluster, &mut rng, 8)?;
            applied += cluster.log(0)?.len();
            schedules += 1;
        }
    }
    let mean = f64::from(u32::try_from(applied).unwrap_or(u32::MAX)) / f64::from(schedules);
    bench.measure("entries applied in a schedule", mean, "", Better::Neither);
    ensure(mean >= 1.0, "schedules get entries applied", || format!("{mean:.2} in each"))
}

pub(super) const ONCE: Case =
    must("ACP-102", Profile::Consensus, "validity and at-most-once apply").check(once);

fn once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in declared(bench)? {
        for round in bench.rounds(10, 3) {
            let mut rng = bench.begin_round(round);
            let mut cluster = Cluster::open(bench, kind, rng.next_u64(), ROUGH)?;
            cluster.settle()?;
            for n in 0..6 {
                // A client that hears nothing asks again, also somewhere else.
                for _ in 0..3 {
                    cluster.propose(rng.index(kind.1), &format!("p{n}"))?;
                    cluster.run(rng.between(20, 300))?;
                }
            }
            cluster.run(3_000)?;
            for node in 0..kind.1 {
                let log = cluster.log(node)?;
                for (at, (id, value)) in log.iter().enumerate() {
                    let proposed =
                        (0..6).any(|n| *id == format!("p{n}")) && *value == format!("value of {id}");
                    ensure(proposed, "only what was proposed is applied", || {
                        format!("{}: {id} {value}", kind.0)
                    })?;
                    ensure(
                        log[..at].iter().all(|(other, _)| other != id),
                        "a proposal is applied once",
                        || format!("{}: {id} twice at node {node}", kind.0),
                    )?;
                }
            }
        }
    }
    Ok(())
}

pub(super) const EQUIVOCATION: Case =
    must("ACP-106", Profile::Consensus, "stay safe with an equivocating primary").check(equivocation);

fn equivocation(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "pbft")?;
    for round in bench.rounds(40, 10) {
        let mut rng = bench.begin_round(round);
        let faults = Faults { drop: 0.0, duplicate: 0.0, soonest: 1, latest: 30 };
        let mut cluster = Cluster::open(bench, ("pbft", 4, 1), rng.next_u64(), faults)?;
        let primary = cluster.settle()?;
        let twin = cluster.bench.call("cons.twin", json!({"node": primary}))?.whole("node")? as usize;
        cluster.members = 5;
        // Each half of the others talks to one of the two, for the time being.
        let mut others: Vec<usize> = (0..4).filter(|node| *node != primary).collect();
        rng.shuffle(&mut others);
        let with_twin = 1 + rng.index(2);
        for node in &others[..with_twin] {
            cluster.heard_by.insert((*node, primary), twin);
        }
        // What a twin says reaches only its half: the rest hears the other one.
        let (near, far) = (others[..with_twin].to_vec(), others[with_twin..].to_vec());
        let nowhere = 99;
        for node in &near {
            cluster.heard_by.insert((primary, *node), nowhere);
        }
        for node in &far {
            cluster.heard_by.insert((twin, *node), nowhere);
        }
        cluster.down.insert(nowhere);
        cluster.propose(primary, "one")?;
        cluster.propose(twin, "other")?;
        for _ in 0..12 {
            cluster.run(50)?;
            cluster.agree(&others)?;
        }
        // Later all hear both.
        cluster.heard_by.retain(|_, to| *to != nowhere);
        for _ in 0..10 {
            cluster.run(300)?;
            cluster.agree(&others)?;
        }
    }
    Ok(())
}
