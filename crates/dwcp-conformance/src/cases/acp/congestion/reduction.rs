//! What a loss, a mark and a timeout do to the window.

use super::script::Script;
use super::{ALL, LOSS_BASED, declared};
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::sim::MS_NS;
use crate::stop::{Stop, ensure};

const MSS: u32 = 1_200;
const RTT: u64 = 50 * MS_NS;

pub(super) const FACTOR: Case =
    must("ACP-004", Profile::Congestion, "Reduction factor: CUBIC 0.7, Reno 0.5, ±1 MSS")
        .when("reno, cubic")
        .source("RFC 9438 sec. 4.6; RFC 5681")
        .check(factor);

fn factor(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, LOSS_BASED)? {
        let kept = if alg == "cubic" { 0.7 } else { 0.5 };
        let mut script = Script::open(bench, alg, MSS, RTT)?;
        script.grow(100)?;
        for time in ["first", "second"] {
            let before = script.state.cwnd as f64;
            script.lose()?;
            let after = script.state.cwnd as f64;
            let held = (after - kept * before).abs() <= f64::from(MSS);
            ensure(held, "a loss leaves the factor of the window, within one MSS", || {
                format!("{alg}, {time} loss: {before} to {after} bytes, factor {kept}")
            })?;
            // Two round trips end the recovery and fill the window again.
            script.round()?;
            script.round()?;
        }
    }
    Ok(())
}

pub(super) const ONCE: Case =
    must("ACP-005", Profile::Congestion, "At most one reduction per recovery period")
        .when("reno, cubic")
        .source("RFC 9002 sec. 7.3.2")
        .check(once);

fn once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, LOSS_BASED)? {
        let mut script = Script::open(bench, alg, MSS, RTT)?;
        script.grow(64)?;
        let before = script.state.cwnd;
        script.lose()?;
        let reduced = script.state.cwnd;
        ensure(reduced < before, "a loss reduces", || format!("{alg}: {before} to {reduced} bytes"))?;
        for n in 2..=6 {
            script.ack()?;
            script.lose()?;
            ensure(
                script.state.cwnd >= reduced,
                "further losses of one recovery do not reduce again",
                || format!("{alg}: loss {n} of the same window: {reduced} to {} bytes", script.state.cwnd),
            )?;
        }
        script.round()?;
        script.round()?;
        let later = script.state.cwnd;
        script.lose()?;
        ensure(script.state.cwnd < later, "a loss after the recovery reduces", || {
            format!("{alg}: {later} to {} bytes", script.state.cwnd)
        })?;
    }
    Ok(())
}

pub(super) const TIMEOUT: Case =
    must("ACP-010", Profile::Congestion, "Persistent congestion or RTO -> minimum window, then slow start")
        .source("RFC 9002 sec. 7.6; RFC 5681")
        .check(timeout);

fn timeout(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, ALL)? {
        // BBR's least window is 4 segments; the RFCs' is 2, or 1 after a timeout.
        let least = if alg == "bbr" { 4 } else { 2 };
        let mut script = Script::open(bench, alg, MSS, RTT)?;
        script.grow(64)?;
        let before = script.segments();
        script.time_out()?;
        ensure(script.state.cwnd <= least * script.mss, "a timeout leaves the minimum window", || {
            format!("{alg}: {before} to {} segments", script.segments())
        })?;
        if let Some(threshold) = script.state.threshold.filter(|_| alg != "bbr") {
            let share = threshold as f64 / script.mss as f64 / before;
            ensure(
                (0.4..=0.75).contains(&share),
                "a timeout sets ssthresh to the share of the window",
                || format!("{alg}: {share:.2} of {before} segments"),
            )?;
        }
        for _ in 0..3 {
            let begin = script.segments();
            script.round()?;
            ensure(script.segments() >= 1.5 * begin, "slow start follows a timeout", || {
                format!("{alg}: {begin} to {} segments in a round trip", script.segments())
            })?;
        }
    }
    Ok(())
}

pub(super) const MARKS: Case = must("ACP-021", Profile::Congestion, "CE mark reduces once per RTT")
    .when("ecn")
    .source("RFC 3168; RFC 8511")
    .check(marks);

fn marks(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.needs("acp", "ecn")?;
    for alg in declared(bench, LOSS_BASED)? {
        let mut script = Script::open(bench, alg, MSS, RTT)?;
        script.grow(64)?;
        for round_trip in 1..=3 {
            let before = script.state.cwnd;
            script.mark()?;
            let reduced = script.state.cwnd;
            ensure(reduced < before, "a mark reduces", || {
                format!("{alg}, round trip {round_trip}: {before} to {reduced} bytes")
            })?;
            for n in 2..=4 {
                script.mark()?;
                ensure(
                    script.state.cwnd >= reduced,
                    "a second mark of one round trip does not reduce",
                    || format!("{alg}, mark {n}: {reduced} to {} bytes", script.state.cwnd),
                )?;
            }
            script.round()?;
            script.round()?;
        }
        let segments = script.segments();
        bench.measure(
            &format!("{alg}: window after three marked round trips"),
            segments,
            "segments",
            Better::Neither,
        );
    }
    Ok(())
}
