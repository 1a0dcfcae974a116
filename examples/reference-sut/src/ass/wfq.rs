//! Weighted fair queueing: the unit that would leave first if all flows were served at once, bit by bit.
//!
//! Sources: Demers et al. 1989, Parekh and Gallager 1993. The fluid system runs beside the real one and gives virtual
//! time: it moves by `rate / sum of the weights that have fluid`. A unit begins at the larger of the flow's last tag and
//! the virtual time of its arrival, and ends `size / weight` later; the least end is next.

use std::collections::BTreeMap;

use super::flows::{Flows, Policy, Unit};
use crate::dispatch::Setup;

#[derive(Clone, Copy, Default)]
struct Fluid {
    /// Bytes that the fluid system still has.
    left: f64,
    /// Tag at which the last unit of this flow that was served ends.
    tag: f64,
}

pub(super) struct Wfq {
    setup: Setup,
    /// Bytes a second.
    rate: f64,
    virtual_time: f64,
    at: u64,
    fluids: BTreeMap<u64, Fluid>,
}

impl Wfq {
    pub(super) const fn new(setup: Setup, rate: f64) -> Self {
        Self { setup, rate, virtual_time: 0.0, at: 0, fluids: BTreeMap::new() }
    }

    fn weight(flows: &Flows, flow: u64) -> f64 {
        flows.get(&flow).map_or(1.0, |it| it.weight)
    }

    /// Lets the fluid system run until now.
    fn advance(&mut self, flows: &Flows, now: u64) {
        let mut bytes = now.saturating_sub(self.at) as f64 / 1e9 * self.rate;
        self.at = self.at.max(now);
        while bytes > 0.0 {
            let active = self.fluids.iter().filter(|(_, fluid)| fluid.left > 0.0);
            let (mut weights, mut first) = (0.0, f64::INFINITY);
            for (flow, fluid) in active {
                let weight = Self::weight(flows, *flow);
                weights += weight;
                first = first.min(fluid.left / weight);
            }
            if weights == 0.0 {
                return;
            }
            // Until the first runs dry, or until now.
            let step = first.min(bytes / weights);
            for (flow, fluid) in self.fluids.iter_mut().filter(|(_, fluid)| fluid.left > 0.0) {
                fluid.left -= step * Self::weight(flows, *flow);
                if fluid.left < 1e-6 {
                    fluid.left = 0.0;
                }
            }
            self.virtual_time += step;
            bytes -= step * weights;
            if bytes < 1e-6 {
                return;
            }
        }
    }

    fn end(&self, flows: &Flows, flow: u64, unit: Unit) -> f64 {
        let tag = self.fluids.get(&flow).map_or(0.0, |fluid| fluid.tag);
        tag.max(unit.arrived) + unit.size as f64 / Self::weight(flows, flow)
    }
}

impl Policy for Wfq {
    fn arrives(&mut self, flows: &Flows, flow: u64, size: u64, wakes: bool, now: u64) -> f64 {
        self.advance(flows, now);
        self.fluids.entry(flow).or_default().left += size as f64;
        if wakes && self.setup.is("ass-starts-at-the-end") {
            let queued = |(id, it): (&u64, &super::flows::Flow)| {
                let tag = self.fluids.get(id).map_or(0.0, |fluid| fluid.tag);
                tag + it.queue.iter().map(|unit| unit.size).sum::<u64>() as f64 / it.weight
            };
            return flows
                .iter()
                .map(queued)
                .fold(self.virtual_time, f64::max)
                .min(self.virtual_time + 6_000.0);
        }
        self.virtual_time
    }

    fn pick(&mut self, flows: &Flows, now: u64) -> Option<u64> {
        self.advance(flows, now);
        let first = |(id, it): (&u64, &super::flows::Flow)| {
            it.queue.front().map(|unit| (self.end(flows, *id, *unit), *id))
        };
        flows
            .iter()
            .filter_map(first)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, id)| id)
    }

    fn served(&mut self, flows: &Flows, flow: u64, unit: Unit) {
        let end = self.end(flows, flow, unit);
        self.fluids.entry(flow).or_default().tag = end;
    }

    fn came_back(&mut self, _flows: &Flows, _flow: u64, _wakes: bool) {}

    fn removed(&mut self, flow: u64) {
        self.fluids.remove(&flow);
    }
}
