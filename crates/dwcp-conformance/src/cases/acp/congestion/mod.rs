//! Cases of ACP read as congestion control. The bottleneck is the harness's simulator, in virtual time.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `acp.open` | `alg`, `mss` | `conn` and the state |
//! | `acp.sent` | `conn`, `now`, `packet`, `bytes` | the state |
//! | `acp.acked` | the same, `sent`, `rtt`, optional `ack_delay` | the state |
//! | `acp.lost`, `acp.ecn` | the same, `sent` | the state |
//! | `acp.rto` | `conn`, `now`, `bytes`: all that was in flight counts as lost | the state |
//! | `acp.state` | `conn` | the state |
//!
//! The state is `{cwnd, ssthresh, pacing, inflight, srtt, rttvar, min_rtt, phase, loss_rate, next_send}`: `cwnd` and
//! `ssthresh` in the declared unit, `pacing` in bytes a second, times in nanoseconds; `phase` is one of `slow_start`,
//! `congestion_avoidance`, `recovery`, `startup`, `drain`, `probe_bw`, `probe_rtt`; `next_send` is the earliest time of
//! the next segment where it paces by itself. Capabilities: the algorithms `reno`, `cubic`, `bbr`; `ecn`.

mod bbr;
mod cubic;
mod golden;
mod link;
mod reduction;
mod remote;
mod script;
mod start;
mod state;
mod steady;

use crate::bench::Bench;
use crate::requirement::Case;
use crate::stop::Stop;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    vec![
        start::INITIAL_WINDOW,
        start::RANDOM_ORDERS,
        start::SLOW_START,
        reduction::FACTOR,
        reduction::ONCE,
        cubic::CURVE,
        cubic::FRIENDLY,
        cubic::CONVERGENCE,
        link::INFLIGHT,
        reduction::TIMEOUT,
        link::PACING,
        golden::ROUND_TRIPS,
        bbr::STARTUP,
        bbr::GAINS,
        bbr::PROBE_RTT,
        steady::UNITS,
        steady::UTILISATION,
        steady::FAIRNESS,
        steady::QUEUE,
        steady::CHANGES,
        reduction::MARKS,
        link::LOSS_RATE,
    ]
}

/// The declared ones of some algorithms; a skip when there is none.
fn declared(bench: &Bench<'_>, of: &[&'static str]) -> Result<Vec<&'static str>, Stop> {
    let all: Vec<_> = of.iter().copied().filter(|alg| bench.hello().declares("acp", alg)).collect();
    if all.is_empty() { Err(Stop::Skip(format!("acp declares none of {}", of.join(", ")))) } else { Ok(all) }
}

/// All algorithms that the catalogue knows.
const ALL: &[&str] = &["reno", "cubic", "bbr"];
/// Those that take a loss for congestion.
const LOSS_BASED: &[&str] = &["reno", "cubic"];
