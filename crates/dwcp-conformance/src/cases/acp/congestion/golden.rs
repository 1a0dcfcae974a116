//! Round trip estimates against vectors computed by hand.

use serde_json::json;

use super::{ALL, declared, state::State};
use crate::bench::Bench;
use crate::cases::entry::must;
use crate::requirement::{Case, Profile};
use crate::sim::MS_NS;
use crate::stop::{Stop, ensure, fail};

pub(super) const ROUND_TRIPS: Case =
    must("ACP-012", Profile::Congestion, "srtt/min_rtt computed as specified (golden vectors)")
        .source("RFC 9002 sec. 5")
        .check(round_trips);

/// Sample and acknowledgement delay; then smoothed, variation and shortest. Milliseconds.
const VECTORS: [(u64, u64, f64, f64, f64); 6] = [
    (100, 0, 100.0, 50.0, 100.0),
    (120, 0, 102.5, 42.5, 100.0),
    (80, 0, 99.6875, 37.5, 80.0),
    // 150 - 30 = 120 is not below the shortest, so the delay counts.
    (150, 30, 102.226_562_5, 33.203_125, 80.0),
    // 90 - 25 would be below the shortest: the delay does not count.
    (90, 25, 100.698_242_187_5, 27.958_984_375, 80.0),
    (80, 0, 98.110_961_914_062_5, 26.143_798_828_125, 80.0),
];

fn round_trips(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for alg in declared(bench, ALL)? {
        let conn = bench.call("acp.open", json!({"alg": alg, "mss": 1_200}))?["conn"].clone();
        let mut now = 1_000 * MS_NS;
        for (packet, (sample, delay, smoothed, variation, shortest)) in VECTORS.into_iter().enumerate() {
            let of = json!({"conn": conn, "now": now, "packet": packet, "bytes": 1_200});
            bench.call("acp.sent", of.clone())?;
            let (sent, rtt) = (now, sample * MS_NS);
            now += rtt;
            let mut of = of;
            of["now"] = json!(now);
            of["sent"] = json!(sent);
            of["rtt"] = json!(rtt);
            of["ack_delay"] = json!(delay * MS_NS);
            let state = State::read(&bench.call("acp.acked", of)?, 1)?;
            let seen = (state.srtt, state.shortest);
            let (Some(srtt), Some(least)) = seen else {
                return Err(fail("the state has srtt and min_rtt", format!("{alg}: {seen:?}")));
            };
            let near = |got: f64, want: f64| (got / 1e6 - want).abs() <= 0.001 * want;
            let held = near(srtt, smoothed)
                && near(least, shortest)
                && state.rttvar.is_none_or(|seen| near(seen, variation));
            ensure(held, "srtt, rttvar and min_rtt are those of RFC 9002", || {
                let got = (srtt / 1e6, state.rttvar.map(|v| v / 1e6), least / 1e6);
                format!("{alg}, sample {packet}: {got:?} ms, want {:?}", (smoothed, variation, shortest))
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::VECTORS;

    #[test]
    fn the_vectors_are_those_of_the_formulas() {
        let mut state: Option<(f64, f64, f64)> = None;
        for (sample, delay, smoothed, variation, shortest) in VECTORS {
            let (sample, delay) = (sample as f64, delay as f64);
            let next = match state {
                None => (sample, sample / 2.0, sample),
                Some((s, v, m)) => {
                    let m = m.min(sample);
                    let adjusted = if sample >= m + delay { sample - delay } else { sample };
                    (0.875 * s + 0.125 * adjusted, 0.75 * v + 0.25 * (s - adjusted).abs(), m)
                }
            };
            assert!((next.0 - smoothed).abs() < 1e-9 && (next.1 - variation).abs() < 1e-9, "{next:?}");
            assert!((next.2 - shortest).abs() < 1e-9);
            state = Some(next);
        }
    }
}
