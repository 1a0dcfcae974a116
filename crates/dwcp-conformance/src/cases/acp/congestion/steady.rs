//! How the algorithms fare on a bottleneck: units, utilisation, fairness, queue, changes.

use super::remote::{BDP, MSS, RATE, RTT_NS, bottleneck, simulate};
use super::{ALL, declared};
use crate::bench::{Bench, Better, Line, Plot};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::sim::{Change, FlowReport, SECOND_NS};
use crate::stats::{jain, quantile};
use crate::stop::{Stop, ensure};

/// From then on a flow counts as settled.
const SETTLED_NS: u64 = 5 * SECOND_NS;

pub(super) const UNITS: Case = must(
    "ACP-016",
    Profile::Congestion,
    "Declared units hold: steady cwnd within 25 % of gain x BDP in those units",
)
.check(units);

/// The mean window that an algorithm should have on a bottleneck with one product of buffer, in products. Loss-based
/// ones swing between the factor and the whole of twice the product; BBR has its declared gain.
fn gain(bench: &Bench<'_>, alg: &str) -> f64 {
    match alg {
        "reno" => 2.0 * (1.0 + 0.5) / 2.0,
        "cubic" => 2.0 * (1.0 + 0.7) / 2.0,
        _ => bench.hello().number("acp.cwnd_gain").unwrap_or(2.0),
    }
}

fn units(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(30, 12) * SECOND_NS;
    for alg in declared(bench, ALL)? {
        let (mut area, mut time, mut last) = (0.0, 0.0, None::<(u64, u64)>);
        simulate(bench, alg, bottleneck(1.0), &[0], until, &mut |probe| {
            if let Some((at, cwnd)) = last {
                area += cwnd as f64 * (probe.now_ns - at) as f64;
                time += (probe.now_ns - at) as f64;
            }
            last = (probe.now_ns >= SETTLED_NS).then_some((probe.now_ns, probe.window.cwnd_bytes));
            Ok(())
        })?;
        let (mean, want) = (area / time / BDP as f64, gain(bench, alg));
        bench.measure(&format!("{alg}: mean window"), mean, "BDP", Better::Neither);
        ensure((mean / want - 1.0).abs() <= 0.25, "the steady window is gain x BDP within 25 %", || {
            format!("{alg}: {mean:.2} BDP, {want:.2} expected")
        })?;
    }
    Ok(())
}

pub(super) const UTILISATION: Case =
    must("ACP-017", Profile::Congestion, "10 Mbit/s, 40 ms, buffer 1 BDP: utilisation ≥ 90 % after 5 s")
        .source("RFC 5033 / 9743, RFC 5166 metrics")
        .check(utilisation);

fn utilisation(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(25, 12) * SECOND_NS;
    let mut lines = Vec::new();
    for alg in declared(bench, ALL)? {
        let mut points = Vec::new();
        let reports = simulate(bench, alg, bottleneck(1.0), &[0], until, &mut |probe| {
            points.push((probe.now_ns as f64 / 1e9, probe.window.cwnd_bytes as f64 / f64::from(MSS)));
            Ok(())
        })?;
        lines.push(Line { name: alg.to_owned(), points });
        let used = reports[0].utilisation(SETTLED_NS, until, RATE);
        bench.measure(&format!("{alg}: utilisation"), used, "", Better::Higher);
        ensure(used >= 0.9, "utilisation is at least 90 % after 5 s", || format!("{alg}: {used:.3}"))?;
    }
    let (x, y) = ("time in s".to_owned(), "window in segments".to_owned());
    bench.plot(Plot { title: "window at 10 Mbit/s, 40 ms, buffer 1 BDP".to_owned(), x, y, lines });
    Ok(())
}

pub(super) const FAIRNESS: Case =
    should("ACP-018", Profile::Congestion, "Two equal flows: Jain ≥ 0.95 after 100 RTT")
        .source("Jain 1984; Chiu & Jain 1989")
        .check(fairness);

fn fairness(bench: &mut Bench<'_>) -> Result<(), Stop> {
    // The second starts when the first has settled; 100 round trips with a full buffer later they should share.
    let begin = SECOND_NS + 100 * 2 * RTT_NS;
    let until = begin + bench.amount(40, 20) * SECOND_NS;
    for alg in declared(bench, ALL)? {
        let reports = simulate(bench, alg, bottleneck(1.0), &[0, SECOND_NS], until, &mut |_| Ok(()))?;
        let shares: Vec<f64> =
            reports.iter().map(|report| report.arrived_between(begin, until) as f64).collect();
        let index = jain(&shares);
        bench.measure(&format!("{alg}: Jain's index of two flows"), index, "", Better::Higher);
        ensure(index >= 0.95, "two equal flows share with Jain's index ≥ 0.95", || {
            format!("{alg}: {index:.3}, {:.0} and {:.0} bytes", shares[0], shares[1])
        })?;
    }
    Ok(())
}

pub(super) const QUEUE: Case =
    should("ACP-019", Profile::Congestion, "p95 queueing delay: bbr ≤ 1.5 BDP, loss-based ≤ buffer")
        .source("BBR; RFC 7567")
        .check(queue);

/// Queueing delays after the start, in products of the bottleneck.
fn queueing(report: &FlowReport) -> Vec<f64> {
    let alone = RTT_NS / 2 + u64::from(MSS) * 8 * SECOND_NS / RATE;
    let settled = report.delays.iter().filter(|(at, _)| *at >= SETTLED_NS);
    settled.map(|(_, took)| took.saturating_sub(alone) as f64 / RTT_NS as f64).collect()
}

fn queue(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(25, 12) * SECOND_NS;
    for alg in declared(bench, ALL)? {
        // BBR should not fill a deep buffer. What the others can fill is bounded by the buffer itself, so they are
        // judged by what they say of it: srtt - min_rtt.
        let buffers = if alg == "bbr" { 4.0 } else { 1.0 };
        let mut told = Vec::new();
        let reports = simulate(bench, alg, bottleneck(buffers), &[0], until, &mut |probe| {
            let state = &*probe.controller;
            if let (true, Some(srtt), Some(least)) = (probe.now_ns >= SETTLED_NS, state.srtt, state.shortest)
            {
                told.push((srtt - least) / RTT_NS as f64);
            }
            Ok(())
        })?;
        let seen: Vec<f64> = reports.iter().flat_map(queueing).collect();
        let p95 = quantile(&seen, 0.95).unwrap_or(0.0);
        bench.measure(&format!("{alg}: p95 of the queueing delay"), p95, "BDP", Better::Lower);
        let most = if alg == "bbr" { 1.5 } else { buffers };
        ensure(p95 <= most, "the queueing delay stays below its bound", || {
            format!("{alg}: p95 {p95:.2} BDP, at most {most:.2}")
        })?;
        let claim = quantile(&told, 0.95).unwrap_or(0.0);
        ensure(claim <= buffers * 1.05, "srtt - min_rtt is no more than the buffer", || {
            format!("{alg}: p95 {claim:.2} BDP, buffer {buffers:.2}")
        })?;
    }
    Ok(())
}

pub(super) const CHANGES: Case = should(
    "ACP-020",
    Profile::Congestion,
    "Rate 10->2->10 Mbit/s: 80 % of new rate within 5 s; 1 % random loss: bbr ≥ 80 %",
)
.source("RFC 9743")
.check(changes);

/// The best second that ends within five seconds after a change.
fn best_second(report: &FlowReport, change_ns: u64, rate: u64) -> f64 {
    let tenth = SECOND_NS / 10;
    let starts = (0..=40).map(|n| change_ns + n * tenth);
    starts.map(|from| report.utilisation(from, from + SECOND_NS, rate)).fold(0.0, f64::max)
}

fn changes(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (down, up, until) = (6 * SECOND_NS, 13 * SECOND_NS, 18 * SECOND_NS);
    for alg in declared(bench, ALL)? {
        let mut path = bottleneck(1.0);
        path.link = path.link.at(down, Change::Rate(RATE / 5)).at(up, Change::Rate(RATE));
        let report = simulate(bench, alg, path, &[0], until, &mut |_| Ok(()))?.swap_remove(0);
        // What the queue held from before the change does not count: from two seconds later on.
        for (at, rate) in [(down, RATE / 5), (up, RATE)] {
            let best = best_second(&report, at, rate);
            bench.measure(&format!("{alg}: share of {} Mbit/s", rate / 1_000_000), best, "", Better::Higher);
            ensure(best >= 0.8, "80 % of a new rate is used within 5 s", || {
                format!("{alg}: {best:.2} of {} Mbit/s", rate / 1_000_000)
            })?;
        }
    }
    if bench.hello().declares("acp", "bbr") {
        let until = bench.amount(25, 12) * SECOND_NS;
        let mut path = bottleneck(1.0);
        path.link.loss_ppm = 10_000;
        let report = simulate(bench, "bbr", path, &[0], until, &mut |_| Ok(()))?.swap_remove(0);
        let used = report.utilisation(SETTLED_NS, until, RATE);
        bench.measure("bbr: utilisation at 1 % loss", used, "", Better::Higher);
        ensure(used >= 0.8, "bbr keeps 80 % at 1 % random loss", || format!("{used:.3}"))?;
    }
    Ok(())
}
