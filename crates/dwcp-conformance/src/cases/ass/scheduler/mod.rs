//! Cases of ASS read as a scheduler of flows onto streams. The harness owns the clock: `now` is whole nanoseconds.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `ass.open` | `policy`: `drr`, `wfq` or `strict`; `rate` of all streams in bytes a second; optional `capacity`: units a flow may hold | `quantum` (bytes a round for weight 1, where there are rounds), `max_unit` |
//! | `ass.flow.add`, `.set`, `.remove` | `id`, `weight`, `priority` (higher goes first) | |
//! | `ass.stream.up`, `.down` | `id`, `rate` in bytes a second, 0: no limit | |
//! | `ass.enqueue` | `flow`, `unit` (its id), `size`, `now` | or `overload` |
//! | `ass.dequeue` | `now` | `{flow, unit, size, stream}` or `{idle: true}` |
//! | `ass.ack` | `unit` arrived | |
//! | `ass.stats` | | `queued`, `unacked` |
//! | `ass.bench` | `flows`, `n` | `units_per_s`, `p50_ns`, `p99_ns`, `machine` |
//!
//! A stream is busy for `size / rate` after it was given a unit. Capabilities: the policies.

mod adapt;
mod bench;
mod order;
mod shares;
mod streams;
mod table;

use crate::bench::Bench;
use crate::requirement::Case;
use crate::stop::Stop;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    vec![
        order::ONCE,
        order::WORK_CONSERVING,
        shares::WEIGHTED,
        shares::EQUAL,
        order::STARVATION,
        order::PRIORITY,
        shares::DELAY,
        adapt::WEIGHT_CHANGE,
        streams::DOWN,
        adapt::IDLE_BANK,
        adapt::OVERLOAD,
        shares::HYBRID,
        streams::SLOW_STREAM,
        bench::COST,
        order::DETERMINISTIC,
        bench::REPORT,
    ]
}

/// The declared ones of some policies; a skip when there is none.
fn declared(bench: &Bench<'_>, of: &[&'static str]) -> Result<Vec<&'static str>, Stop> {
    let all: Vec<_> = of.iter().copied().filter(|policy| bench.hello().declares("ass", policy)).collect();
    if all.is_empty() { Err(Stop::Skip(format!("ass declares none of {}", of.join(", ")))) } else { Ok(all) }
}

/// All policies that the catalogue knows.
const ALL: &[&str] = &["drr", "wfq", "strict"];
/// Those that share by weight.
const FAIR: &[&str] = &["drr", "wfq"];
