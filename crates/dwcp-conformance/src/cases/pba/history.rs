//! What a forecast may know, for how long it holds, and what is refused.

use serde_json::{Value, json};

use super::series::{open, predict, sample, show};
use crate::bench::Bench;
use crate::cases::entry::must;
use crate::fields::Fields;
use crate::protocol::Code;
use crate::requirement::{Case, Profile};
use crate::series::Series;
use crate::stop::{CallError, Stop, ensure, refused};

pub(super) const LITTLE: Case =
    must("PBA-001", Profile::Pba, "Too little history: error or flagged low confidence (< 0.5)")
        .source("10/60 minimum")
        .check(little);

fn little(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.rng("series").next_u64();
    for (mode, least, series) in [("datacenter", 10, Series::Datacenter), ("internet", 60, Series::Internet)]
    {
        open(bench, mode, 5.0)?;
        let values = series.values(seed, least);
        for t in 0..least - 1 {
            show(bench, t, &values[t..=t])?;
            match bench.call("pba.predict", json!({})) {
                Ok(told) => {
                    let low = told["confidence"].as_f64().is_some_and(|confidence| confidence < 0.5);
                    ensure(low, "too little history gives an error or a confidence below 0.5", || {
                        format!("{mode}, {} of {least} samples: confidence {}", t + 1, told["confidence"])
                    })?;
                }
                Err(CallError::Refused { code, .. }) if code != Code::Unsupported => {}
                Err(other) => return Err(other.into()),
            }
        }
    }
    Ok(())
}

pub(super) const VALIDITY: Case = must(
    "PBA-009",
    Profile::Pba,
    "valid_until = issue time + horizon; expired forecast not served as current",
)
.source("`dwcp/v3/prediction/pba_v3.go`")
.check(validity);

fn validity(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.rng("series").next_u64();
    for horizon in [5.0, 30.0] {
        open(bench, "datacenter", horizon)?;
        show(bench, 0, &Series::Datacenter.values(seed, 100))?;
        let told = bench.call("pba.predict", json!({"now": 99.0}))?;
        let until = told.real("valid_until")?;
        ensure((until - 99.0 - horizon).abs() < 1e-6, "valid_until is issue time + horizon", || {
            format!("issued at 99 s, horizon {horizon} s: {}", told["valid_until"])
        })?;
        let current = bench.call("pba.current", json!({"now": until - 0.5}))?;
        ensure(current["mean"] == told["mean"], "a valid forecast is served", || format!("{current}"))?;
        let late = bench.call("pba.current", json!({"now": until + 0.5}));
        let codes = [Code::Timeout, Code::Closed, Code::InvalidArgument];
        refused(late, &codes, "an expired forecast is not served as current")?;
    }
    Ok(())
}

pub(super) const REFUSED: Case =
    must("PBA-011", Profile::Pba, "NaN, negative, backward-time samples refused, state unchanged")
        .check(refuses);

fn refuses(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.rng("series").next_u64();
    let values = Series::Trace.values(seed, 200);
    open(bench, "datacenter", 5.0)?;
    show(bench, 0, &values)?;
    let before = bench.call("pba.predict", json!({"now": 400.0}))?;
    // JSON has no NaN: it travels as null or as a text.
    let good = sample(200, 5_000.0);
    let with = |field: &str, value: Value| {
        let mut sample = sample(201, 300.0);
        sample[field] = value;
        sample
    };
    let bad = [
        with("bandwidth_mbps", Value::Null),
        with("bandwidth_mbps", json!("NaN")),
        with("bandwidth_mbps", json!(-1.0)),
        with("latency_ms", json!(-0.5)),
        with("jitter_ms", json!(-3)),
        with("packet_loss", json!(-0.1)),
        with("packet_loss", json!(1.5)),
        with("t", json!(150.0)),
        with("t", json!(-1.0)),
    ];
    for sample in bad {
        // Alone, and behind a good one of the same batch.
        for batch in [vec![sample.clone()], vec![good.clone(), sample.clone()]] {
            let answer = bench.call("pba.observe", json!({"samples": batch}));
            refused(
                answer,
                &[Code::InvalidArgument],
                &format!("a sample that makes no sense is refused: {sample}"),
            )?;
            let after = bench.call("pba.predict", json!({"now": 400.0}))?;
            let same =
                after["mean"] == before["mean"] && after["lo"] == before["lo"] && after["hi"] == before["hi"];
            ensure(same, "a refused sample changes nothing", || {
                format!("{sample}: {before} and then {after}")
            })?;
        }
    }
    bench.call("pba.observe", json!({"samples": [good]}))?;
    Ok(())
}

pub(super) const LOOK_AHEAD: Case =
    must("PBA-012", Profile::Pba, "No look-ahead: forecast at t identical when later samples are shuffled")
        .check(look_ahead);

fn look_ahead(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut rng = bench.rng("order");
    let seed = bench.rng("series").next_u64();
    for series in [Series::Trace, Series::RandomWalk] {
        let values = series.values(seed, 400);
        let mut later = values[300..].to_vec();
        let mut seen = Vec::new();
        for _ in 0..3 {
            open(bench, "datacenter", 5.0)?;
            show(bench, 0, &values[..300])?;
            show(bench, 300, &later)?;
            let told = bench.call("pba.predict", json!({"now": 299.5}))?;
            seen.push([told.real("mean")?, told.real("lo")?, told.real("hi")?]);
            rng.shuffle(&mut later);
            for value in &mut later {
                *value *= 1.1;
            }
        }
        let same =
            |told: &[f64; 3]| told.iter().zip(&seen[0]).all(|(one, first)| one.total_cmp(first).is_eq());
        ensure(seen.iter().all(same), "a forecast at t knows nothing later than t", || {
            format!("{}: {seen:?}", series.name())
        })?;
    }
    Ok(())
}

pub(super) const SAME: Case =
    must("PBA-013", Profile::Pba, "Same seed and history: same forecast").check(same_forecast);

fn same_forecast(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let seed = bench.rng("series").next_u64();
    let values = Series::Trace.values(seed, 400);
    let mut seen = Vec::new();
    for _ in 0..3 {
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
        open(bench, "internet", 10.0)?;
        show(bench, 0, &values)?;
        seen.push(predict(bench)?);
    }
    ensure(
        seen.iter().all(|forecast| *forecast == seen[0]),
        "equal seed and history give an equal forecast",
        || format!("{seen:?}"),
    )
}
