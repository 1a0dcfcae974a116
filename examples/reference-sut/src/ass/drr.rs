//! Deficit round robin: Shreedhar and Varghese 1996.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::flows::{Flows, Policy, Unit};
use crate::dispatch::Setup;

/// Bytes a round for a flow of weight 1.
pub(super) const QUANTUM: f64 = 1_500.0;
/// Rounds for one unit: a flow of weight 0.001 needs a thousand.
const ROUNDS: usize = 2_000;

/// Only a fault looks at it.
static SESSIONS: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Drr {
    setup: Setup,
    active: VecDeque<u64>,
    deficit: BTreeMap<u64, f64>,
    /// The first of the active has had its quantum of this round.
    granted: bool,
    /// Weights as of the flow's last idleness; only a fault looks at them.
    idle_weights: BTreeMap<u64, f64>,
    rotate: usize,
}

impl Drr {
    pub(super) fn new(setup: Setup) -> Self {
        let rotate = SESSIONS.fetch_add(1, Ordering::Relaxed);
        Self {
            setup,
            active: VecDeque::new(),
            deficit: BTreeMap::new(),
            granted: false,
            idle_weights: BTreeMap::new(),
            rotate,
        }
    }

    fn weight(&self, flows: &Flows, flow: u64) -> f64 {
        let mut weight = flows.get(&flow).map_or(1.0, |it| it.weight);
        if self.setup.is("ass-weight-when-idle") {
            weight = self.idle_weights.get(&flow).copied().unwrap_or(weight);
        }
        if self.setup.is("ass-whole-weights") {
            weight = weight.floor().max(1.0);
        }
        if self.setup.is("ass-weights-up-to-forty") { weight.min(40.0) } else { weight }
    }

    fn wake(&mut self, flows: &Flows, flow: u64) {
        self.idle_weights.insert(flow, flows.get(&flow).map_or(1.0, |it| it.weight));
        if self.setup.is("ass-newcomer-first") && !self.active.is_empty() {
            self.active.insert(usize::from(self.granted), flow);
        } else {
            self.active.push_back(flow);
        }
        self.deficit.entry(flow).or_insert(0.0);
    }

    fn next_in_line(&mut self) {
        if let Some(flow) = self.active.pop_front() {
            self.active.push_back(flow);
        }
        self.granted = false;
    }
}

impl Policy for Drr {
    fn arrives(&mut self, flows: &Flows, flow: u64, _size: u64, wakes: bool, _now: u64) -> f64 {
        if wakes {
            self.wake(flows, flow);
        }
        0.0
    }

    fn pick(&mut self, flows: &Flows, _now: u64) -> Option<u64> {
        if self.setup.is("ass-remembers") && !self.active.is_empty() {
            let by = std::mem::take(&mut self.rotate) % self.active.len();
            self.active.rotate_left(by);
        }
        let rounds = if self.setup.is("ass-one-round-only") { 1 } else { ROUNDS };
        for _ in 0..=rounds * self.active.len().max(1) {
            let flow = *self.active.front()?;
            let size = flows.get(&flow)?.queue.front()?.size as f64;
            let quantum = QUANTUM * self.weight(flows, flow);
            let deficit = self.deficit.entry(flow).or_insert(0.0);
            if !self.granted {
                *deficit += quantum;
                self.granted = true;
            }
            if *deficit >= size {
                return Some(flow);
            }
            self.next_in_line();
        }
        None
    }

    fn served(&mut self, flows: &Flows, flow: u64, unit: Unit) {
        let cheap = self.setup.is("ass-jumbo-is-cheap");
        let cost = if cheap { unit.size.min(1_000) } else { unit.size } as f64;
        *self.deficit.entry(flow).or_insert(0.0) -= cost;
        if flows.get(&flow).is_some_and(|it| it.queue.is_empty()) {
            self.active.pop_front();
            self.granted = false;
            self.deficit.insert(flow, 0.0);
        }
        if self.setup.is("ass-deficit-stays") {
            // Each visit of the round gives the idle ones their quantum as well, up to 20 of them.
            for (idle, deficit) in &mut self.deficit {
                if flows.get(idle).is_some_and(|it| it.queue.is_empty()) {
                    *deficit = (*deficit + QUANTUM).min(20.0 * QUANTUM);
                }
            }
        }
    }

    fn came_back(&mut self, flows: &Flows, flow: u64, wakes: bool) {
        if wakes {
            self.wake(flows, flow);
        }
    }

    fn removed(&mut self, flow: u64) {
        if self.active.front() == Some(&flow) {
            self.granted = false;
        }
        self.active.retain(|other| *other != flow);
        self.deficit.remove(&flow);
        self.idle_weights.remove(&flow);
    }
}
