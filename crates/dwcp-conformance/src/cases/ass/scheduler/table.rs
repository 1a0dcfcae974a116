//! A scheduler under test: asks it, keeps the virtual time, and checks each answer against what was put in.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::stop::{CallError, Stop, ensure, fail};

/// Bytes a second of the usual single stream.
pub(super) const RATE: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// A unit that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) flow: u64,
    pub(super) unit: u64,
    pub(super) size: u64,
    pub(super) stream: u64,
}

/// The scheduler and what the harness knows of it.
pub(super) struct Table<'b, 'w> {
    pub(super) bench: &'b mut Bench<'w>,
    pub(super) now: u64,
    next: u64,
    /// Bytes a round for weight 1, where the policy has rounds.
    pub(super) quantum: Option<f64>,
    /// Flow to what is queued: unit and size, in order.
    pub(super) queued: BTreeMap<u64, VecDeque<(u64, u64)>>,
}

impl<'b, 'w> Table<'b, 'w> {
    /// Opens a policy with one stream of the usual rate.
    pub(super) fn open(bench: &'b mut Bench<'w>, policy: &str) -> Result<Self, Stop> {
        let mut table = Self::without_stream(bench, policy, json!({"policy": policy, "rate": RATE}))?;
        table.stream(1, RATE)?;
        Ok(table)
    }

    pub(super) fn without_stream(
        bench: &'b mut Bench<'w>,
        policy: &str,
        params: Value,
    ) -> Result<Self, Stop> {
        let opened = bench.call("ass.open", params)?;
        let quantum = opened["quantum"].as_f64().filter(|_| policy == "drr");
        Ok(Self { bench, now: 0, next: 0, quantum, queued: BTreeMap::new() })
    }

    pub(super) fn stream(&mut self, id: u64, rate: u64) -> Result<(), Stop> {
        self.bench.call("ass.stream.up", json!({"id": id, "rate": rate}))?;
        Ok(())
    }

    pub(super) fn flow(&mut self, id: u64, weight: f64, priority: u64) -> Result<(), Stop> {
        self.bench.call("ass.flow.add", json!({"id": id, "weight": weight, "priority": priority}))?;
        self.queued.insert(id, VecDeque::new());
        Ok(())
    }

    /// Puts units of those sizes into flows, in that order.
    pub(super) fn put(&mut self, units: &[(u64, u64)]) -> Result<(), Stop> {
        let mut requests = Vec::new();
        for (flow, size) in units {
            let unit = self.next;
            self.next += 1;
            self.queued.entry(*flow).or_default().push_back((unit, *size));
            requests
                .push(("ass.enqueue", json!({"flow": flow, "unit": unit, "size": size, "now": self.now})));
        }
        for answer in self.bench.call_all(requests)? {
            answer?;
        }
        Ok(())
    }

    /// Puts one unit; gives the answer, and counts the unit only when it was accepted.
    pub(super) fn try_put(&mut self, flow: u64, size: u64) -> Result<Value, CallError> {
        let unit = self.next;
        let params = json!({"flow": flow, "unit": unit, "size": size, "now": self.now});
        let answer = self.bench.call("ass.enqueue", params)?;
        self.next += 1;
        self.queued.entry(flow).or_default().push_back((unit, size));
        Ok(answer)
    }

    /// Takes what is next now, without moving the clock. Checks that it is the first of its flow.
    pub(super) fn take(&mut self) -> Result<Option<Served>, Stop> {
        let answer = self.bench.call("ass.dequeue", json!({"now": self.now}))?;
        if answer["idle"] == true {
            return Ok(None);
        }
        let number = |key: &str| answer[key].as_u64();
        let (Some(flow), Some(unit), Some(size)) = (number("flow"), number("unit"), number("size")) else {
            return Err(fail("dequeue gives flow, unit and size, or idle", answer.to_string()));
        };
        let first = self.queued.get_mut(&flow).and_then(VecDeque::pop_front);
        ensure(first == Some((unit, size)), "a unit comes once and in the order of its flow", || {
            format!("flow {flow} gave unit {unit} of {size} bytes, {first:?} was due")
        })?;
        Ok(Some(Served { flow, unit, size, stream: number("stream").unwrap_or(0) }))
    }

    /// Takes what is next and lets the single stream send it; the unit is acknowledged.
    pub(super) fn serve(&mut self) -> Result<Option<Served>, Stop> {
        let Some(served) = self.take()? else { return Ok(None) };
        self.now += served.size * SECOND_NS / RATE;
        self.ack(served.unit)?;
        Ok(Some(served))
    }

    /// As `serve`, where there is something to be served.
    pub(super) fn must_serve(&mut self) -> Result<Served, Stop> {
        let served = self.serve()?;
        served.ok_or_else(|| fail("a scheduler with backlog and an up stream is not idle", "it was idle"))
    }

    pub(super) fn ack(&mut self, unit: u64) -> Result<(), Stop> {
        self.bench.call("ass.ack", json!({"unit": unit}))?;
        Ok(())
    }

    pub(super) fn backlog(&self) -> usize {
        self.queued.values().map(VecDeque::len).sum()
    }
}
