//! The state of a connection, as the implementation tells it.

use serde_json::Value;

use crate::sim::Window;
use crate::stop::{Stop, fail};

/// The state, windows in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) cwnd: u64,
    pub(super) threshold: Option<u64>,
    pub(super) pacing: Option<f64>,
    pub(super) inflight: u64,
    pub(super) srtt: Option<f64>,
    pub(super) rttvar: Option<f64>,
    pub(super) shortest: Option<f64>,
    pub(super) phase: String,
    pub(super) loss_rate: Option<f64>,
    pub(super) next_send: Option<u64>,
}

impl State {
    /// Reads an answer; `unit` is the bytes of one unit of a window.
    pub(super) fn read(answer: &Value, unit: u64) -> Result<Self, Stop> {
        let number = |key: &str| answer.get(key).and_then(Value::as_f64);
        let window = |key: &str| number(key).map(|value| (value * unit as f64) as u64);
        let cwnd = number("cwnd").ok_or_else(|| fail("the state has a cwnd", answer.to_string()))?;
        if cwnd.is_nan() || cwnd <= 0.0 {
            return Err(fail("the window is above 0", format!("cwnd {cwnd}")));
        }
        Ok(Self {
            cwnd: (cwnd * unit as f64) as u64,
            threshold: window("ssthresh"),
            pacing: number("pacing"),
            inflight: number("inflight").unwrap_or(0.0) as u64,
            srtt: number("srtt"),
            rttvar: number("rttvar"),
            shortest: number("min_rtt"),
            phase: answer.get("phase").and_then(Value::as_str).unwrap_or_default().to_owned(),
            loss_rate: number("loss_rate"),
            next_send: number("next_send").map(|value| value as u64),
        })
    }

    /// What it lets a sender do.
    pub(super) fn window(&self) -> Window {
        Window { cwnd_bytes: self.cwnd, pacing: self.pacing, release_ns: self.next_send }
    }
}
