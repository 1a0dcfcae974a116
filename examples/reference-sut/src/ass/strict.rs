//! Strict priority: the highest class first, flows of a class in turn.

use super::flows::{Flows, Policy, Unit};
use crate::dispatch::Setup;

pub(super) struct Strict {
    setup: Setup,
    last: u64,
    /// Only a fault sends a second unit of the same choice.
    again: Option<u64>,
}

impl Strict {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, last: 0, again: None }
    }
}

impl Policy for Strict {
    fn arrives(&mut self, _flows: &Flows, _flow: u64, _size: u64, _wakes: bool, _now: u64) -> f64 {
        0.0
    }

    fn pick(&mut self, flows: &Flows, _now: u64) -> Option<u64> {
        if let Some(flow) =
            self.again.take().filter(|flow| flows.get(flow).is_some_and(|it| !it.queue.is_empty()))
        {
            return Some(flow);
        }
        let waiting = || flows.iter().filter(|(_, it)| !it.queue.is_empty());
        let highest = waiting().map(|(_, it)| it.priority).max()?;
        let of_class = || waiting().filter(|(_, it)| it.priority == highest).map(|(id, _)| *id);
        let next = of_class().find(|id| *id > self.last).or_else(|| of_class().next())?;
        self.last = next;
        if self.setup.is("ass-pairs") {
            self.again = Some(next);
        }
        Some(next)
    }

    fn served(&mut self, _flows: &Flows, _flow: u64, _unit: Unit) {}

    fn came_back(&mut self, _flows: &Flows, _flow: u64, _wakes: bool) {}

    fn removed(&mut self, _flow: u64) {}
}
