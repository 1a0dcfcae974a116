//! Cases of the Predictive Bandwidth Allocation.
//!
//! | op | parameters | result |
//! |---|---|---|
//! | `pba.open` | `mode`, `step_s`, `horizon_s`, `level`, optional `capacity` in Mbit/s for reservations | begins anew |
//! | `pba.observe` | `samples: [{t, bandwidth_mbps, latency_ms, packet_loss, jitter_ms}]`, `t` in seconds, rising | all are taken or none |
//! | `pba.predict` | optional `now`: only samples up to then are known | `mean`, `lo`, `hi` (Mbit/s at `now + horizon_s`), `latency_ms`, `packet_loss`, `jitter_ms`, `confidence`, `issued`, `valid_until`, `model` |
//! | `pba.current` | `now` | the last forecast while it is valid, else `timeout` |
//! | `pba.accuracy` | | of the forecasts that came due: `count`, `mae`, `mape`, `accuracy` (1 - MAPE); null where it is not defined |
//! | `pba.allocate` | `capacity`, `demands: [{id, weight, min, max, priority, predicted}]` | `grants: [{id, grant}]`, or `overload` when the least amounts do not fit |
//! | `pba.reserve` | `id`, `amount`, `priority`, `now`, `until` | `granted`, `preempted: [id]`, or `overload` |
//! | `pba.release` | `id` | |
//! | `pba.capacity` | `now` | `total`, `allocated`, `available` |
//!
//! All series come from a seed, so an implementation without chance has the same verdict each time. The error
//! probability of a statistical requirement is that over the choice of the seed.

mod accuracy;
mod grants;
mod history;
mod reservations;
mod series;
mod simple;

use crate::requirement::Case;

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![
        history::LITTLE,
        simple::CONSTANT,
        accuracy::RELATIVE,
        simple::SCALE,
        accuracy::PERCENTAGE,
        simple::STEP,
        accuracy::COVERAGE,
        simple::RANGES,
        history::VALIDITY,
        simple::ZEROS,
        history::REFUSED,
        history::LOOK_AHEAD,
        history::SAME,
        accuracy::LATENCY,
        grants::BOUNDS,
        grants::CONSERVING,
        grants::MAX_MIN,
        reservations::RETURNED,
        accuracy::BETTER,
    ]
}
