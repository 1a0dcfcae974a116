//! The whole benchmark as text, with the bars of the specification and whether each was reached.

use health::sequential::promote::wald;

use crate::bars::{Bar, of_counts};
use crate::bench::{Faults, Nulls, OWN, faults, in_parallel, nulls, seeds};
use crate::decisions::{LEGEND, Row, ahead, bars, grid, head, line, play};
use crate::ours::{Bunches, Looks, Ours};
use crate::rule::Rule;
use crate::scenario::{BASES, ONSETS, Scenario, Slow, TRAFFIC, odd_faults};
use crate::{durations, leaks, recorded, sides};

/// The report, and whether every bar was reached.
pub struct Report {
    /// Its lines.
    pub lines: Vec<String>,
    /// Bars that were reached.
    pub reached: usize,
    /// All bars.
    pub bars: usize,
}

/// How many seeds each part takes.
struct Effort {
    bars: u64,
    grid: u64,
    latency: u64,
    odd: u64,
}

/// Plays the benchmark. `quick` takes fewer seeds and a part of the grid.
pub fn decisions(quick: bool) -> Report {
    let effort = if quick {
        Effort { bars: 1_000, grid: 300, latency: 60, odd: 50 }
    } else {
        Effort { bars: 10_000, grid: 1_000, latency: 2_000, odd: 1_000 }
    };
    let mut lines = Vec::new();
    let mut all = Vec::new();
    let taken = seeds(effort.bars, false);
    let played = play(&bars(), &taken, &taken);
    lines.push(format!("cells of the bars, {} seeds each, held-out ones among them:", effort.bars));
    lines.push(LEGEND.to_owned());
    lines.push(head());
    for (rows, null) in &played {
        lines.push(healthy_line(null, rows));
        lines.extend(rows.iter().map(line));
        all.extend(rows.iter().flat_map(of_counts));
    }
    lines.push(held_out_line(&played));
    sides::table(effort.odd, &mut lines);
    four_metrics(&played, effort.odd * 2, &mut lines, &mut all);
    durations::table(effort.latency, &mut lines, &mut all);
    leaks::table(effort.odd, &mut lines);
    recorded::table(&mut lines);
    odd(effort.odd, &mut lines);
    grid_table(quick, effort.grid, &mut lines);
    lines.push(String::new());
    lines.push("bars of the specification:".to_owned());
    lines.extend(all.iter().map(Bar::line));
    let reached = all.iter().filter(|bar| bar.reached()).count();
    Report { lines, reached, bars: all.len() }
}

fn healthy_line(null: &Nulls, rows: &[Row]) -> String {
    let cell = rows.first().map(|row| &row.cell);
    let (sum, times) = null.promoted;
    format!(
        "healthy at {}/s, {} s: {} of {} back; threshold for 1 in 100: e^{:.2}; a step first cleared after {:.0} s in {:.0} %",
        cell.map_or(0.0, |c| c.traffic),
        cell.map_or(0, |c| c.scrape_s),
        null.rolled_back,
        null.runs,
        null.calibrated(),
        sum / times.max(1) as f64,
        100.0 * times as f64 / null.runs.max(1) as f64
    )
}

fn held_out_line(played: &[(Vec<Row>, Nulls)]) -> String {
    let cells = played.iter().flat_map(|(rows, _)| rows).filter(|row| row.cell.onset.0 == "start");
    let parts = cells.filter(|row| row.cell.factor >= 10.0).filter_map(|row| {
        let own = &row.ours()?.own;
        let mean = own.delays.iter().map(|d| d[0]).sum::<f64>() / own.delays.len().max(1) as f64;
        let (cell, held) = (&row.cell, own.held_mean()[0]);
        Some(format!("{}/s x{} {}s: {held:.1} s (all {mean:.1})", cell.traffic, cell.factor, cell.scrape_s))
    });
    format!("held-out seeds alone, of those found: {}", parts.collect::<Vec<_>>().join("; "))
}

fn whole() -> Vec<Box<dyn Rule>> {
    vec![Box::new(Ours::new(Looks::All, Bunches::Urn))]
}

/// All metrics together against one.
fn four_metrics(played: &[(Vec<Row>, Nulls)], count: u64, lines: &mut Vec<String>, all: &mut Vec<Bar>) {
    let cells = played.iter().flat_map(|(rows, _)| rows);
    let cells: Vec<&Row> = cells
        .filter(|row| row.cell.onset.0 == "start" && row.cell.factor >= 10.0 && row.cell.scrape_s == 15)
        .collect();
    let found = in_parallel(&cells, |row| {
        let cell = &row.cell;
        let scenario =
            Scenario { latency: Some(Slow::Shift(1.0)), ..Scenario::healthy(cell.traffic, cell.base) };
        let scenario = scenario.worse(cell.factor, 0);
        faults(&scenario, &seeds(count, false), &whole, &[OWN])
    });
    lines.push(format!("\nfour metrics together, {count} seeds, against the oracle with one:"));
    for (row, found) in cells.iter().zip(found) {
        let Some(found) = found.first() else { continue };
        let oracle = row.oracle().map_or(f64::NAN, |f| f.at_equal().mean()[1]);
        let mean = found.own.mean();
        let what = format!("{}/s 0.1 % x{}", row.cell.traffic, row.cell.factor);
        lines.push(format!("{what}: {:.0} s, {:.0} requests, harm {:.1}", mean[0], mean[1], mean[2]));
        let most = 1.4 * if row.cell.traffic <= 10.0 { 3.0 } else { 2.3 };
        let text = format!("{what}: four metrics, requests against the oracle");
        all.push(Bar::new(text, mean[1] / oracle, most));
    }
}

/// Scenarios beside the grid, and the two ways to meet bunches.
fn odd(count: u64, lines: &mut Vec<String>) {
    let rules = || -> Vec<Box<dyn Rule>> {
        [Bunches::Urn, Bunches::Tempered, Bunches::Unseen]
            .into_iter()
            .map(|bunches| Box::new(Ours::new(Looks::All, bunches)) as Box<dyn Rule>)
            .collect()
    };
    let scenarios = odd_faults();
    let found = in_parallel(&scenarios, |s| faults(s, &seeds(count, false), &rules, &[OWN; 3]));
    lines.push(format!(
        "\nbeside the grid, all metrics, {count} seeds (bunches: beta-binomial, tempered, unseen):"
    ));
    let said = |f: &Faults| {
        let mean = f.own.mean();
        format!(
            "{:>5.1} % in {:>4.0} s, early {:>4.1} %",
            100.0 * f.own.detected(),
            mean[0],
            100.0 * f.own.early as f64 / f.own.runs.max(1) as f64
        )
    };
    for (scenario, found) in scenarios.iter().zip(found) {
        let parts: Vec<String> = found.iter().map(said).collect();
        lines.push(format!("{:<28} {}", scenario.name, parts.join(" | ")));
    }
    let phis = [2.0, 5.0, 13.0];
    let healthy = |phi: f64| {
        Scenario { phi, pods: 10, ..Scenario::healthy(100.0, 0.001) }.named(format!("bursts phi {phi}"))
    };
    let found = in_parallel(&phis, |phi| nulls(&healthy(*phi), &seeds(count, false), &rules));
    for (phi, found) in phis.iter().zip(found) {
        let rates: Vec<String> = found
            .iter()
            .map(|f| format!("{:.2} %", 100.0 * f.rolled_back as f64 / f.runs.max(1) as f64))
            .collect();
        lines.push(format!("healthy, bursts phi {phi}: falsely back {}", rates.join(" | ")));
    }
}

fn grid_table(quick: bool, count: u64, lines: &mut Vec<String>) {
    let (traffic, bases, onsets) = if quick {
        (&TRAFFIC[1..3], &BASES[1..2], &ONSETS[..1])
    } else {
        (&TRAFFIC[..], &BASES[..], &ONSETS[..])
    };
    let taken = seeds(count, false);
    lines.push(format!("\nthe grid, {count} seeds a cell:"));
    lines.push(head());
    let played = play(&grid(traffic, bases, onsets), &taken, &taken);
    let rows: Vec<Row> = played.into_iter().flat_map(|(rows, _)| rows).collect();
    lines.extend(rows.iter().map(|row| format!("{}{}", line(row), fixed_sample(row))));
    lines.extend(ahead(&rows));
}

/// Wald's expected number beside what was needed, where the fault begins with the rollout.
fn fixed_sample(row: &Row) -> String {
    let cell = &row.cell;
    if cell.onset.1 > 0 {
        return String::new();
    }
    let (base, worse) = (cell.base, cell.base * cell.factor);
    // Fixed-sample test of two rates at the same errors: alpha 1 %, beta 5 %, one-sided.
    let deviations =
        2.326_347_874 * (base * (1.0 - base)).sqrt() + 1.644_853_627 * (worse * (1.0 - worse)).sqrt();
    let fixed = deviations * deviations / ((worse - base) * (worse - base));
    format!(" wald {:.0} fixed {fixed:.0}", wald(base, worse, 0.01, 0.05).1)
}
