//! Samples: what is accepted.

use serde_json::Value;

use crate::refusal::{Refusal, invalid};

/// One measurement of the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Seconds.
    pub(super) t: f64,
    pub(super) bandwidth: f64,
    pub(super) latency: f64,
    pub(super) loss: f64,
    pub(super) jitter: f64,
}

/// Reads one; it must be later than `after`.
pub(super) fn sample(value: &Value, after: f64) -> Result<Sample, Refusal> {
    let number = |name: &str, otherwise: Option<f64>| -> Result<f64, Refusal> {
        let field = &value[name];
        let read = if field.is_null() { otherwise } else { field.as_f64() };
        let read = read.filter(|number| number.is_finite() && *number >= 0.0);
        read.ok_or_else(|| invalid(format!("{name} is {field}: a finite number, at least 0")))
    };
    let sample = Sample {
        t: number("t", None)?,
        bandwidth: number("bandwidth_mbps", None)?,
        latency: number("latency_ms", Some(0.0))?,
        loss: number("packet_loss", Some(0.0))?,
        jitter: number("jitter_ms", Some(0.0))?,
    };
    if sample.loss > 1.0 {
        return Err(invalid(format!("packet_loss is {}: 0 to 1", sample.loss)));
    }
    if sample.t <= after {
        return Err(invalid(format!("t is {}: later than {after}", sample.t)));
    }
    Ok(sample)
}
