//! Replicas become alike, whatever the order, the copies and the losses.

use super::replicas::Replicas;
use crate::bench::{Bench, Better};
use crate::bus::Faults;
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure};

pub(super) const CONVERGE: Case = must(
    "ASS-101",
    Profile::StateSync,
    "converge (equal digests) once all messages are delivered, 100 seeds of reorder/dup",
)
.source("Shapiro et al. 2011")
.check(converge);

fn converge(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(100, 25) {
        let mut rng = bench.begin_round(round);
        let faults = Faults { drop: 0.0, duplicate: 0.3, soonest: 0, latest: 50 };
        let mut replicas = Replicas::new(bench, 3, rng.next_u64(), faults)?;
        for _ in 0..20 {
            replicas.random(&mut rng)?;
            let by_ms = rng.below(8);
            replicas.collect()?;
            replicas.step(by_ms)?;
        }
        // No tick: what was sent is all that there is.
        replicas.drain()?;
        let digests = replicas.digests()?;
        ensure(
            digests.iter().all(|digest| *digest == digests[0]),
            "replicas that have all messages are alike",
            || format!("{digests:?}"),
        )?;
    }
    Ok(())
}

pub(super) const LOSS: Case =
    must("ASS-110", Profile::StateSync, "30 % message loss still converge").by_chance(1e-4).check(loss);

/// With 30 % loss a comparison (digest, entry) works with the chance 0.49 in each direction; two replicas that differ in
/// a key miss all of 60 comparisons with the chance 0.51^120, far below 1e-4 for all pairs and keys.
fn loss(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut worst = 0;
    for round in bench.rounds(20, 5) {
        let mut rng = bench.begin_round(round);
        let faults = Faults { drop: 0.3, duplicate: 0.05, soonest: 1, latest: 40 };
        let mut replicas = Replicas::new(bench, 4, rng.next_u64(), faults)?;
        for _ in 0..25 {
            replicas.random(&mut rng)?;
            replicas.collect()?;
            replicas.step(10)?;
        }
        let took = replicas.until_converged(60_000)?;
        worst = worst.max(took.unwrap_or(u64::MAX));
        ensure(took.is_some(), "replicas become alike in spite of 30 % loss", || {
            "not within 60 s".to_owned()
        })?;
    }
    bench.measure("longest time to become alike at 30 % loss", worst as f64, "ms", Better::Lower);
    Ok(())
}
