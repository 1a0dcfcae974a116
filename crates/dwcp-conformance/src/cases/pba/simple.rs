//! What a forecaster must do on series that anybody can foretell.

use serde_json::json;

use super::series::{open, predict, show};
use crate::bench::{Bench, Better};
use crate::cases::entry::{must, should};
use crate::fields::Fields;
use crate::requirement::{Case, Profile};
use crate::series::Series;
use crate::stop::{Stop, ensure, fail};

pub(super) const CONSTANT: Case =
    must("PBA-002", Profile::Pba, "Constant series: error ≤ 1 % after warm-up").check(constant);

fn constant(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for (mode, level) in [("datacenter", 9_000.0), ("internet", 80.0)] {
        open(bench, mode, 10.0)?;
        show(bench, 0, &[level; 120])?;
        let off = (predict(bench)?.mean / level - 1.0).abs();
        ensure(off <= 0.01, "a constant series is foretold within 1 %", || {
            format!("{mode}: off by {:.2} %", off * 100.0)
        })?;
    }
    Ok(())
}

pub(super) const SCALE: Case = must(
    "PBA-004",
    Profile::Pba,
    "Output depends on input: histories scaled x10 give outputs differing ≥ x5",
)
.check(scale);

fn scale(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.rng("series").next_u64();
    for series in [Series::Internet, Series::Seasonal] {
        let values = series.values(seed, 300);
        let mut foretold = Vec::new();
        for factor in [1.0, 10.0] {
            open(bench, "internet", 10.0)?;
            show(bench, 0, &values.iter().map(|value| value * factor).collect::<Vec<_>>())?;
            foretold.push(predict(bench)?.mean);
        }
        let ratio = foretold[1] / foretold[0].max(1e-9);
        ensure(
            ratio >= 5.0,
            "a history ten times as large gives a forecast five times as large at least",
            || format!("{}: {:.1} and {:.1}", series.name(), foretold[0], foretold[1]),
        )?;
    }
    Ok(())
}

pub(super) const STEP: Case =
    should("PBA-006", Profile::Pba, "Step change: error ≤ 10 % within one sequence length").check(step);

fn step(bench: &mut Bench<'_>) -> Result<(), Stop> {
    // The declared length, or 60 samples.
    let sequence = bench.hello().number("pba.sequence").unwrap_or(60.0) as usize;
    let mut rng = bench.rng("noise");
    for (before, after) in [(400.0, 200.0), (200.0, 500.0)] {
        open(bench, "datacenter", 5.0)?;
        let mut noisy = |level: f64| level * (1.0 + 0.01 * rng.normal());
        let first: Vec<f64> = (0..200).map(|_| noisy(before)).collect();
        let then: Vec<f64> = (0..sequence).map(|_| noisy(after)).collect();
        show(bench, 0, &first)?;
        show(bench, 200, &then)?;
        let off = (predict(bench)?.mean / after - 1.0).abs();
        bench.measure(&format!("error after a step from {before} to {after}"), off, "", Better::Lower);
        ensure(off <= 0.1, "a step is followed within one sequence length to 10 %", || {
            format!("{before} to {after}: off by {:.1} % after {sequence} samples", off * 100.0)
        })?;
    }
    Ok(())
}

pub(super) const RANGES: Case =
    must("PBA-008", Profile::Pba, "Finite; bandwidth, latency, jitter ≥ 0; loss and confidence in [0,1]")
        .check(ranges);

fn ranges(bench: &mut Bench<'_>) -> Result<(), Stop> {
    // Series at the edges: falling to nothing, nothing at all, huge, tiny, all packets lost.
    let falling: Vec<f64> = (0..120).map(|t| f64::from(120 - t) * 2.0).collect();
    let spikes: Vec<f64> = (0..120).map(|t| if t % 7 == 0 { 1e9 } else { 1e-9 }).collect();
    for (name, values, loss) in [
        ("falling", falling, 0.0),
        ("zero", vec![0.0; 120], 1.0),
        ("spikes", spikes, 0.5),
        ("huge", vec![1e11; 120], 1.0),
    ] {
        open(bench, "internet", 20.0)?;
        for (t, value) in values.iter().enumerate() {
            let edge = json!({"t": t, "bandwidth_mbps": value, "latency_ms": 1e4, "packet_loss": loss, "jitter_ms": 0.0});
            bench.call("pba.observe", json!({"samples": [edge]}))?;
            if t < 20 || t % 10 != 0 {
                continue;
            }
            let told = bench.call("pba.predict", json!({}))?;
            let bounds = [
                ("mean", f64::INFINITY),
                ("latency_ms", f64::INFINITY),
                ("jitter_ms", f64::INFINITY),
                ("packet_loss", 1.0),
                ("confidence", 1.0),
            ];
            for (field, most) in bounds {
                let value = told[field].as_f64();
                let held = value.is_some_and(|value| value.is_finite() && value >= 0.0 && value <= most);
                ensure(held, "a forecast is finite and inside its range", || {
                    format!("{name} at {t}: {field} is {}", told[field])
                })?;
            }
            for field in ["lo", "hi"] {
                let held = told[field].is_null() || told[field].as_f64().is_some_and(|value| value >= 0.0);
                ensure(held, "the interval is not below 0", || {
                    format!("{name} at {t}: {field} is {}", told[field])
                })?;
            }
        }
    }
    Ok(())
}

pub(super) const ZEROS: Case =
    must("PBA-010", Profile::Pba, "Zero actuals give finite accuracy; MAPE not used where actual = 0")
        .source("Hyndman & Koehler 2006")
        .check(zeros);

fn zeros(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let outage: Vec<f64> =
        (0..240).map(|t| if t % 40 < 10 { 0.0 } else { 100.0 + f64::from(t % 3) }).collect();
    for (name, values) in [("outages", outage), ("nothing", vec![0.0; 120])] {
        open(bench, "datacenter", 3.0)?;
        show(bench, 0, &values)?;
        let told = bench.call("pba.accuracy", json!({}))?;
        let due = told.whole("count")?;
        ensure(due > 0, "forecasts that came due are counted", || format!("{name}: {told}"))?;
        let mae = told["mae"].as_f64();
        ensure(
            mae.is_some_and(|mae| (0.0..1e6).contains(&mae)),
            "the mean absolute error is finite",
            || format!("{name}: {told}"),
        )?;
        if name == "outages" {
            let mape = told["mape"].as_f64().ok_or_else(|| {
                fail("MAPE is told of the points with an actual that is not 0", format!("{name}: {told}"))
            })?;
            ensure((0.0..100.0).contains(&mape), "MAPE leaves out actuals of 0", || {
                format!("{name}: {mape}")
            })?;
        } else {
            ensure(told["mape"].is_null(), "MAPE is not defined when all actuals are 0", || {
                format!("{name}: {told}")
            })?;
        }
    }
    Ok(())
}
