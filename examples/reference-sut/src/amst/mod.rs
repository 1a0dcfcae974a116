//! Adaptive Multi-Stream Transport over TCP: one payload in chunks over many streams.

mod bucket;
mod frames;
mod inbox;
mod link;
mod mutants;
mod plan;
mod pool;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dispatch::{Component, Observed, Part, Setup};
use crate::payload::{make, sha256};
use crate::refusal::{Answer, Refusal, invalid, number, refuse, text, unsupported, whole, whole_or};
use frames::{Framing, MAX_TOTAL};
use inbox::Inbox;
use link::Link;
pub use mutants::MUTANTS;
use pool::{Options, Pool};

/// What there is of it.
pub const PART: Part = Part {
    name: "amst",
    prefixes: &["amst"],
    declares: &["in-process", "wire", "w1", "w2", "w1c"],
    limits,
    open,
};

/// Handles at once.
const MAX_HANDLES: usize = 64;

fn limits() -> Value {
    json!({
        "k": plan::K,
        "min_chunk": plan::CHUNK.0,
        "max_chunk": plan::CHUNK.1,
        "max_streams": plan::MAX_STREAMS,
        "max_total": MAX_TOTAL,
        "datacenter_streams": [16, 256],
    })
}

/// Streams of a set, with their bounds.
struct Dialled {
    pool: Arc<Pool>,
    min: u64,
    max: u64,
}

/// All connection sets and inboxes of this process.
struct Amst {
    setup: Setup,
    dialled: BTreeMap<u64, Dialled>,
    inboxes: BTreeMap<u64, Arc<Inbox>>,
    next: u64,
    chunk: u64,
    sent: u64,
}

fn open(setup: Setup) -> Box<dyn Component> {
    let (dialled, inboxes) = (BTreeMap::new(), BTreeMap::new());
    Box::new(Amst { setup, dialled, inboxes, next: 0, chunk: plan::CHUNK.1, sent: 0 })
}

impl Component for Amst {
    fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "amst.transfer" => self.transfer(params, false),
            "amst.parallel" => self.transfer(params, true),
            "amst.target" => plan::target(self.setup, params),
            "amst.feedback" => {
                self.chunk = match &params["chunk"] {
                    Value::Null => plan::chunk_after(self.setup, self.chunk, number(params, "loss")?),
                    _ => whole(params, "chunk")?.clamp(plan::CHUNK.0, plan::CHUNK.1),
                };
                Ok(json!({"chunk": self.chunk}))
            }
            "amst.listen" => self.listen(params),
            "amst.receive" => self.receive(params),
            "amst.dial" => self.dial(params),
            "amst.send" => self.send(params),
            "amst.await" => {
                let within = Duration::from_millis(whole_or(params, "within_ms", 5_000)?);
                let sent = self.set(params)?.pool.wait(within)?;
                self.sent += sent.wire_bytes;
                Ok(
                    json!({"retries": sent.retries, "wire_bytes": sent.wire_bytes, "per_stream": sent.per_stream}),
                )
            }
            "amst.adapt" | "amst.mode" => self.adapt(op, params),
            "amst.stats" => self.stats(params),
            "amst.close" => {
                let handle = whole(params, "handle")?;
                self.drop_handle(handle);
                Ok(json!({}))
            }
            "config.validate" => plan::validate(self.setup, params),
            _ => Err(unsupported(op)),
        }
    }

    fn observe(&self, into: &mut Observed) {
        let active: u64 = self.dialled.values().map(|set| set.pool.active()).sum();
        into.insert("amst_streams_active".to_owned(), active as f64);
        into.insert("amst_sent_bytes".to_owned(), self.sent as f64);
    }
}

impl Drop for Amst {
    fn drop(&mut self) {
        for handle in 0..=self.next {
            self.drop_handle(handle);
        }
    }
}

impl Amst {
    fn drop_handle(&mut self, handle: u64) {
        if let Some(set) = self.dialled.remove(&handle) {
            set.pool.close();
        }
        if let Some(inbox) = self.inboxes.remove(&handle) {
            inbox.close();
        }
    }

    fn handle(&mut self) -> Result<u64, Refusal> {
        if self.dialled.len() + self.inboxes.len() >= MAX_HANDLES {
            return Err(refuse("overload", "too many handles; amst.close ends one"));
        }
        self.next += 1;
        Ok(self.next)
    }

    fn set(&self, params: &Value) -> Result<&Dialled, Refusal> {
        self.dialled.get(&whole(params, "handle")?).ok_or_else(|| invalid("there is no such connection set"))
    }

    /// Both sides in this process, over TCP, with the link in between.
    fn transfer(&mut self, params: &Value, parallel: bool) -> Answer {
        let begun = Instant::now();
        let recipes: Vec<&Value> = if parallel {
            params["payloads"].as_array().into_iter().flatten().collect()
        } else {
            vec![&params["payload"]]
        };
        if recipes.is_empty() || recipes.len() > 32 {
            return Err(invalid("payloads has 1 to 32 recipes"));
        }
        if params["mode"] == "internet" && recipes[0]["len"] == 0 && self.setup.is("amst-empty-internet") {
            return Err(invalid("an empty payload"));
        }
        let payloads: Vec<Vec<u8>> = recipes.iter().map(|one| make(one)).collect::<Result<_, _>>()?;
        let link = Link::read(&params["link"])?;
        let framing = Framing::W1c;
        let (inbox, port) = Inbox::listen(self.setup, framing, payloads.len() as u32, 1)?;
        let port = if link.is_plain() { port } else { link.relay(port)? };
        let options = self.options(params, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), framing)?;
        let streams = whole_or(params, "streams", 4)?;
        check_streams(streams)?;
        let pool = Pool::dial(self.setup, options, streams)?;
        pool.send(payloads)?;
        let within = Duration::from_millis(whole_or(params, "within_ms", 30_000)?);
        let received = inbox.receive(within);
        let received = match received {
            Ok(received) => received,
            Err(refusal) => {
                pool.close();
                return Err(refusal);
            }
        };
        let sent = pool.wait(within);
        pool.close();
        let sent = sent?;
        self.sent += sent.wire_bytes;
        let results: Vec<Value> = received
            .contents
            .iter()
            .map(|content| json!({"len": content.len(), "sha256": sha256(content)}))
            .collect();
        let mut answer = json!({
            "per_stream": sent.per_stream,
            "wire_bytes": sent.wire_bytes,
            "payload_bytes": received.payload_bytes,
            "duplicates": received.duplicates,
            "retries": sent.retries,
            "elapsed_ms": begun.elapsed().as_secs_f64() * 1_000.0,
        });
        if parallel {
            answer["results"] = json!(results);
        } else if let (Some(to), Some(first)) =
            (answer.as_object_mut(), results.first().and_then(Value::as_object))
        {
            to.extend(first.clone());
        }
        Ok(answer)
    }

    fn options(&self, params: &Value, address: SocketAddr, framing: Framing) -> Result<Options, Refusal> {
        let chunk = whole_or(params, "chunk", self.chunk)?;
        if !(1..=4 << 20).contains(&chunk) {
            return Err(invalid("chunk is 1 to 4194304"));
        }
        let rate = match &params["rate_mbps"] {
            Value::Null => None,
            _ => {
                let rate = number(params, "rate_mbps")?;
                let burst = whole_or(params, "burst", chunk)?;
                if rate <= 0.0 || burst < chunk {
                    return Err(invalid("rate_mbps is above 0, and burst at least chunk"));
                }
                Some((rate * 125_000.0, burst as f64))
            }
        };
        Ok(Options {
            address,
            framing,
            chunk: chunk as usize,
            retries: whole_or(params, "retries", 0)?.min(1_000) as u32,
            write_timeout: Duration::from_millis(whole_or(params, "write_timeout_ms", 5_000)?.max(1)),
            rate,
        })
    }

    fn listen(&mut self, params: &Value) -> Answer {
        let framing = Framing::named(text(params, "framing")?)?;
        let streams = whole_or(params, "streams", 1)?;
        check_streams(streams)?;
        let handle = self.handle()?;
        let (inbox, port) = Inbox::listen(self.setup, framing, 1, streams as u32)?;
        self.inboxes.insert(handle, inbox);
        Ok(json!({"handle": handle, "addr": format!("127.0.0.1:{port}")}))
    }

    fn receive(&mut self, params: &Value) -> Answer {
        let handle = whole(params, "handle")?;
        let inbox = self.inboxes.get(&handle).ok_or_else(|| invalid("there is no such inbox"))?;
        let received = inbox.receive(Duration::from_millis(whole_or(params, "within_ms", 5_000)?))?;
        let content = received.contents.concat();
        Ok(json!({
            "len": content.len(),
            "sha256": sha256(&content),
            "payload_bytes": received.payload_bytes,
            "duplicates": received.duplicates,
        }))
    }

    fn dial(&mut self, params: &Value) -> Answer {
        let framing = Framing::named(text(params, "framing")?)?;
        let address: SocketAddr = text(params, "addr")?.parse().map_err(|_| invalid("addr is no address"))?;
        let streams = whole_or(params, "streams", 4)?;
        check_streams(streams)?;
        let (min, max) = match &params["mode"] {
            Value::Null => {
                (whole_or(params, "min_streams", 1)?, whole_or(params, "max_streams", plan::MAX_STREAMS)?)
            }
            _ => plan::bounds(text(params, "mode")?)?,
        };
        let options = self.options(params, address, framing)?;
        let handle = self.handle()?;
        let pool = Pool::dial(self.setup, options, streams)?;
        let active = pool.active();
        self.dialled.insert(handle, Dialled { pool, min, max });
        Ok(json!({"handle": handle, "streams": active}))
    }

    /// What a header cannot say is refused before a byte goes out.
    fn send(&mut self, params: &Value) -> Answer {
        let mut recipe = params["payload"].clone();
        let len = whole_or(&recipe, "len", 0)?;
        if len > u64::from(u32::MAX) {
            if !self.setup.is("amst-wraps-length") {
                return Err(invalid("longer than a header can say"));
            }
            recipe["len"] = json!(len as u32);
        }
        let payload = make(&recipe)?;
        self.set(params)?.pool.send(vec![payload])?;
        Ok(json!({}))
    }

    fn adapt(&mut self, op: &str, params: &Value) -> Answer {
        let setup = self.setup;
        let handle = whole(params, "handle")?;
        let set = self.dialled.get_mut(&handle).ok_or_else(|| invalid("there is no such connection set"))?;
        let now = set.pool.active();
        let target = if op == "amst.mode" {
            (set.min, set.max) = plan::bounds(text(params, "mode")?)?;
            now.clamp(set.min, set.max)
        } else {
            let asked = json!({
                "bandwidth_mbps": params["bandwidth_mbps"],
                "latency_ms": params["latency_ms"],
                "min_streams": set.min,
                "max_streams": set.max,
            });
            whole(&plan::target(setup, &asked)?, "streams")?
        };
        let streams = set.pool.resize(plan::step(setup, now, target))?;
        Ok(json!({"streams": streams}))
    }

    fn stats(&self, params: &Value) -> Answer {
        let handle = whole(params, "handle")?;
        if let Some(inbox) = self.inboxes.get(&handle) {
            let (payload_bytes, duplicates, open) = inbox.counts();
            return Ok(
                json!({"payload_bytes": payload_bytes, "duplicates": duplicates, "active_streams": open}),
            );
        }
        Ok(json!({"active_streams": self.set(params)?.pool.active()}))
    }
}

fn check_streams(streams: u64) -> Result<(), Refusal> {
    if (1..=plan::MAX_STREAMS).contains(&streams) { Ok(()) } else { Err(invalid("streams is 1 to 256")) }
}
