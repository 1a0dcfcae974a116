//! `pba.reserve`, `.release`, `.capacity`: bandwidth for a time, pre-empted by priority.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::forecaster::amount;
use crate::dispatch::{Observed, Setup};
use crate::refusal::{Answer, Refusal, invalid, refuse, text, unsupported, whole_or};

const MOST: usize = 10_000;
/// Bytes a second of one Mbit/s.
const BYTES: f64 = 125_000.0;

struct Reservation {
    amount: f64,
    priority: u64,
    until: f64,
    order: u64,
}

pub(super) struct Reservations {
    setup: Setup,
    total: f64,
    held: BTreeMap<String, Reservation>,
    order: u64,
}

impl Reservations {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, total: 1_000.0, held: BTreeMap::new(), order: 0 }
    }

    pub(super) fn resize(&mut self, params: &Value) -> Result<(), Refusal> {
        self.total = amount(params, "capacity", 1_000.0)?;
        self.held.clear();
        Ok(())
    }

    fn allocated(&self) -> f64 {
        self.held.values().map(|it| it.amount).sum()
    }

    pub(super) fn handle(&mut self, op: &str, params: &Value) -> Answer {
        let now = amount(params, "now", 0.0)?;
        if !self.setup.is("pba-never-expires") {
            self.held.retain(|_, it| it.until > now);
        }
        match op {
            "pba.reserve" => self.reserve(params, now),
            "pba.release" => {
                let id = text(params, "id")?;
                let gone = self.held.remove(id);
                gone.map(|it| json!({"released": it.amount}))
                    .ok_or_else(|| invalid(format!("{id} is not reserved")))
            }
            "pba.capacity" => Ok(self.capacity()),
            _ => Err(unsupported(op)),
        }
    }

    fn capacity(&self) -> Value {
        let allocated = self.allocated();
        json!({"total": self.total, "allocated": allocated, "available": self.total - allocated})
    }

    fn reserve(&mut self, params: &Value, now: f64) -> Answer {
        let (id, wanted) = (text(params, "id")?.to_owned(), amount(params, "amount", f64::NAN)?);
        let (priority, until) = (whole_or(params, "priority", 0)?, amount(params, "until", 1e12)?);
        if until <= now || self.held.contains_key(&id) {
            return Err(invalid("until is over, or the id is reserved already"));
        }
        if self.held.len() >= MOST {
            return Err(refuse("overload", format!("more than {MOST} reservations")));
        }
        // Lower priorities only, the lowest first, of those the youngest first.
        let mut lower: Vec<(u64, u64, String)> = self
            .held
            .iter()
            .filter(|(_, it)| it.priority < priority)
            .map(|(name, it)| (it.priority, u64::MAX - it.order, name.clone()))
            .collect();
        lower.sort();
        if self.setup.is("pba-oldest-first") {
            lower.sort_by_key(|(_, youth, _)| std::cmp::Reverse(*youth));
        }
        let (mut free, mut victims) = (self.total - self.allocated(), Vec::new());
        for (_, _, name) in lower {
            if free >= wanted {
                break;
            }
            free += self.held[&name].amount;
            victims.push(name);
        }
        if free < wanted {
            return Err(refuse("overload", format!("{wanted} wanted, {free} can be had")));
        }
        for name in &victims {
            self.held.remove(name);
        }
        self.order += 1;
        self.held.insert(id, Reservation { amount: wanted, priority, until, order: self.order });
        Ok(json!({"granted": wanted, "preempted": victims}))
    }

    pub(super) fn observe(&self, into: &mut Observed) {
        into.insert("dwcp_bandwidth_allocated_bytes".to_owned(), self.allocated() * BYTES);
        into.insert("dwcp_bandwidth_available_bytes".to_owned(), self.total * BYTES);
    }
}
