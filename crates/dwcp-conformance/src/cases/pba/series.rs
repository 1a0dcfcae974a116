//! Feeding a forecaster and collecting what it foretold.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::stop::{Stop, fail};

/// Seconds of a step.
pub(super) const STEP_S: f64 = 1.0;

/// A forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Forecast {
    pub(super) mean: f64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

/// Begins anew.
pub(super) fn open(bench: &mut Bench<'_>, mode: &str, horizon_s: f64) -> Result<(), Stop> {
    let params = json!({"mode": mode, "step_s": STEP_S, "horizon_s": horizon_s, "level": 0.95});
    bench.call("pba.open", params)?;
    Ok(())
}

/// One sample; all but the bandwidth are ordinary.
pub(super) fn sample(t: usize, bandwidth: f64) -> Value {
    json!({"t": t as f64 * STEP_S, "bandwidth_mbps": bandwidth, "latency_ms": 20.0, "packet_loss": 0.001, "jitter_ms": 1.0})
}

/// Shows values from a time on, in batches.
pub(super) fn show(bench: &mut Bench<'_>, from: usize, values: &[f64]) -> Result<(), Stop> {
    for (n, batch) in values.chunks(500).enumerate() {
        let samples: Vec<Value> =
            batch.iter().enumerate().map(|(k, value)| sample(from + 500 * n + k, *value)).collect();
        bench.call("pba.observe", json!({"samples": samples}))?;
    }
    Ok(())
}

/// Reads a forecast.
pub(super) fn read(answer: &Value) -> Result<Forecast, Stop> {
    let number = |key: &str| answer.get(key).and_then(Value::as_f64).filter(|value| value.is_finite());
    let mean = number("mean").ok_or_else(|| fail("a forecast has a finite mean", answer.to_string()))?;
    Ok(Forecast { mean, low: number("lo"), high: number("hi") })
}

/// A forecast from what was shown.
pub(super) fn predict(bench: &mut Bench<'_>) -> Result<Forecast, Stop> {
    let answer = bench.call("pba.predict", json!({}))?;
    read(&answer)
}

/// A point that was foretold: what came, the forecast, and the last value when it was made.
pub(super) type Point = (f64, Forecast, f64);

/// Shows the first `warm_up` values, then the rest one by one with a forecast after each, and pairs each forecast with
/// what came `steps` later.
pub(super) fn walk(
    bench: &mut Bench<'_>,
    values: &[f64],
    warm_up: usize,
    steps: usize,
) -> Result<Vec<Point>, Stop> {
    show(bench, 0, &values[..warm_up])?;
    let mut points = Vec::new();
    // Asked for some at once: an answer depends only on what stands before it in the order of the lines.
    for block in (warm_up..values.len() - steps).collect::<Vec<_>>().chunks(400) {
        let mut requests = Vec::new();
        for t in block {
            requests.push(("pba.observe", json!({"samples": [sample(*t, values[*t])]})));
            requests.push(("pba.predict", json!({})));
        }
        let answers = bench.call_all(requests)?;
        for (t, two) in block.iter().zip(answers.chunks(2)) {
            let [observed, predicted] = two else { return Err(fail("each request has an answer", "")) };
            observed.clone()?;
            points.push((values[t + steps], read(&predicted.clone()?)?, values[*t]));
        }
    }
    Ok(points)
}
