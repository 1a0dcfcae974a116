//! A cluster under test and the bus between its replicas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::bus::{Bus, Faults};
use crate::sim::MS_NS;
use crate::stop::{Stop, ensure, fail};

/// What a replica has applied: id and value.
pub(super) type Log = Vec<(String, String)>;

/// The declared algorithms with the size of a cluster that tolerates one fault, and that number.
pub(super) fn declared(bench: &Bench<'_>) -> Result<Vec<(&'static str, usize, usize)>, Stop> {
    let all = [("raft", 3, 1), ("pbft", 4, 1)];
    let all: Vec<_> = all.into_iter().filter(|(alg, ..)| bench.hello().declares("acp", alg)).collect();
    if all.is_empty() { Err(Stop::Skip("acp declares neither raft nor pbft".to_owned())) } else { Ok(all) }
}

/// A cluster; the clock is in milliseconds.
pub(super) struct Cluster<'b, 'w> {
    pub(super) bench: &'b mut Bench<'w>,
    pub(super) bus: Bus<Value>,
    pub(super) now_ms: u64,
    pub(super) members: usize,
    pub(super) down: BTreeSet<usize>,
    /// Who hears what is meant for an identity: members with twins only.
    pub(super) heard_by: BTreeMap<(usize, usize), usize>,
    /// Milliseconds between two ticks.
    pub(super) tick_ms: u64,
}

impl<'b, 'w> Cluster<'b, 'w> {
    pub(super) fn open(
        bench: &'b mut Bench<'w>,
        (alg, n, f): (&str, usize, usize),
        seed: u64,
        faults: Faults,
    ) -> Result<Self, Stop> {
        // The seed of an implementation's own timers.
        bench.call("reset", json!({"seed": (seed >> 12).to_string()}))?;
        bench.call("cons.open", json!({"n": n, "f": f, "alg": alg}))?;
        let bus = Bus::new(seed, faults);
        let (down, heard_by) = (BTreeSet::new(), BTreeMap::new());
        Ok(Self { bench, bus, now_ms: 0, members: n, down, heard_by, tick_ms: 10 })
    }

    /// One tick: time passes, what is due arrives, what is said is posted.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.now_ms += self.tick_ms;
        let mut requests = vec![("cons.tick", json!({"now": self.now_ms * MS_NS}))];
        for envelope in self.bus.due(self.now_ms) {
            let (from, to) = (envelope.from, envelope.to);
            if !self.down.contains(&to) && !self.down.contains(&from) {
                requests.push(("cons.inbox", json!({"node": to, "from": from, "msg": envelope.message})));
            }
        }
        requests.push(("cons.outbox", json!({})));
        let mut answers = self.bench.call_all(requests)?;
        let said = answers.pop().ok_or_else(|| fail("each request has an answer", ""))??;
        answers.into_iter().try_for_each(|answer| answer.map(|_| ()))?;
        let messages =
            said["messages"].as_array().ok_or_else(|| fail("an outbox is a list", said.to_string()))?;
        for message in messages {
            let (Some(from), Some(to)) = (message["from"].as_u64(), message["to"].as_u64()) else {
                return Err(fail("a message has from and to", message.to_string()));
            };
            let (from, to) = (from as usize, to as usize);
            let to = self.heard_by.get(&(from, to)).copied().unwrap_or(to);
            self.bus.post(self.now_ms, from, to, message["msg"].clone());
        }
        Ok(())
    }

    /// Goes on for some milliseconds.
    pub(super) fn run(&mut self, ms: u64) -> Result<(), Stop> {
        let until = self.now_ms + ms;
        while self.now_ms < until {
            self.step()?;
        }
        Ok(())
    }

    /// Goes on until something holds, at most so long; whether it came to hold.
    pub(super) fn until(
        &mut self,
        most_ms: u64,
        held: &mut dyn FnMut(&mut Self) -> Result<bool, Stop>,
    ) -> Result<bool, Stop> {
        let end = self.now_ms + most_ms;
        while self.now_ms < end {
            if held(self)? {
                return Ok(true);
            }
            self.step()?;
        }
        held(self)
    }

    pub(super) fn propose(&mut self, node: usize, id: &str) -> Result<(), Stop> {
        self.bench
            .call("cons.propose", json!({"node": node, "id": id, "value": format!("value of {id}")}))?;
        Ok(())
    }

    pub(super) fn committed(&mut self, node: usize, id: &str) -> Result<bool, Stop> {
        Ok(self.bench.call("cons.status", json!({"node": node, "id": id}))?["status"] == "committed")
    }

    pub(super) fn crash(&mut self, node: usize) -> Result<(), Stop> {
        self.bench.call("cons.crash", json!({"node": node}))?;
        self.down.insert(node);
        Ok(())
    }

    pub(super) fn restart(&mut self, node: usize) -> Result<(), Stop> {
        self.bench.call("cons.restart", json!({"node": node}))?;
        self.down.remove(&node);
        Ok(())
    }

    pub(super) fn log(&mut self, node: usize) -> Result<Log, Stop> {
        let told = self.bench.call("cons.log", json!({"node": node}))?;
        let row = |row: &Value| Some((row["id"].as_str()?.to_owned(), row["value"].as_str()?.to_owned()));
        let log: Option<Log> = told["applied"].as_array().and_then(|rows| rows.iter().map(row).collect());
        log.ok_or_else(|| fail("a log is a list of {id, value}", told.to_string()))
    }

    /// A member that says that it leads; of several the one with the highest view.
    pub(super) fn leader(&mut self) -> Result<Option<usize>, Stop> {
        let mut best = None;
        for node in 0..self.members {
            if self.down.contains(&node) {
                continue;
            }
            let told = self.bench.call("cons.log", json!({"node": node}))?;
            if told["leader"] == true {
                best = best.max(Some((told["view"].as_u64().unwrap_or(0), node)));
            }
        }
        Ok(best.map(|(_, node)| node))
    }

    /// Waits for a leader.
    pub(super) fn settle(&mut self) -> Result<usize, Stop> {
        self.until(10_000, &mut |cluster| Ok(cluster.leader()?.is_some()))?;
        self.leader()?.ok_or_else(|| fail("a healthy cluster has a leader", "none after 10 s"))
    }

    /// No two of these replicas have applied something different at the same place.
    pub(super) fn agree(&mut self, nodes: &[usize]) -> Result<(), Stop> {
        let mut longest: Log = Vec::new();
        for node in nodes {
            let log = self.log(*node)?;
            let differs = log.iter().zip(&longest).position(|(a, b)| a != b);
            ensure(differs.is_none(), "no two replicas apply differently", || {
                let at = differs.unwrap_or(0);
                format!("place {at}: {:?} at {node}, {:?} at another", log[at], longest[at])
            })?;
            if log.len() > longest.len() {
                longest = log;
            }
        }
        Ok(())
    }
}
