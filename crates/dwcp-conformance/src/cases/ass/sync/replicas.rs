//! Some replicas and the bus between them.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::bus::{Bus, Faults};
use crate::rng::Rng;
use crate::sim::MS_NS;
use crate::stop::{Stop, fail};

/// Replicas of one session; the clock is in milliseconds.
pub(super) struct Replicas<'b, 'w> {
    pub(super) bench: &'b mut Bench<'w>,
    pub(super) bus: Bus<Value>,
    pub(super) now_ms: u64,
    pub(super) count: usize,
    ts: u64,
}

impl<'b, 'w> Replicas<'b, 'w> {
    /// A fresh session.
    pub(super) fn new(
        bench: &'b mut Bench<'w>,
        count: usize,
        seed: u64,
        faults: Faults,
    ) -> Result<Self, Stop> {
        bench.call("reset", json!({"seed": bench.seed().to_string()}))?;
        for _ in 0..count {
            bench.call("sync.node", json!({}))?;
        }
        Ok(Self { bench, bus: Bus::new(seed, faults), now_ms: 0, count, ts: 0 })
    }

    pub(super) fn apply(&mut self, node: usize, op: &Value) -> Result<Value, Stop> {
        Ok(self.bench.call("sync.apply", json!({"node": node, "op": op}))?)
    }

    /// A write that is later than all before.
    pub(super) fn write(&mut self, node: usize, key: &str, value: &Value) -> Result<(), Stop> {
        self.ts += 10;
        let op = json!({"type": "lww", "key": key, "value": value, "ts": self.ts});
        self.apply(node, &op).map(|_| ())
    }

    /// A random write of any of the three types.
    pub(super) fn random(&mut self, rng: &mut Rng) -> Result<(), Stop> {
        let node = rng.index(self.count);
        let n = rng.below(4);
        match rng.below(4) {
            0 | 1 => {
                let value = if rng.below(5) == 0 { Value::Null } else { json!(rng.below(1_000)) };
                self.write(node, &format!("r{n}"), &value)
            }
            2 => {
                let action = if rng.below(3) == 0 { "remove" } else { "add" };
                let element = format!("e{}", rng.below(3));
                let op =
                    json!({"type": "orset", "key": format!("s{n}"), "action": action, "element": element});
                self.apply(node, &op).map(|_| ())
            }
            _ => {
                let by = rng.below(21).cast_signed() - 10;
                self.apply(node, &json!({"type": "counter", "key": format!("c{n}"), "by": by})).map(|_| ())
            }
        }
    }

    /// Takes a node's messages off its hands.
    pub(super) fn outbox(&mut self, node: usize) -> Result<Vec<(usize, Value)>, Stop> {
        let answer = self.bench.call("sync.outbox", json!({"node": node}))?;
        let read = |item: &Value| Some((item["to"].as_u64()? as usize, item.get("msg")?.clone()));
        let all: Option<Vec<_>> =
            answer["messages"].as_array().and_then(|all| all.iter().map(read).collect());
        all.ok_or_else(|| fail("an outbox is a list of {to, msg}", answer.to_string()))
    }

    /// Posts what all nodes have to say.
    pub(super) fn collect(&mut self) -> Result<(), Stop> {
        for node in 0..self.count {
            for (to, message) in self.outbox(node)? {
                self.bus.post(self.now_ms, node, to, message);
            }
        }
        Ok(())
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, message: &Value) -> Result<(), Stop> {
        self.bench.call("sync.inbox", json!({"node": to, "from": from, "msg": message}))?;
        Ok(())
    }

    /// Goes on by some milliseconds: delivers what is due, collects what it causes.
    pub(super) fn step(&mut self, by_ms: u64) -> Result<(), Stop> {
        self.now_ms += by_ms;
        for envelope in self.bus.due(self.now_ms) {
            self.deliver(envelope.from, envelope.to, &envelope.message)?;
        }
        self.collect()
    }

    pub(super) fn tick(&mut self) -> Result<(), Stop> {
        self.bench.call("sync.tick", json!({"now": self.now_ms * MS_NS}))?;
        self.collect()
    }

    /// Delivers all that is under way, without letting time pass for the nodes.
    pub(super) fn drain(&mut self) -> Result<(), Stop> {
        self.collect()?;
        while let Some(at) = self.bus.next() {
            self.step(at.saturating_sub(self.now_ms))?;
        }
        Ok(())
    }

    pub(super) fn digests(&mut self) -> Result<Vec<String>, Stop> {
        let mut digests = Vec::new();
        for node in 0..self.count {
            let answer = self.bench.call("sync.digest", json!({"node": node}))?;
            let digest =
                answer["digest"].as_str().ok_or_else(|| fail("a digest is a text", answer.to_string()))?;
            digests.push(digest.to_owned());
        }
        Ok(digests)
    }

    pub(super) fn converged(&mut self) -> Result<bool, Stop> {
        let digests = self.digests()?;
        Ok(digests.iter().all(|digest| *digest == digests[0]))
    }

    pub(super) fn read(&mut self, node: usize, key: &str) -> Result<Value, Stop> {
        Ok(self.bench.call("sync.read", json!({"node": node, "key": key}))?)
    }

    /// Ticks and steps until all digests are equal; gives the time that it took, or nothing after `most_ms`.
    pub(super) fn until_converged(&mut self, most_ms: u64) -> Result<Option<u64>, Stop> {
        let begin = self.now_ms;
        while self.now_ms < begin + most_ms {
            self.tick()?;
            self.step(100)?;
            if self.converged()? {
                return Ok(Some(self.now_ms - begin));
            }
        }
        Ok(None)
    }
}
