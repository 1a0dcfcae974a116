//! What a decision costs, timed inside the implementation.

use serde_json::{Value, json};

use crate::bench::{Bench, Better};
use crate::cases::entry::{must, should};
use crate::requirement::{Case, Profile};
use crate::stop::{Stop, ensure, fail};

pub(super) const COST: Case = should(
    "ASS-014",
    Profile::Scheduler,
    "Dequeue cost at 10 000 flows ≤ 4 x that at 10, timed inside the implementation by `ass.bench{flows, n}`",
)
.source("DRR O(1)")
.timed()
.check(cost);

/// The figures of `ass.bench`.
struct Figures {
    units_per_s: f64,
    p50: f64,
    p99: f64,
    machine: String,
}

fn figures(bench: &mut Bench<'_>, flows: u64, n: u64) -> Result<Figures, Stop> {
    let told = bench.call("ass.bench", json!({"flows": flows, "n": n}))?;
    let number = |key: &str| {
        let value = told[key].as_f64().filter(|value| value.is_finite() && *value > 0.0);
        value.ok_or_else(|| fail("the performance report is complete", format!("{key} is {}", told[key])))
    };
    let machine = told.get("machine").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Figures {
        units_per_s: number("units_per_s")?,
        p50: number("p50_ns")?,
        p99: number("p99_ns")?,
        machine,
    })
}

fn cost(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let n = bench.amount(50_000, 20_000);
    // Once to warm up; then the smaller of two medians on each side.
    figures(bench, 10, n)?;
    let mut median = |flows| -> Result<f64, Stop> {
        let (one, two) = (figures(bench, flows, n)?.p50, figures(bench, flows, n)?.p50);
        Ok(one.min(two))
    };
    let (few, many) = (median(10)?, median(10_000)?);
    bench.measure("median decision at 10 flows", few, "ns", Better::Lower);
    bench.measure("median decision at 10 000 flows", many, "ns", Better::Lower);
    ensure(many <= 4.0 * few, "a decision among 10 000 flows costs at most four times one among 10", || {
        format!("{many:.0} ns and {few:.0} ns")
    })
}

pub(super) const REPORT: Case =
    must("ASS-016", Profile::Scheduler, "Performance report states units/s, p50/p99 decision time, machine")
        .source("design l.156 \"performance\"")
        .timed()
        .check(report);

fn report(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let began = bench.now_us();
    let n = 50_000;
    let told = figures(bench, 100, n)?;
    let took_us = (bench.now_us() - began) as f64;
    ensure(!told.machine.is_empty(), "the performance report names the machine", || {
        "machine is empty".to_owned()
    })?;
    ensure(told.p50 <= told.p99, "the median is not above the 99th percentile", || {
        format!("{} and {} ns", told.p50, told.p99)
    })?;
    // A unit takes at least its decision: half of all took p50 or more, so n units took n/2 x p50 or more; and the
    // figures must be of the same order as the rate.
    let mean = 1e9 / told.units_per_s;
    let agrees = mean >= 0.5 * told.p50 && mean <= 100.0 * told.p50;
    ensure(agrees, "units/s and decision times are of the same run", || {
        format!("{mean:.1} ns a unit on average, p50 {} ns", told.p50)
    })?;
    ensure(
        n as f64 / told.units_per_s * 1e6 <= took_us,
        "the rate is not higher than what was seen",
        || format!("{:.0} units/s in {took_us:.0} us", told.units_per_s),
    )?;
    bench.measure("units a second", told.units_per_s, "1/s", Better::Higher);
    bench.measure("decision p50", told.p50, "ns", Better::Lower);
    bench.measure("decision p99", told.p99, "ns", Better::Lower);
    bench.note(format!("machine: {}", told.machine));
    Ok(())
}
