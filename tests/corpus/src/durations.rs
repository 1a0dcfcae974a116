//! What the latency test needs to find a slower release, by shape, size and onset.

use health::sequential::Metric;

use crate::bars::Bar;
use crate::bench::{OWN, faults, in_parallel, nulls, seeds};
use crate::ours::{Bunches, Looks, Ours};
use crate::rule::Rule;
use crate::scenario::{ONSETS, Scenario, Slow};

fn base() -> Scenario {
    Scenario { pods: 8, ..Scenario::healthy(100.0, 0.001) }
}

fn rules() -> Vec<Box<dyn Rule>> {
    vec![Box::new(Ours::new(Looks::At(Metric::Latency), Bunches::Urn))]
}

/// Every shape and size from the start, and those of half as much again at the later onsets.
fn cells() -> Vec<(Slow, (&'static str, u64))> {
    let shapes = |factor: f64| [Slow::Shift(factor), Slow::Tail(factor), Slow::Bimodal(factor)];
    let sizes = [1.1, 1.2, 1.5, 2.0].into_iter().flat_map(shapes).map(|slow| (slow, ONSETS[0]));
    let later = ONSETS.into_iter().skip(1).flat_map(|onset| shapes(1.5).map(|slow| (slow, onset)));
    sizes.chain(later).collect()
}

/// The table, with its bars.
pub fn table(count: u64, lines: &mut Vec<String>, bars: &mut Vec<Bar>) {
    let cells = cells();
    let taken = seeds(count, false);
    let found =
        in_parallel(&cells, |(slow, onset)| faults(&base().slower(*slow, onset.1), &taken, &rules, &[OWN]));
    lines.push(format!("\ndurations, 100/s, margin 1.25 in odds, under noise, {count} seeds:"));
    for ((slow, onset), found) in cells.iter().zip(found) {
        let Some(found) = found.first() else { continue };
        let mean = found.own.mean();
        lines.push(format!(
            "{:<14} {:<8} found {:>5.1} %, mean {:>6.0} s, p50 {:>6.0} s, p95 {:>6.0} s",
            format!("{slow:?}"),
            onset.0,
            100.0 * found.own.detected(),
            mean[0],
            found.own.quantile(0, 0.5),
            found.own.quantile(0, 0.95)
        ));
        if let Some(most) = bar(*slow).filter(|_| onset.1 == 0) {
            bars.push(Bar::new(format!("100/s latency {slow:?}: mean seconds"), mean[0], most));
        }
    }
    let noise = Scenario { latency: Some(Slow::Shift(1.0)), ..base() }.named("latency noise, one metric");
    if let Some(found) = nulls(&noise, &taken, &rules).first() {
        let rate = 100.0 * found.rolled_back as f64 / found.runs.max(1) as f64;
        bars.push(Bar::new("100/s latency noise: falsely back, percent", rate, 1.0));
    }
}

fn bar(slow: Slow) -> Option<f64> {
    match slow {
        Slow::Shift(f) if f > 1.4 && f < 1.6 => Some(25.0),
        Slow::Shift(f) if f > 1.15 && f < 1.3 => Some(180.0),
        _ => None,
    }
}
