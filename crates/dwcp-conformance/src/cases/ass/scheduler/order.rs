//! Each unit once, in order, without idling, without starving, and the same each time.

use serde_json::json;

use super::table::Table;
use super::{ALL, FAIR, declared};
use crate::bench::Bench;
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::rng::Rng;
use crate::stop::{Stop, ensure, fail};

pub(super) const ONCE: Case =
    must("ASS-001", Profile::Scheduler, "Every unit dequeued exactly once, FIFO inside a flow").check(once);

/// Arrivals and departures in a random order. `Table::take` checks identity and order of each unit.
fn random_traffic(table: &mut Table<'_, '_>, rng: &mut Rng, events: u64) -> Result<Vec<u64>, Stop> {
    let mut order = Vec::new();
    for _ in 0..events {
        if rng.below(100) < 55 {
            let size = if rng.below(4) == 0 { rng.between(1, 63) } else { rng.between(64, 1_500) };
            table.put(&[(rng.below(5), size)])?;
        } else if let Some(served) = table.serve()? {
            order.push(served.unit);
        }
    }
    while let Some(served) = table.serve()? {
        order.push(served.unit);
    }
    Ok(order)
}

fn five_flows(table: &mut Table<'_, '_>) -> Result<(), Stop> {
    (0..5).try_for_each(|id| table.flow(id, 1.0 + id as f64, id))
}

fn once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let events = bench.amount(3_000, 600);
    for policy in declared(bench, ALL)? {
        let mut rng = bench.rng(policy);
        let mut table = Table::open(bench, policy)?;
        five_flows(&mut table)?;
        random_traffic(&mut table, &mut rng, events)?;
        let left = table.backlog();
        ensure(left == 0, "every unit is dequeued", || format!("{policy}: {left} never came"))?;
        let told = table.bench.call("ass.stats", json!({}))?["queued"].clone();
        ensure(told == 0, "an empty scheduler has nothing queued", || format!("{policy}: {told}"))?;
    }
    Ok(())
}

pub(super) const WORK_CONSERVING: Case =
    must("ASS-002", Profile::Scheduler, "Work conserving: never idle with backlog and an up stream")
        .source("Parekh & Gallager 1993")
        .check(work_conserving);

fn work_conserving(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, ALL)? {
        let mut rng = bench.rng(policy);
        let mut table = Table::open(bench, policy)?;
        // Weights far below 1: a large unit needs several rounds of quanta.
        for (id, weight) in [(0, 0.1), (1, 0.25), (2, 3.0)] {
            table.flow(id, weight, id)?;
        }
        for burst in 0..60 {
            let flow = rng.below(3);
            let units: Vec<(u64, u64)> =
                (0..rng.between(1, 4)).map(|_| (flow, rng.between(400, 1_500))).collect();
            table.put(&units)?;
            while table.backlog() > 0 {
                let seen = table.serve()?;
                ensure(seen.is_some(), "a scheduler with backlog and an up stream is not idle", || {
                    format!("{policy}, burst {burst}: idle with {} units", table.backlog())
                })?;
            }
        }
    }
    Ok(())
}

pub(super) const STARVATION: Case =
    must("ASS-005", Profile::Scheduler, "No starvation unless policy declares strict priority")
        .check(starvation);

fn starvation(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, FAIR)? {
        let mut table = Table::open(bench, policy)?;
        table.flow(0, 1.0, 0)?;
        // Flows that empty themselves and wake again all the time, with ten times the weight.
        for id in 1..=4 {
            table.flow(id, 10.0, 9)?;
        }
        table.put(&(1..=4).map(|id| (id, 1_000)).collect::<Vec<_>>())?;
        table.put(&[(0, 1_000); 3])?;
        let mut waited = 0;
        while !table.queued[&0].is_empty() {
            let served = table.must_serve()?;
            if served.flow == 0 {
                waited = 0;
                continue;
            }
            waited += 1;
            // Its share is 1 of 41 of the bytes: three of its units are due within 123.
            ensure(waited <= 130, "a backlogged flow is served in time", || {
                format!("{policy}: 130 units of others passed")
            })?;
            table.put(&[(served.flow, 1_000)])?;
        }
    }
    Ok(())
}

pub(super) const PRIORITY: Case =
    must("ASS-006", Profile::Scheduler, "Higher class waits at most one max unit")
        .when("strict")
        .check(priority);

fn priority(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("ass", "strict")?;
    let mut rng = bench.rng("classes");
    let mut table = Table::open(bench, "strict")?;
    for (id, class) in [(0, 1), (1, 1), (2, 5), (3, 9)] {
        table.flow(id, 1.0, class)?;
    }
    let class = |flow: u64| [1, 1, 5, 9][flow as usize];
    for _ in 0..400 {
        table.put(&[(rng.below(2), 1_500)])?;
        if rng.below(3) == 0 {
            table.put(&[(2 + rng.below(2), rng.between(64, 1_500))])?;
        }
        // What is there when the stream is free must be of the highest class: who comes later waits for one unit only.
        let highest =
            table.queued.iter().filter(|(_, queue)| !queue.is_empty()).map(|(id, _)| class(*id)).max();
        let served = table.must_serve()?;
        ensure(Some(class(served.flow)) == highest, "a higher class waits for one unit at most", || {
            format!("class {} was served while class {highest:?} waited", class(served.flow))
        })?;
    }
    Ok(())
}

pub(super) const DETERMINISTIC: Case =
    must("ASS-015", Profile::Scheduler, "Deterministic for equal seed and input").check(deterministic);

fn deterministic(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for policy in declared(bench, ALL)? {
        let mut orders = Vec::new();
        for _ in 0..4 {
            bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
            let mut rng = bench.rng(policy);
            let mut table = Table::open(bench, policy)?;
            five_flows(&mut table)?;
            table.put(&(0..5).map(|flow| (flow, 700)).collect::<Vec<_>>())?;
            orders.push(random_traffic(&mut table, &mut rng, 200)?);
        }
        let first = orders.first().ok_or_else(|| fail("there are orders", ""))?;
        let differs = orders.iter().position(|order| order != first);
        ensure(differs.is_none(), "equal seed and input give equal order", || {
            format!("{policy}: session {differs:?} differs from the first")
        })?;
    }
    Ok(())
}
