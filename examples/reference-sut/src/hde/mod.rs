//! Hierarchical Data Exchange: states by key, as deltas against what the other side has, compressed as the mode says.
//!
//! ```text
//! encode: content ─► delta against the key's last state, while the chain is short ─► algorithm ─► frame
//! decode: frame ─► algorithm ─► baseline by digest ─► content, checked by the digest in the frame
//! ```

mod baselines;
mod choose;
mod codec;
mod delta;
mod frame;
mod mutants;
mod receiver;
mod sender;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::b64;
use crate::dispatch::{Component, Observed, Part, Setup};
use crate::payload::{make, sha256};
use crate::refusal::{Answer, Refusal, invalid, text, unsupported, whole, whole_or};
pub use mutants::MUTANTS;
use receiver::Receiver;
use sender::Sender;

/// What there is of it.
pub const PART: Part =
    Part { name: "hde", prefixes: &["hde"], declares: &["w4", "delta", "dictionary"], limits, open };

/// Largest content that is decoded, in bytes.
const MAX_OUTPUT: u64 = 64 << 20;
/// Baselines of one context, in bytes.
const BASELINE_CAP: u64 = 8 << 20;
/// A frame that would not fit into a line as base64 is not sent, only measured.
const MAX_INLINE: usize = 700 << 10;
/// Contexts at once.
const MAX_CONTEXTS: usize = 256;

fn limits() -> Value {
    json!({"max_output": MAX_OUTPUT, "baseline_cap": BASELINE_CAP, "max_delta_chain": sender::MAX_CHAIN, "tiers": [1, 2, 3]})
}

enum Context {
    Sender(Box<Sender>),
    Receiver(Box<Receiver>),
}

/// All contexts of this process.
struct Hde {
    setup: Setup,
    contexts: BTreeMap<u64, Context>,
    next: u64,
}

fn open(setup: Setup) -> Box<dyn Component> {
    Box::new(Hde { setup, contexts: BTreeMap::new(), next: 0 })
}

impl Component for Hde {
    fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "hde.open" => self.open_context(params),
            "hde.encode" => self.encode(params),
            "hde.decode" => self.decode(params),
            "hde.train" => train(params),
            "hde.baseline.export" => {
                let baseline = self.sender(params)?.baseline(text(params, "key")?);
                let baseline = baseline.ok_or_else(|| invalid("there is no state of that key"))?;
                Ok(json!({"b64": b64::encode(baseline)}))
            }
            "hde.baseline.import" => {
                let bytes = b64::decode(text(params, "b64")?).ok_or_else(|| invalid("b64 is no base64"))?;
                self.receiver(params)?.import(bytes);
                Ok(json!({}))
            }
            "hde.stats" => match self.context(params)? {
                Context::Sender(sender) => Ok(sender.stats()),
                Context::Receiver(receiver) => Ok(receiver.stats()),
            },
            "config.validate" => config(params).map(|_| json!({})),
            _ => Err(unsupported(op)),
        }
    }

    fn observe(&self, into: &mut Observed) {
        let (mut original, mut compressed) = (0, 0);
        for context in self.contexts.values() {
            if let Context::Sender(sender) = context {
                original += sender.original;
                compressed += sender.compressed;
            }
        }
        into.insert("hde_original_bytes".to_owned(), original as f64);
        into.insert("hde_compressed_bytes".to_owned(), compressed as f64);
    }
}

/// What a context is opened with.
#[derive(Clone, Default)]
struct Config {
    mode: Option<choose::Mode>,
    dictionaries: Vec<Vec<u8>>,
    max_output: u64,
    lossy: bool,
}

fn config(params: &Value) -> Result<Config, Refusal> {
    let mode = match &params["mode"] {
        Value::Null => None,
        _ => Some(choose::mode(text(params, "mode")?)?),
    };
    let mut dictionaries = Vec::new();
    for coded in params["dictionaries"].as_array().into_iter().flatten() {
        let bytes = coded.as_str().and_then(b64::decode);
        dictionaries.push(bytes.ok_or_else(|| invalid("a dictionary is no base64"))?);
    }
    let max_output = whole_or(params, "max_output", MAX_OUTPUT)?;
    if max_output > MAX_OUTPUT {
        return Err(invalid(format!("max_output is over {MAX_OUTPUT}")));
    }
    Ok(Config { mode, dictionaries, max_output, lossy: params["lossy"] == true })
}

impl Hde {
    fn open_context(&mut self, params: &Value) -> Answer {
        let config = config(&params["config"])?;
        if config.lossy && !self.setup.is("hde-quiet-loss") {
            return Err(invalid("this implementation is lossless"));
        }
        if self.contexts.len() >= MAX_CONTEXTS {
            return Err(crate::refusal::refuse("overload", "too many contexts"));
        }
        let context = match text(params, "role")? {
            "sender" => Context::Sender(Box::new(Sender::new(self.setup, config)?)),
            "receiver" => {
                let last = self.contexts.values().rev().find_map(|context| match context {
                    Context::Sender(sender) => Some(sender.rotated()),
                    Context::Receiver(_) => None,
                });
                let skips = last.filter(|_| self.setup.is("hde-late-receiver")).unwrap_or(0);
                Context::Receiver(Box::new(Receiver::new(self.setup, &config, skips)))
            }
            other => return Err(invalid(format!("role {other} is neither sender nor receiver"))),
        };
        self.next += 1;
        self.contexts.insert(self.next, context);
        Ok(json!({"ctx": self.next}))
    }

    fn context(&mut self, params: &Value) -> Result<&mut Context, Refusal> {
        self.contexts.get_mut(&whole(params, "ctx")?).ok_or_else(|| invalid("there is no such context"))
    }

    fn sender(&mut self, params: &Value) -> Result<&mut Sender, Refusal> {
        match self.context(params)? {
            Context::Sender(sender) => Ok(sender),
            Context::Receiver(_) => Err(invalid("that context is a receiver")),
        }
    }

    fn receiver(&mut self, params: &Value) -> Result<&mut Receiver, Refusal> {
        match self.context(params)? {
            Context::Receiver(receiver) => Ok(receiver),
            Context::Sender(_) => Err(invalid("that context is a sender")),
        }
    }

    /// With `scribble` the caller writes that into its buffer as soon as the frame is made.
    fn encode(&mut self, params: &Value) -> Answer {
        let mut buffer = make(&params["payload"])?;
        let key = text(params, "key")?;
        let how = choose::how(params)?;
        let aliased = self.setup.is("hde-aliased-buffer");
        let sender = self.sender(params)?;
        let made = sender.encode(key, &buffer, how)?;
        if !params["scribble"].is_null() {
            buffer = make(&params["scribble"])?;
            if aliased {
                sender.alias(key, buffer);
            }
        }
        let inline = (made.bytes.len() <= MAX_INLINE).then(|| b64::encode(&made.bytes));
        Ok(json!({
            "frame": inline,
            "len": made.bytes.len(),
            "algorithm": made.algorithm.name(),
            "delta": made.delta,
            "lossy": false,
        }))
    }

    fn decode(&mut self, params: &Value) -> Answer {
        let frame = b64::decode(text(params, "frame")?).ok_or_else(|| invalid("frame is no base64"))?;
        let content = self.receiver(params)?.decode(&frame)?;
        let mut result = json!({"len": content.len(), "sha256": sha256(&content)});
        if params["want_bytes"] == true && content.len() <= MAX_INLINE {
            result["b64"] = json!(b64::encode(&content));
        }
        Ok(result)
    }
}

/// A dictionary from samples.
fn train(params: &Value) -> Answer {
    let samples = params["samples"].as_array().ok_or_else(|| invalid("samples is no list"))?;
    let samples: Vec<Vec<u8>> = samples.iter().map(make).collect::<Result<_, _>>()?;
    let dictionary =
        zstd::dict::from_samples(&samples, 8 << 10).map_err(|error| invalid(error.to_string()))?;
    Ok(json!({"b64": b64::encode(&dictionary), "len": dictionary.len()}))
}
