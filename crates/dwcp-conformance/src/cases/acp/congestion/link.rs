//! What must hold at every event of a simulated transfer.

use super::remote::{BDP, MSS, RTT_NS, bottleneck, simulate};
use super::{ALL, LOSS_BASED, declared};
use crate::bench::{Bench, Better};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::sim::SECOND_NS;
use crate::stop::{Stop, ensure, fail};

pub(super) const INFLIGHT: Case =
    must("ACP-009", Profile::Congestion, "0 ≤ inflight ≤ cwnd at each send grant")
        .source("RFC 5681; RFC 9002 sec. 7")
        .check(inflight);

fn inflight(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(20, 6) * SECOND_NS;
    for alg in declared(bench, ALL)? {
        let mut path = bottleneck(0.5);
        path.link.loss_ppm = 5_000;
        simulate(bench, alg, path, &[0], until, &mut |probe| {
            let (told, cwnd) = (probe.controller.inflight, probe.window.cwnd_bytes);
            ensure(
                told == probe.inflight,
                "inflight is what was sent and neither acknowledged nor lost",
                || format!("{alg} at {} ns: {told} bytes, really {}", probe.now_ns, probe.inflight),
            )?;
            ensure(
                !probe.sending || told <= cwnd,
                "inflight is at most cwnd when a segment may be sent",
                || format!("{alg} at {} ns: {told} bytes in flight, cwnd {cwnd}", probe.now_ns),
            )
        })?;
    }
    Ok(())
}

pub(super) const PACING: Case =
    should("ACP-011", Profile::Congestion, "Pacing ≤ 1.25 x cwnd/srtt; measured gap ±5 %")
        .when("reno, cubic")
        .source("RFC 9002 sec. 7.7")
        .check(pacing);

fn pacing(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(15, 6) * SECOND_NS;
    for alg in declared(bench, LOSS_BASED)? {
        let (mut paced, mut last, mut gaps, mut wanted) = (false, None, 0.0, 0.0);
        // A deep buffer, so that pacing and not the window decides when a segment leaves.
        simulate(bench, alg, bottleneck(2.0), &[0], until, &mut |probe| {
            let state = &*probe.controller;
            let (Some(pacing), Some(srtt)) = (state.pacing, state.srtt) else { return Ok(()) };
            paced = true;
            let most = 1.25 * state.cwnd as f64 * 1e9 / srtt;
            ensure(pacing <= 1.001 * most, "pacing is at most 1.25 x cwnd/srtt", || {
                format!("{alg} at {} ns: {pacing:.0} B/s, at most {most:.0}", probe.now_ns)
            })?;
            if !probe.sending {
                return Ok(());
            }
            // Only gaps that pacing made: the segment left at the moment that was asked for.
            if let Some((before, release)) = last
                && probe.window.release_ns.is_some()
                && probe.now_ns == release
                && release > before
            {
                gaps += (release - before) as f64;
                wanted += f64::from(MSS) * 1e9 / pacing;
            }
            last = probe.window.release_ns.map(|release| (probe.now_ns, release));
            Ok(())
        })?;
        if !paced {
            return Err(Stop::Skip(format!("{alg} does not pace")));
        }
        if wanted > 0.0 {
            let ratio = gaps / wanted;
            bench.measure(&format!("{alg}: gap over its pacing"), ratio, "", Better::Neither);
            ensure((0.95..=1.05).contains(&ratio), "the gap is that of the pacing within 5 %", || {
                format!("{alg}: {ratio:.3} of it")
            })?;
        }
    }
    Ok(())
}

pub(super) const LOSS_RATE: Case =
    must("ACP-022", Profile::Congestion, "Loss rate = lost/sent in [0,1], matches simulator ±1e-6")
        .source("design l.702")
        .check(loss_rate);

fn loss_rate(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let until = bench.amount(30, 10) * SECOND_NS;
    for alg in declared(bench, ALL)? {
        let mut path = bottleneck(1.0);
        path.link.loss_ppm = 10_000;
        let mut told = None;
        let reports = simulate(bench, alg, path, &[0], until, &mut |probe| {
            told = probe.controller.loss_rate;
            let inside = told.is_none_or(|rate| (0.0..=1.0).contains(&rate));
            ensure(inside, "the loss rate lies in [0,1]", || format!("{alg}: {told:?}"))
        })?;
        let told = told.ok_or_else(|| fail("the state has a loss_rate", alg.to_owned()))?;
        let counted = reports[0].lost_bytes as f64 / reports[0].sent_bytes as f64;
        bench.measure(&format!("{alg}: loss rate"), counted, "", Better::Neither);
        ensure((told - counted).abs() <= 1e-6, "the loss rate is that of the simulator within 1e-6", || {
            format!("{alg}: {told}, counted {counted}")
        })?;
        // Not empty: a hundredth was lost on the way.
        ensure(counted > 0.001, "the simulated path loses", || {
            format!("{counted}, {BDP} bytes, {RTT_NS} ns")
        })?;
    }
    Ok(())
}
