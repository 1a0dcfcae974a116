//! Who gets how much: weights, equality, delay.

use std::collections::BTreeMap;

use super::table::{RATE, Served, Table};
use super::{FAIR, declared};
use crate::bench::{Bench, Better, Line, Plot};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::stats::jain;
use crate::stop::{Stop, ensure};

/// Serves backlogged flows until that many units are out and tells each, and puts a new one for each that left.
fn backlogged(
    table: &mut Table<'_, '_>,
    units: usize,
    size: &mut dyn FnMut(u64) -> u64,
    seen: &mut dyn FnMut(&Table<'_, '_>, Served) -> Result<(), Stop>,
) -> Result<BTreeMap<u64, u64>, Stop> {
    let ids: Vec<u64> = table.queued.keys().copied().collect();
    for _ in 0..4 {
        let round: Vec<(u64, u64)> = ids.iter().map(|id| (*id, size(*id))).collect();
        table.put(&round)?;
    }
    let mut bytes = BTreeMap::new();
    for _ in 0..units {
        let served = table.must_serve()?;
        *bytes.entry(served.flow).or_insert(0) += served.size;
        seen(table, served)?;
        table.put(&[(served.flow, size(served.flow))])?;
    }
    Ok(bytes)
}

/// The largest distance between a flow's share and its weight's, in parts of the whole.
fn off(bytes: &BTreeMap<u64, u64>, weights: &[(u64, f64)]) -> f64 {
    let total = bytes.values().sum::<u64>() as f64;
    let weight: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let share = |id: &u64| bytes.get(id).copied().unwrap_or(0) as f64 / total;
    weights.iter().map(|(id, own)| (share(id) - own / weight).abs()).fold(0.0, f64::max)
}

pub(super) const WEIGHTED: Case = must(
    "ASS-003",
    Profile::Scheduler,
    "Weighted shares ±2 % over ≥ 1000 units; service lag between two backlogged flows ≤ quantum + 2 max units (DRR), \
     or Lf/wf + Lm/wm normalised (virtual-time schedulers)",
)
.source("Shreedhar & Varghese 1996; start-time fair queueing, Goyal et al. 1996; Demers et al. 1989")
.check(weighted);

const MAX_UNIT: u64 = 1_000;

fn weighted(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let weights = [(1, 1.0), (2, 1.5), (3, 2.5)];
    let units = bench.amount(4_000, 1_000);
    for policy in declared(bench, FAIR)? {
        let mut rng = bench.rng(policy);
        let mut table = Table::open(bench, policy)?;
        for (id, weight) in weights {
            table.flow(id, weight, 0)?;
        }
        let mut lines: Vec<Line> =
            weights.iter().map(|(id, _)| Line { name: format!("flow {id}"), points: Vec::new() }).collect();
        let (mut normal, mut worst) = ([0.0; 3], 0.0_f64);
        let bytes = backlogged(
            &mut table,
            units,
            &mut |_| rng.between(200, MAX_UNIT),
            &mut |table, served| {
                let at = served.flow as usize - 1;
                normal[at] += served.size as f64 / weights[at].1;
                lines[at].points.push((table.now as f64 / 1e9, normal[at]));
                for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                    // Normalised to weight 1: a quantum and one unit of each (DRR), or one unit of each.
                    let each = MAX_UNIT as f64 / weights[one].1 + MAX_UNIT as f64 / weights[other].1;
                    let most = table.quantum.unwrap_or(0.0) + each;
                    let lag = (normal[one] - normal[other]).abs();
                    worst = worst.max(lag / most);
                    ensure(lag <= most + 1e-6, "the service lag of two backlogged flows is bounded", || {
                        format!(
                            "{policy}: {lag:.0} normalised bytes between flows {one} and {other}, at most {most:.0}"
                        )
                    })?;
                }
                Ok(())
            },
        )?;
        let off = off(&bytes, &weights);
        bench.measure(&format!("{policy}: largest lag over its bound"), worst, "", Better::Lower);
        bench.measure(&format!("{policy}: share off its weight"), off, "", Better::Lower);
        let title = format!("{policy}: bytes over weight");
        bench.plot(Plot { title, x: "time in s".to_owned(), y: "bytes over weight".to_owned(), lines });
        ensure(off <= 0.02, "shares are those of the weights ± 2 %", || {
            format!("{policy}: off by {off:.4}")
        })?;
    }
    Ok(())
}

pub(super) const EQUAL: Case = must("ASS-004", Profile::Scheduler, "Equal weights: Jain index ≥ 0.99")
    .source("Jain, Chiu, Hawe 1984")
    .check(equal);

fn equal(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let units = bench.amount(4_000, 1_200);
    for policy in declared(bench, FAIR)? {
        let mut table = Table::open(bench, policy)?;
        for id in 0..4 {
            table.flow(id, 1.0, 0)?;
        }
        // Equal in bytes, whatever the size of a flow's units.
        let bytes =
            backlogged(&mut table, units, &mut |flow| [1_500, 400, 400, 400][flow as usize], &mut |_, _| {
                Ok(())
            })?;
        let shares: Vec<f64> = (0..4).map(|id| bytes.get(&id).copied().unwrap_or(0) as f64).collect();
        let index = jain(&shares);
        bench.measure(&format!("{policy}: Jain's index"), index, "", Better::Higher);
        ensure(index >= 0.99, "flows of equal weight get equal bytes", || {
            format!("{policy}: {index:.4}, {shares:?}")
        })?;
    }
    Ok(())
}

pub(super) const HYBRID: Case = should("ASS-012", Profile::Scheduler, "Weights 50/30/20 give 50/30/20 ±2 %")
    .source("`config/dwcp-v3-hybrid.yaml`")
    .check(hybrid);

fn hybrid(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let weights = [(1, 50.0), (2, 30.0), (3, 20.0)];
    // Whole rounds of the quanta: a round of the deficit scheduler is 100 quanta long.
    let units = bench.amount(15_000, 4_000);
    for policy in declared(bench, FAIR)? {
        let mut table = Table::open(bench, policy)?;
        for (id, weight) in weights {
            table.flow(id, weight, 0)?;
        }
        let bytes = backlogged(&mut table, units, &mut |_| 1_500, &mut |_, _| Ok(()))?;
        let off = off(&bytes, &weights);
        bench.measure(&format!("{policy}: 50/30/20 off by"), off, "", Better::Lower);
        ensure(off <= 0.02, "weights 50/30/20 give 50/30/20 ± 2 %", || format!("{policy}: {bytes:?}"))?;
    }
    Ok(())
}

pub(super) const DELAY: Case =
    should("ASS-007", Profile::Scheduler, "Token-bucket flow (sigma, rho ≤ g): delay ≤ sigma/g + Lmax/C")
        .when("wfq")
        .source("Parekh & Gallager 1993")
        .check(delay);

fn delay(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("ass", "wfq")?;
    let bursts = bench.amount(120, 30);
    let mut rng = bench.rng("bursts");
    let mut table = Table::open(bench, "wfq")?;
    // The flow has a quarter of the stream; three others are always backlogged.
    for id in 0..4 {
        table.flow(id, 1.0, 0)?;
    }
    let (guaranteed, unit, sigma_units) = (RATE as f64 / 4.0, 500_u64, 8_u64);
    let sigma = (sigma_units * unit) as f64;
    let most_ns = (sigma / guaranteed + 1_500.0 / RATE as f64) * 1e9;
    for _ in 0..8 {
        table.put(&[(1, 1_500), (2, 1_500), (3, 1_500)])?;
    }
    let (mut worst, mut next_burst, mut arrivals) = (0.0_f64, 0_u64, std::collections::VecDeque::new());
    let mut left = bursts;
    while left > 0 || !arrivals.is_empty() {
        if table.now >= next_burst && left > 0 {
            // A full bucket of sigma, then nothing until it is full again at rho <= g.
            table.put(&vec![(0, unit); sigma_units as usize])?;
            arrivals.extend(std::iter::repeat_n(table.now, sigma_units as usize));
            next_burst = table.now + (sigma / guaranteed * 1e9) as u64 + rng.below(20_000_000);
            left -= 1;
        }
        let served = table.must_serve()?;
        if served.flow == 0 {
            let arrived = arrivals.pop_front().unwrap_or(table.now);
            worst = worst.max((table.now - arrived) as f64);
        } else {
            table.put(&[(served.flow, 1_500)])?;
        }
    }
    bench.measure("wfq: largest delay over its bound", worst / most_ns, "", Better::Lower);
    ensure(worst <= most_ns * 1.000_001, "a token-bucket flow waits at most sigma/g + Lmax/C", || {
        format!("{:.2} ms, at most {:.2} ms", worst / 1e6, most_ns / 1e6)
    })
}
