//! One request, one answer: reads the envelope and asks the component that the operation names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::refusal::{Answer, Refusal, invalid, text, unsupported, whole_or};
use crate::{acp, amst, ass, hde, metrics, payload, pba};

/// What a component is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// From `reset`.
    pub seed: u64,
    /// The fault that this process has, if one.
    pub mutant: Option<&'static str>,
}

impl Setup {
    /// Whether the fault of that name is switched on.
    pub fn is(&self, name: &str) -> bool {
        self.mutant == Some(name)
    }
}

/// What a component shows for status and metrics: name to value.
pub type Observed = BTreeMap<String, f64>;

/// A part of DWCP.
pub trait Component {
    /// Answers one request. `config.validate` comes with the component's `config` as its parameters.
    fn handle(&mut self, op: &str, params: &Value) -> Answer;

    /// What it shows for status and metrics.
    fn observe(&self, _into: &mut Observed) {}
}

/// What there is of a component: its prefixes of operations, what it declares, how it is opened.
pub struct Part {
    /// As under `components` of `hello`.
    pub name: &'static str,
    /// What stands before the dot of its operations.
    pub prefixes: &'static [&'static str],
    /// Readings and capabilities that it declares.
    pub declares: &'static [&'static str],
    /// Its declared figures.
    pub limits: fn() -> Value,
    /// Opens it.
    pub open: fn(Setup) -> Box<dyn Component>,
}

/// All parts but the metrics, which look at the others.
const PARTS: [Part; 5] = [amst::PART, hde::PART, pba::PART, ass::PART, acp::PART];

/// The whole implementation.
pub struct Sut {
    setup: Setup,
    parts: Vec<Box<dyn Component>>,
    metrics: metrics::Metrics,
}

impl Sut {
    /// As after its start.
    pub fn new(mutant: Option<&'static str>) -> Self {
        Self::with(Setup { seed: 0, mutant })
    }

    fn with(setup: Setup) -> Self {
        let parts = PARTS.iter().map(|part| (part.open)(setup)).collect();
        Self { setup, parts, metrics: metrics::Metrics::new(setup) }
    }

    /// The answer to one line, and whether to go on.
    pub fn line(&mut self, line: &[u8]) -> (String, bool) {
        let request: Value = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => return (envelope(&Value::Null, Err(invalid(format!("no JSON: {error}")))), true),
        };
        let op = request["op"].as_str().unwrap_or_default();
        let outcome = if request["v"] == 1 && request["id"].is_u64() {
            self.answer(op, &request["params"])
        } else {
            Err(invalid("v is not 1, or id is no number"))
        };
        (envelope(&request["id"], outcome), op != "shutdown")
    }

    fn answer(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "hello" => Ok(Self::hello()),
            "reset" => {
                *self = Self::with(Setup { seed: whole_or(params, "seed", 0)?, ..self.setup });
                Ok(json!({}))
            }
            "shutdown" => Ok(json!({})),
            "payload.digest" => {
                let bytes = payload::make(&params["payload"])?;
                Ok(json!({"len": bytes.len(), "sha256": payload::sha256(&bytes)}))
            }
            "status" | "metrics.scrape" | "metrics.gate" => {
                let mut observed = Observed::new();
                for part in &self.parts {
                    part.observe(&mut observed);
                }
                self.metrics.handle(op, params, &observed)
            }
            "config.validate" => {
                let component = text(params, "component")?;
                let at = PARTS.iter().position(|part| part.name == component);
                self.part(at, op)?.handle(op, &params["config"])
            }
            _ => {
                let prefix = op.split('.').next().unwrap_or_default();
                let at = PARTS.iter().position(|part| part.prefixes.contains(&prefix));
                self.part(at, op)?.handle(op, params)
            }
        }
    }

    fn part(&mut self, at: Option<usize>, op: &str) -> Result<&mut Box<dyn Component>, Refusal> {
        at.and_then(|at| self.parts.get_mut(at)).ok_or_else(|| unsupported(op))
    }

    fn hello() -> Value {
        let mut components: BTreeMap<&str, &[&str]> = BTreeMap::new();
        let mut limits: BTreeMap<&str, Value> = BTreeMap::new();
        for part in PARTS.iter().filter(|part| !part.declares.is_empty()) {
            components.insert(part.name, part.declares);
            limits.insert(part.name, (part.limits)());
        }
        if !metrics::DECLARES.is_empty() {
            components.insert("met", metrics::DECLARES);
        }
        json!({
            "name": "reference-sut",
            "version": env!("CARGO_PKG_VERSION"),
            "components": components,
            "clock": "virtual",
            "units": {"cwnd": "bytes"},
            "limits": limits,
            "metric_names": metrics::names(),
        })
    }
}

fn envelope(id: &Value, outcome: Answer) -> String {
    match outcome {
        Ok(result) => json!({"id": id, "ok": true, "result": result}),
        Err(Refusal { code, message }) => {
            json!({"id": id, "ok": false, "error": {"code": code, "message": message}})
        }
    }
    .to_string()
}
