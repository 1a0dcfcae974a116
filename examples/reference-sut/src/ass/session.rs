//! The operations `ass.*`: flows in, units onto streams, back again when a stream is lost.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::drr::Drr;
use super::flows::{Flow, Flows, MAX_UNIT, Policy, Unit};
use super::strict::Strict;
use super::wfq::Wfq;
use crate::dispatch::Setup;
use crate::refusal::{Answer, Refusal, invalid, number, refuse, text, unsupported, whole, whole_or};

/// Flows, streams and units without an acknowledgement of one session.
const MOST: usize = 1 << 17;
const SECOND: u64 = 1_000_000_000;

struct Stream {
    /// Bytes a second; 0: no limit.
    rate: u64,
    busy_until: u64,
    up: bool,
}

struct Scheduler {
    policy: Box<dyn Policy>,
    /// Units that a flow may hold.
    capacity: u64,
    flows: Flows,
    streams: BTreeMap<u64, Stream>,
    /// Unit to stream, flow and size.
    unacked: BTreeMap<u64, (u64, u64, u64)>,
    /// Units given out; only a fault looks at it.
    given: u64,
}

pub(super) struct Session {
    setup: Setup,
    scheduler: Option<Scheduler>,
}

fn weight(params: &Value) -> Result<f64, Refusal> {
    let weight = if params["weight"].is_null() { 1.0 } else { number(params, "weight")? };
    if (0.001..=1e6).contains(&weight) { Ok(weight) } else { Err(invalid("weight: 0.001 to 1000000")) }
}

impl Session {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, scheduler: None }
    }

    fn open(&mut self, params: &Value) -> Answer {
        let rate = whole_or(params, "rate", 0)?;
        let policy: Box<dyn Policy> = match text(params, "policy")? {
            "drr" => Box::new(Drr::new(self.setup)),
            "wfq" => Box::new(Wfq::new(self.setup, rate as f64)),
            "strict" => Box::new(Strict::new(self.setup)),
            other => return Err(invalid(format!("policy is {other}: drr, wfq or strict"))),
        };
        let capacity = whole_or(params, "capacity", 1 << 16)?;
        let (flows, streams, unacked) = (Flows::new(), BTreeMap::new(), BTreeMap::new());
        self.scheduler = Some(Scheduler { policy, capacity, flows, streams, unacked, given: 0 });
        Ok(json!({"quantum": super::drr::QUANTUM, "max_unit": MAX_UNIT, "capacity": capacity}))
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        match op {
            "ass.open" => return self.open(params),
            "ass.bench" => return super::bench::run(self.setup, params),
            _ if !op.starts_with("ass.") => return Err(unsupported(op)),
            _ => {}
        }
        let setup = self.setup;
        let opened = self.scheduler.as_mut();
        let scheduler = opened.ok_or_else(|| refuse("closed", "no scheduler is open; ass.open opens one"))?;
        match op {
            "ass.flow.add" => scheduler.add(params),
            "ass.flow.set" => scheduler.set(params),
            "ass.flow.remove" => scheduler.remove(params),
            "ass.stream.up" => scheduler.up(params),
            "ass.stream.down" => scheduler.down(setup, params),
            "ass.enqueue" => scheduler.enqueue(setup, params),
            "ass.dequeue" => scheduler.dequeue(setup, params),
            "ass.ack" => {
                scheduler.unacked.remove(&whole(params, "unit")?);
                Ok(json!({}))
            }
            "ass.stats" => {
                let queued: usize = scheduler.flows.values().map(|flow| flow.queue.len()).sum();
                Ok(json!({"queued": queued, "unacked": scheduler.unacked.len()}))
            }
            _ => Err(unsupported(op)),
        }
    }
}

impl Scheduler {
    fn flow(&mut self, id: u64) -> Result<&mut Flow, Refusal> {
        self.flows.get_mut(&id).ok_or_else(|| invalid(format!("there is no flow {id}")))
    }

    fn add(&mut self, params: &Value) -> Answer {
        let id = whole(params, "id")?;
        if self.flows.len() >= MOST {
            return Err(refuse("overload", format!("more than {MOST} flows")));
        }
        if self.flows.contains_key(&id) {
            return Err(invalid(format!("flow {id} is there already")));
        }
        let priority = whole_or(params, "priority", 0)?;
        self.flows.insert(id, Flow { weight: weight(params)?, priority, queue: VecDeque::new() });
        Ok(json!({}))
    }

    fn set(&mut self, params: &Value) -> Answer {
        let new = weight(params)?;
        self.flow(whole(params, "id")?)?.weight = new;
        Ok(json!({}))
    }

    fn remove(&mut self, params: &Value) -> Answer {
        let id = whole(params, "id")?;
        let dropped = self.flow(id)?.queue.len();
        self.policy.removed(id);
        self.flows.remove(&id);
        Ok(json!({"dropped": dropped}))
    }

    fn up(&mut self, params: &Value) -> Answer {
        let (id, rate) = (whole(params, "id")?, whole_or(params, "rate", 0)?);
        self.streams.insert(id, Stream { rate, busy_until: 0, up: true });
        Ok(json!({}))
    }

    /// What the stream had and nobody acknowledged goes back to the front of its flows, in the old order.
    fn down(&mut self, setup: Setup, params: &Value) -> Answer {
        let id = whole(params, "id")?;
        let stream = self.streams.get_mut(&id).ok_or_else(|| invalid(format!("there is no stream {id}")))?;
        stream.up = false;
        let lost: Vec<(u64, u64, u64)> =
            self.unacked.iter().filter(|(_, it)| it.0 == id).map(|(unit, it)| (*unit, it.1, it.2)).collect();
        for (unit, flow, size) in lost.iter().rev() {
            if !setup.is("ass-down-again") {
                self.unacked.remove(unit);
            }
            let Some(of) = self.flows.get_mut(flow) else { continue };
            let wakes = of.queue.is_empty();
            of.queue.push_front(Unit { id: *unit, size: *size, arrived: 0.0 });
            self.policy.came_back(&self.flows, *flow, wakes);
        }
        Ok(json!({"requeued": lost.len()}))
    }

    fn enqueue(&mut self, setup: Setup, params: &Value) -> Answer {
        let (id, size) = (whole(params, "flow")?, whole(params, "size")?);
        let (unit, now) = (whole(params, "unit")?, whole(params, "now")?);
        if size == 0 || size > MAX_UNIT {
            return Err(invalid(format!("size is {size}: 1 to {MAX_UNIT}")));
        }
        let capacity = self.capacity;
        let queue = &mut self.flow(id)?.queue;
        if queue.len() as u64 >= capacity {
            if !setup.is("ass-drops-the-oldest") {
                return Err(refuse("overload", format!("flow {id} holds {capacity} units")));
            }
            queue.pop_front();
        }
        let wakes = queue.is_empty();
        let arrived = self.policy.arrives(&self.flows, id, size, wakes, now);
        let queue = &mut self.flow(id)?.queue;
        let unit = Unit { id: unit, size, arrived };
        if setup.is("ass-small-first") && size < 64 {
            queue.push_front(unit);
        } else {
            queue.push_back(unit);
        }
        Ok(json!({}))
    }

    fn dequeue(&mut self, setup: Setup, params: &Value) -> Answer {
        let now = whole(params, "now")?;
        let up = || self.streams.iter().filter(|(_, stream)| stream.up);
        let free = if setup.is("ass-modulo") {
            let nth = self.given as usize % up().count().max(1);
            up().nth(nth).filter(|(_, stream)| stream.busy_until <= now)
        } else {
            up().filter(|(_, stream)| stream.busy_until <= now).min_by_key(|(id, it)| (it.busy_until, **id))
        };
        let Some(stream) = free.map(|(id, _)| *id) else { return Ok(json!({"idle": true})) };
        if self.unacked.len() >= MOST {
            return Err(refuse("overload", format!("{MOST} units are not acknowledged")));
        }
        let Some(flow) = self.policy.pick(&self.flows, now) else { return Ok(json!({"idle": true})) };
        let Some(unit) = self.flow(flow)?.queue.pop_front() else { return Ok(json!({"idle": true})) };
        self.policy.served(&self.flows, flow, unit);
        self.given += 1;
        self.unacked.insert(unit.id, (stream, flow, unit.size));
        if let Some(it) = self.streams.get_mut(&stream).filter(|it| it.rate > 0) {
            it.busy_until = now + unit.size * SECOND / it.rate;
        }
        Ok(json!({"flow": flow, "unit": unit.id, "size": unit.size, "stream": stream}))
    }
}
