//! The first window, its bounds, and slow start.

use serde_json::{Value, json};

use super::script::Script;
use super::{ALL, LOSS_BASED, declared, remote::unit, state::State};
use crate::bench::{Bench, Better};
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::rng::Rng;
use crate::sim::MS_NS;
use crate::stop::{Stop, ensure};

pub(super) const INITIAL_WINDOW: Case =
    must("ACP-001", Profile::Congestion, "Initial window ≤ 10 MSS (byte cap per RFC)")
        .source("RFC 6928; RFC 9002 sec. 7.2")
        .check(initial_window);

fn initial_window(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, ALL)? {
        for mss in [536_u64, 1_200, 1_460, 1_500, 4_000, 9_000] {
            let answer = bench.call("acp.open", json!({"alg": alg, "mss": mss}))?;
            let window = State::read(&answer, unit(bench, mss as u32))?.cwnd;
            // The larger of the caps of the two RFCs: max(2 MSS, 14600) and max(2 MSS, 14720).
            let most = (10 * mss).min((2 * mss).max(14_720));
            ensure(window <= most, "the initial window is at most 10 MSS and the cap of the RFC", || {
                format!("{alg}, MSS {mss}: {window} bytes, at most {most}")
            })?;
        }
    }
    Ok(())
}

pub(super) const RANDOM_ORDERS: Case =
    must("ACP-002", Profile::Congestion, "Window ≥ 2 MSS, never ≤ 0, under 10 000 random event orders")
        .source("RFC 9002 sec. 7.2")
        .check(random_orders);

const ORDER_MSS: u64 = 1_200;

/// A random order of events of one connection. Each is one that a sender can see.
fn order(rng: &mut Rng, conn: &Value) -> Vec<(&'static str, Value)> {
    let (mut now, mut next, mut flying) = (0, 0_u64, Vec::<(u64, u64)>::new());
    let mut events = Vec::new();
    for _ in 0..24 {
        now += rng.below(60 * MS_NS);
        let kind = rng.below(10);
        if kind < 4 || flying.is_empty() {
            for _ in 0..=rng.below(3) {
                events.push((
                    "acp.sent",
                    json!({"conn": conn, "now": now, "packet": next, "bytes": ORDER_MSS}),
                ));
                flying.push((next, now));
                next += 1;
            }
        } else if kind == 9 {
            let bytes = flying.len() as u64 * ORDER_MSS;
            flying.clear();
            events.push(("acp.rto", json!({"conn": conn, "now": now, "bytes": bytes})));
        } else {
            let (packet, sent) = flying.remove(rng.index(flying.len()));
            let op = ["acp.acked", "acp.lost", "acp.lost", "acp.ecn", "acp.acked"][kind as usize - 4];
            let of = json!({"conn": conn, "now": now, "packet": packet, "bytes": ORDER_MSS, "sent": sent,
                "rtt": now - sent});
            if op == "acp.ecn" {
                events.push((op, of.clone()));
                events.push(("acp.acked", of));
            } else {
                events.push((op, of));
            }
        }
    }
    events
}

fn random_orders(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let algorithms = declared(bench, ALL)?;
    let ecn = bench.hello().declares("acp", "ecn");
    let unit = unit(bench, ORDER_MSS as u32);
    // A round is 100 orders.
    for round in bench.rounds(100, 6) {
        let mut rng = bench.begin_round(round);
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
        for n in 0..100 {
            let alg = algorithms[n % algorithms.len()];
            let conn = bench.call("acp.open", json!({"alg": alg, "mss": ORDER_MSS}))?["conn"].clone();
            let mut events = order(&mut rng, &conn);
            events.retain(|(op, _)| ecn || *op != "acp.ecn");
            for answer in bench.call_all(events)? {
                let cwnd = State::read(&answer?, unit)?.cwnd;
                ensure(cwnd >= 2 * ORDER_MSS, "the window has at least 2 MSS", || {
                    format!("{alg}, order {n}: {cwnd} bytes, MSS {ORDER_MSS}")
                })?;
            }
        }
    }
    Ok(())
}

pub(super) const SLOW_START: Case =
    must("ACP-003", Profile::Congestion, "Slow start: growth ≤ bytes acked; 1.8-2.0x per RTT until ssthresh")
        .when("reno, cubic")
        .source("RFC 5681 sec. 3.1")
        .check(slow_start);

fn slow_start(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, LOSS_BASED)? {
        let mut script = Script::open(bench, alg, 1_200, 50 * MS_NS)?;
        script.send()?;
        for round in 1..=5 {
            let (begin, last) = (script.state.cwnd, script.next_number());
            loop {
                let before = script.state.cwnd;
                let acked = script.ack()?;
                let grown = script.state.cwnd.saturating_sub(before);
                ensure(grown <= script.mss, "slow start grows by at most what was acknowledged", || {
                    format!("{alg}: {grown} bytes for {} acknowledged", script.mss)
                })?;
                script.send()?;
                if acked + 1 >= last {
                    break;
                }
            }
            let factor = script.state.cwnd as f64 / begin as f64;
            ensure((1.8..=2.0).contains(&factor), "slow start grows 1.8 to 2.0 times a round trip", || {
                format!("{alg}: {factor:.3} in round trip {round}")
            })?;
        }
        let segments = script.segments();
        bench.measure(
            &format!("{alg}: window after five round trips"),
            segments,
            "segments",
            Better::Neither,
        );
    }
    Ok(())
}
