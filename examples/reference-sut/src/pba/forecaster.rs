//! The operations `pba.open`, `.observe`, `.predict`, `.current` and `.accuracy`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::history::{Sample, sample};
use super::model::{Model, NAMES};
use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, number, refuse, unsupported};

/// Samples of one series; more are refused.
const MOST: usize = 1 << 18;
/// Steps ahead.
const FARTHEST: usize = 3_600;

/// Only a fault looks at it.
static MADE: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy)]
struct Config {
    internet: bool,
    step_s: f64,
    horizon_s: f64,
    level: f64,
}

pub(super) struct Forecaster {
    setup: Setup,
    config: Config,
    samples: Vec<Sample>,
    model: Model,
    /// Values foretold and what came, for the accuracy: errors and actual values.
    issued: Option<Value>,
    outliers: u32,
}

impl Forecaster {
    pub(super) fn new(setup: Setup) -> Self {
        let config = Config { internet: false, step_s: 1.0, horizon_s: 30.0, level: 0.95 };
        Self { setup, config, samples: Vec::new(), model: Model::new(setup, 30), issued: None, outliers: 0 }
    }

    pub(super) const fn setup(&self) -> Setup {
        self.setup
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "pba.open" => self.open(params),
            "pba.observe" => self.observe(params),
            "pba.predict" => self.predict(params),
            "pba.current" => self.current(params),
            "pba.accuracy" => Ok(self.accuracy()),
            _ => Err(unsupported(op)),
        }
    }

    fn steps(config: Config) -> usize {
        (config.horizon_s / config.step_s).round() as usize
    }

    fn open(&mut self, params: &Value) -> Answer {
        let or = |name: &str, otherwise: f64| {
            if params[name].is_null() { Ok(otherwise) } else { number(params, name) }
        };
        let internet = match params["mode"].as_str().unwrap_or("datacenter") {
            "internet" | "hybrid" => true,
            "datacenter" => false,
            other => return Err(invalid(format!("mode is {other}: datacenter, internet or hybrid"))),
        };
        let config = Config {
            internet,
            step_s: or("step_s", 1.0)?,
            horizon_s: or("horizon_s", 30.0)?,
            level: or("level", 0.95)?,
        };
        let steps = if config.step_s > 0.0 { Self::steps(config) } else { 0 };
        if !(1..=FARTHEST).contains(&steps) || !(0.5..1.0).contains(&config.level) {
            return Err(invalid("horizon_s / step_s: 1 to 3600; level: 0.5 to below 1"));
        }
        *self = Self { config, model: Model::new(self.setup, steps), ..Self::new(self.setup) };
        Ok(json!({"min_samples": self.least(), "steps": steps}))
    }

    /// Fewer samples are too few to be sure.
    const fn least(&self) -> usize {
        if self.config.internet { 60 } else { 10 }
    }

    fn observe(&mut self, params: &Value) -> Answer {
        let listed = params["samples"].as_array().ok_or_else(|| invalid("samples is no list"))?;
        if self.samples.len() + listed.len() > MOST {
            return Err(refuse("overload", format!("more than {MOST} samples; pba.open begins anew")));
        }
        let mut after = self.samples.last().map_or(-1.0, |last| last.t);
        let mut read = Vec::with_capacity(listed.len());
        for value in listed {
            match sample(value, after) {
                Ok(one) => {
                    after = one.t;
                    read.push(one);
                }
                Err(refusal) => {
                    if self.setup.is("pba-keeps-the-first") {
                        self.take(&read);
                    }
                    return Err(refusal);
                }
            }
        }
        self.take(&read);
        Ok(json!({"accepted": read.len()}))
    }

    fn take(&mut self, read: &[Sample]) {
        for sample in read {
            let mut value = sample.bandwidth;
            if self.setup.is("pba-outliers") && self.model.count() > 20 {
                let last = self.model.last();
                let strange = (value - last).abs() > 0.33 * last.abs().max(1e-9);
                self.outliers = if strange { self.outliers + 1 } else { 0 };
                value = if (1..=100).contains(&self.outliers) { last } else { value };
            }
            self.model.learn(value);
            self.samples.push(*sample);
        }
    }

    /// The model as it was at a time: only samples up to then.
    fn as_of(&self, until: usize) -> Model {
        let mut model = Model::new(self.setup, Self::steps(self.config));
        self.samples[..until].iter().for_each(|sample| model.learn(sample.bandwidth));
        model
    }

    fn predict(&mut self, params: &Value) -> Answer {
        let Some(last) = self.samples.last().copied() else {
            return Err(invalid("nothing was observed yet"));
        };
        let now = if params["now"].is_null() { last.t } else { number(params, "now")? };
        let known = self.samples.partition_point(|sample| sample.t <= now);
        if known == 0 {
            return Err(invalid(format!("nothing was observed by {now}")));
        }
        let peeks = self.setup.is("pba-peeks");
        let earlier;
        let model = if (known < self.samples.len() && !peeks) || self.setup.is("pba-refits") {
            earlier = self.as_of(known);
            &earlier
        } else {
            &self.model
        };
        let forecast = self.forecast(model, &self.samples[..known], now);
        self.issued = Some(forecast.clone());
        Ok(forecast)
    }

    fn forecast(&self, model: &Model, samples: &[Sample], now: f64) -> Value {
        let mut mean = model.mean_ahead();
        let (mut low, mut high) = model.interval(self.config.level);
        if self.setup.is("pba-gigabit") && self.config.internet {
            (mean, low, high) = (mean.min(900.0), low.min(900.0), high.min(900.0));
        }
        if self.setup.is("pba-pessimist") && self.config.internet {
            mean = model.lowest(300);
            low = low.min(mean);
        }
        if self.setup.is("pba-dithers") {
            mean += 1e-6 * (MADE.fetch_add(1, Ordering::Relaxed) % 7) as f64;
        }
        let relative = model.recent_error() / model.last().abs().max(1e-9);
        let confidence = if relative.is_finite() { (1.0 - relative).clamp(0.5, 0.99) } else { 0.5 };
        let sure = samples.len() >= self.least() || self.setup.is("pba-sure-at-once");
        let valid_s =
            if self.setup.is("pba-valid-a-step") { self.config.step_s } else { self.config.horizon_s };
        let tail = &samples[samples.len().saturating_sub(60)..];
        let average = |of: fn(&Sample) -> f64| tail.iter().map(of).sum::<f64>() / tail.len() as f64;
        json!({
            "mean": mean,
            "lo": low.min(mean),
            "hi": high.max(mean),
            "latency_ms": average(|sample| sample.latency),
            "packet_loss": average(|sample| sample.loss),
            "jitter_ms": average(|sample| sample.jitter),
            "confidence": if sure { confidence } else { 0.2 },
            "issued": now,
            "valid_until": now + valid_s,
            "model": NAMES[model.trusted()],
        })
    }

    /// The last forecast, while it is valid.
    fn current(&self, params: &Value) -> Answer {
        let now = number(params, "now")?;
        let Some(issued) = &self.issued else { return Err(invalid("no forecast was made yet")) };
        let valid = issued["valid_until"].as_f64().is_some_and(|until| now <= until);
        if valid || self.setup.is("pba-serves-expired") {
            return Ok(issued.clone());
        }
        Err(refuse(
            "timeout",
            format!("the forecast ended at {}; pba.predict makes another", issued["valid_until"]),
        ))
    }

    /// How good the forecasts were that came due.
    fn accuracy(&self) -> Value {
        let errors: Vec<f64> = self.model.residuals().collect();
        if errors.is_empty() {
            return json!({"count": 0});
        }
        let actuals = self.samples[self.samples.len() - errors.len()..].iter().map(|sample| sample.bandwidth);
        let all = self.setup.is("pba-divides-by-zero");
        let parts: Vec<f64> = errors
            .iter()
            .zip(actuals)
            .filter(|(_, actual)| *actual != 0.0 || all)
            .map(|(error, actual)| (error / actual).abs())
            .collect();
        let mae = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
        let mape = (!parts.is_empty()).then(|| parts.iter().sum::<f64>() / parts.len() as f64);
        json!({"count": errors.len(), "mae": mae, "mape": mape, "accuracy": mape.map(|mape| (1.0 - mape).max(0.0))})
    }
}

/// A number that is not negative, with something else where it is not there.
pub(super) fn amount(params: &Value, name: &str, otherwise: f64) -> Result<f64, Refusal> {
    let value = if params[name].is_null() { otherwise } else { number(params, name)? };
    if (0.0..=1e12).contains(&value) {
        Ok(value)
    } else {
        Err(invalid(format!("{name} is {value}: 0 to 1e12")))
    }
}
