//! What was missed is found by comparing.

use serde_json::json;

use super::replicas::Replicas;
use crate::bench::{Bench, Better};
use crate::bus::Faults;
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure};

/// Everything is lost for a while.
const DEAF: Faults = Faults { drop: 1.0, duplicate: 0.0, soonest: 1, latest: 5 };
const WELL: Faults = Faults { drop: 0.0, ..DEAF };

pub(super) const MISSING: Case =
    must("ASS-103", Profile::StateSync, "a missing key arrive by sync").check(missing);

fn missing(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut replicas = Replicas::new(bench, 2, 1, DEAF)?;
    replicas.write(0, "only-here", &json!("value"))?;
    replicas.write(1, "only-there", &json!(7))?;
    replicas.drain()?;
    replicas.bus.faults = WELL;
    replicas.until_converged(20_000)?;
    for (node, key, want) in [(1, "only-here", json!("value")), (0, "only-there", json!(7))] {
        let seen = replicas.read(node, key)?["value"].clone();
        ensure(seen == want, "a key that a node misses arrives by comparing", || {
            format!("{key} at {node}: {seen}")
        })?;
    }
    Ok(())
}

pub(super) const DIFFERING: Case =
    must("ASS-104", Profile::StateSync, "differing digests be reconciled").check(differing);

fn differing(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut replicas = Replicas::new(bench, 3, 1, WELL)?;
    // All know the keys; then each changes one that the others do not hear of.
    for key in ["a", "b", "c"] {
        replicas.write(0, key, &json!(0))?;
    }
    replicas.drain()?;
    replicas.bus.faults = DEAF;
    for (node, key) in ["a", "b", "c"].into_iter().enumerate() {
        replicas.write(node, key, &json!(node + 1))?;
    }
    replicas.apply(1, &json!({"type": "counter", "key": "n", "by": 3}))?;
    replicas.drain()?;
    ensure(!replicas.converged()?, "different states have different digests", || "all are equal".to_owned())?;
    replicas.bus.faults = WELL;
    let took = replicas.until_converged(20_000)?;
    ensure(took.is_some(), "differing digests are reconciled", || "not within 20 s".to_owned())
}

pub(super) const HEAL: Case =
    should("ASS-105", Profile::StateSync, "heal ≤ 2 x max staleness").source("SPEC").check(heal);

fn heal(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let staleness = bench.hello().number("ass.max_staleness_ms").unwrap_or(5_000.0);
    let mut worst = 0;
    for round in bench.rounds(6, 2) {
        let mut rng = bench.begin_round(round);
        let mut replicas = Replicas::new(bench, 4, rng.next_u64(), Faults { latest: 20, ..WELL })?;
        replicas.bus.partition([2, 3], 1);
        let parted_until = replicas.now_ms + 40_000 + rng.below(6_000);
        while replicas.now_ms < parted_until {
            if rng.below(4) == 0 {
                replicas.random(&mut rng)?;
            }
            replicas.tick()?;
            replicas.step(500)?;
        }
        replicas.bus.heal();
        let most = (2.0 * staleness) as u64;
        let took = replicas.until_converged(4 * most)?;
        worst = worst.max(took.unwrap_or(u64::MAX));
        ensure(
            took.is_some_and(|took| took <= most),
            "a partition heals within twice the declared staleness",
            || format!("{took:?} ms, at most {most} ms"),
        )?;
    }
    bench.measure("longest time to heal", worst as f64, "ms", Better::Lower);
    Ok(())
}
