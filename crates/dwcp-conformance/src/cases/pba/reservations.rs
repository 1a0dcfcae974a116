//! Reservations: what ends gives back, and who has to go first.

use serde_json::{Value, json};

use super::series::open;
use crate::bench::Bench;
use crate::cases::entry::must;
use crate::fields::Fields;
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::stop::{CallError, Stop, ensure, refused};

pub(super) const RETURNED: Case =
    must("PBA-018", Profile::Pba, "Release/expiry returns capacity; pre-emption takes lowest priority first")
        .source("`dwcp/multiregion/bandwidth_manager.go`")
        .check(returned);

fn reserve(
    bench: &mut Bench<'_>,
    id: &str,
    amount: f64,
    priority: u64,
    now: f64,
    until: f64,
) -> Result<Value, CallError> {
    let params = json!({"id": id, "amount": amount, "priority": priority, "now": now, "until": until});
    bench.call("pba.reserve", params)
}

fn available(bench: &mut Bench<'_>, now: f64, want: f64, what: &str) -> Result<(), Stop> {
    let told = bench.call("pba.capacity", json!({"now": now}))?;
    let seen = told.real("available")?;
    ensure((seen - want).abs() < 1e-6, what, || format!("{seen} available at {now} s, {want} expected"))
}

fn returned(bench: &mut Bench<'_>) -> Result<(), Stop> {
    open(bench, "datacenter", 5.0)?;
    let params = json!({"mode": "datacenter", "step_s": 1, "horizon_s": 5, "level": 0.95, "capacity": 100.0});
    bench.call("pba.open", params)?;
    reserve(bench, "short", 60.0, 5, 0.0, 10.0)?;
    reserve(bench, "long", 30.0, 5, 0.0, 100.0)?;
    available(bench, 1.0, 10.0, "a reservation takes capacity")?;
    bench.call("pba.release", json!({"id": "long", "now": 2.0}))?;
    available(bench, 3.0, 40.0, "a release returns capacity")?;
    available(bench, 11.0, 100.0, "an expiry returns capacity")?;

    // Not the oldest, not the largest: the lowest priority goes first, and no more than needed.
    for (id, amount, priority) in [("middle", 40.0, 5), ("high", 30.0, 9), ("low", 30.0, 1)] {
        reserve(bench, id, amount, priority, 12.0, 100.0)?;
    }
    let refusal = reserve(bench, "too-low", 10.0, 1, 13.0, 100.0);
    refused(refusal, &[Code::Overload], "nothing of equal or higher priority is pre-empted")?;
    let won = reserve(bench, "urgent", 25.0, 7, 14.0, 100.0)?;
    ensure(won["preempted"] == json!(["low"]), "the lowest priority is pre-empted first", || {
        format!("{won}")
    })?;
    let too_much = reserve(bench, "greedy", 90.0, 8, 15.0, 100.0);
    refused(too_much, &[Code::Overload], "what does not fit beside higher priorities is refused")?;
    available(bench, 16.0, 5.0, "a refusal pre-empts nobody")
}
