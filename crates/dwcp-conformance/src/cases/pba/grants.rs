//! `pba.allocate`: bounds, nothing left over, and the shares of water-filling.

use serde_json::{Value, json};

use crate::bench::{Bench, Better};
use crate::cases::entry::{must, should};
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::rng::Rng;
use crate::stats::max_min;
use crate::stop::{Stop, ensure, fail, refused};

/// One demand.
struct Row {
    weight: f64,
    least: f64,
    most: f64,
}

fn rows(rng: &mut Rng, capacity: f64, greedy: f64) -> Vec<Row> {
    let count = rng.between(2, 12);
    let mut row = || {
        let least = if rng.below(3) == 0 { rng.unit() * capacity / 12.0 } else { 0.0 };
        let most = least + rng.unit() * greedy * capacity / count as f64;
        Row { weight: rng.between(1, 16) as f64 / 2.0, least, most }
    };
    (0..count).map(|_| row()).collect()
}

fn allocate(bench: &mut Bench<'_>, capacity: f64, rows: &[Row]) -> Result<Vec<f64>, Stop> {
    let demands: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(id, row)| {
            json!({"id": id.to_string(), "weight": row.weight, "min": row.least, "max": row.most, "priority": 0,
                "predicted": row.most})
        })
        .collect();
    let answer = bench.call("pba.allocate", json!({"capacity": capacity, "demands": demands}))?;
    let grant = |id: usize| {
        let found =
            answer["grants"].as_array()?.iter().find(|grant| grant["id"] == id.to_string().as_str())?;
        found["grant"].as_f64()
    };
    let all: Option<Vec<f64>> = (0..rows.len()).map(grant).collect();
    all.ok_or_else(|| fail("each demand has a grant", answer.to_string()))
}

pub(super) const BOUNDS: Case = must(
    "PBA-015",
    Profile::Pba,
    "Sum of grants ≤ capacity; min ≤ grant ≤ max when feasible, else admission error",
)
.source("design l.785")
.check(bounds);

fn bounds(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(400, 100) {
        let mut rng = bench.begin_round(round);
        let capacity = 50.0 + rng.unit() * 1_000.0;
        let rows = rows(&mut rng, capacity, 3.0);
        let grants = allocate(bench, capacity, &rows)?;
        let sum: f64 = grants.iter().sum();
        ensure(sum <= capacity * (1.0 + 1e-9), "grants are at most the capacity", || {
            format!("{sum} of {capacity}")
        })?;
        for (row, grant) in rows.iter().zip(&grants) {
            let held = *grant >= row.least * (1.0 - 1e-9) && *grant <= row.most * (1.0 + 1e-9);
            ensure(held, "a grant lies between min and max", || {
                format!("{grant}, min {}, max {}", row.least, row.most)
            })?;
        }
    }
    let impossible = json!({"capacity": 100.0, "demands": [
        {"id": "a", "weight": 1.0, "min": 60.0, "max": 90.0}, {"id": "b", "weight": 1.0, "min": 50.0, "max": 90.0}]});
    let answer = bench.call("pba.allocate", impossible);
    refused(
        answer,
        &[Code::Overload, Code::InvalidArgument],
        "least amounts over the capacity are not admitted",
    )
}

pub(super) const CONSERVING: Case =
    must("PBA-016", Profile::Pba, "Work conserving: demand ≥ capacity implies grants ≥ 95 % of it")
        .check(conserving);

fn conserving(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(300, 100) {
        let mut rng = bench.begin_round(round);
        let capacity = 50.0 + rng.unit() * 1_000.0;
        let rows = rows(&mut rng, capacity, 4.0);
        let demand: f64 = rows.iter().map(|row| row.most).sum();
        let grants = allocate(bench, capacity, &rows)?;
        let share = grants.iter().sum::<f64>() / capacity.min(demand);
        ensure(share >= 0.95, "95 % of the capacity, or of the demand, is granted", || {
            format!("{share:.3} of {:.1}", capacity.min(demand))
        })?;
    }
    Ok(())
}

pub(super) const MAX_MIN: Case =
    should("PBA-017", Profile::Pba, "Within 1 % of weighted max-min water-filling")
        .source("Bertsekas & Gallager, *Data Networks*")
        .check(water);

fn water(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut worst = 0.0_f64;
    for round in bench.rounds(400, 100) {
        let mut rng = bench.begin_round(round);
        let capacity = 50.0 + rng.unit() * 1_000.0;
        let rows = rows(&mut rng, capacity, 3.0);
        let grants = allocate(bench, capacity, &rows)?;
        let triples: Vec<_> = rows.iter().map(|row| (row.weight, row.least, row.most)).collect();
        let want =
            max_min(capacity, &triples).ok_or_else(|| fail("the harness asks for what is feasible", ""))?;
        for (grant, want) in grants.iter().zip(&want) {
            let off = (grant - want).abs() / want.max(capacity * 1e-3);
            worst = worst.max(off);
            ensure(off <= 0.01, "grants are those of weighted max-min within 1 %", || {
                format!("{grant:.3}, {want:.3} by water-filling")
            })?;
        }
    }
    bench.measure("largest distance from weighted max-min", worst, "", Better::Lower);
    Ok(())
}
