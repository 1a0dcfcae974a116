//! Flows with their queues, and what a policy has to do.

use std::collections::{BTreeMap, VecDeque};

/// Largest unit, in bytes.
pub(super) const MAX_UNIT: u64 = 1_500;

/// A unit of data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) id: u64,
    pub(super) size: u64,
    /// When it arrived, in the policy's virtual time.
    pub(super) arrived: f64,
}

/// A flow.
pub(super) struct Flow {
    pub(super) weight: f64,
    pub(super) priority: u64,
    pub(super) queue: VecDeque<Unit>,
}

/// All flows, by id.
pub(super) type Flows = BTreeMap<u64, Flow>;

/// Which flow is next.
pub(super) trait Policy {
    /// A unit arrives for a flow; gives the virtual time to note with it. `wakes`: its queue was empty.
    fn arrives(&mut self, flows: &Flows, flow: u64, size: u64, wakes: bool, now: u64) -> f64;
    /// The flow whose first unit is next; its first unit leaves.
    fn pick(&mut self, flows: &Flows, now: u64) -> Option<u64>;
    /// The unit that was picked is gone from the queue.
    fn served(&mut self, flows: &Flows, flow: u64, unit: Unit);
    /// Units came back to the front of a flow. `wakes`: its queue was empty.
    fn came_back(&mut self, flows: &Flows, flow: u64, wakes: bool);
    /// The flow is gone.
    fn removed(&mut self, flow: u64);
}
