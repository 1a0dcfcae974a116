//! A message bus in the hands of the harness: by seed it permutes, drops, duplicates, delays and partitions.
//!
//! ```
//! use dwcp_conformance::bus::{Bus, Faults};
//!
//! let mut bus = Bus::new(1, Faults { latest: 5, ..Faults::none() });
//! bus.post(0, 0, 1, "hello");
//! let due = bus.due(10);
//! assert_eq!((due[0].from, due[0].to, due[0].message), (0, 1, "hello"));
//! ```

use std::collections::BTreeMap;

use crate::rng::Rng;

/// What happens to messages. Chances are 0..1; delays are in the unit of the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Chance to be lost.
    pub drop: f64,
    /// Chance to come twice.
    pub duplicate: f64,
    /// Shortest delay.
    pub soonest: u64,
    /// Longest delay. Between the two each is as likely, so that messages overtake one another.
    pub latest: u64,
}

impl Faults {
    /// None: all at once, in order.
    pub const fn none() -> Self {
        Self { drop: 0.0, duplicate: 0.0, soonest: 0, latest: 0 }
    }
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<M> {
    /// Who sent it.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// What.
    pub message: M,
}

/// The bus.
#[derive(Clone, Debug)]
pub struct Bus<M> {
    /// What happens to messages that are posted from now on.
    pub faults: Faults,
    rng: Rng,
    order: u64,
    travelling: BTreeMap<(u64, u64), Envelope<M>>,
    /// Side of each node; nodes on different sides do not hear each other. Nodes that are not named are on side 0.
    sides: BTreeMap<usize, u32>,
    dropped: u64,
}

impl<M: Clone> Bus<M> {
    /// An empty bus.
    pub fn new(seed: u64, faults: Faults) -> Self {
        let (travelling, sides) = (BTreeMap::new(), BTreeMap::new());
        Self { faults, rng: Rng::new(seed), order: 0, travelling, sides, dropped: 0 }
    }

    /// Puts nodes onto a side.
    pub fn partition(&mut self, nodes: impl IntoIterator<Item = usize>, side: u32) {
        self.sides.extend(nodes.into_iter().map(|node| (node, side)));
    }

    /// All nodes hear each other again. What was lost stays lost.
    pub fn heal(&mut self) {
        self.sides.clear();
    }

    fn parted(&self, a: usize, b: usize) -> bool {
        let side = |node| self.sides.get(&node).copied().unwrap_or(0);
        side(a) != side(b)
    }

    /// Hands a message over.
    pub fn post(&mut self, now: u64, from: usize, to: usize, message: M) {
        if self.parted(from, to) || self.rng.chance(self.faults.drop) {
            self.dropped += 1;
            return;
        }
        let copies = if self.rng.chance(self.faults.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            let (soonest, latest) = (self.faults.soonest, self.faults.latest.max(self.faults.soonest));
            self.order += 1;
            let at = now + self.rng.between(soonest, latest);
            self.travelling.insert((at, self.order), Envelope { from, to, message: message.clone() });
        }
    }

    /// What has arrived by now, in the order of arrival. A partition also stops what is under way.
    pub fn due(&mut self, now: u64) -> Vec<Envelope<M>> {
        let later = self.travelling.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut self.travelling, later);
        let (lost, kept): (Vec<_>, Vec<_>) =
            due.into_values().partition(|envelope| self.parted(envelope.from, envelope.to));
        self.dropped += lost.len() as u64;
        kept
    }

    /// When the next message arrives.
    pub fn next(&self) -> Option<u64> {
        self.travelling.keys().next().map(|(at, _)| *at)
    }

    /// How many were lost, by chance or by a partition.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::{Bus, Faults};

    #[test]
    fn without_faults_all_come_once_and_in_order() {
        let mut bus = Bus::new(1, Faults::none());
        (0..20).for_each(|n| bus.post(0, 0, 1, n));
        assert_eq!(
            bus.due(0).into_iter().map(|it| it.message).collect::<Vec<_>>(),
            (0..20).collect::<Vec<_>>()
        );
        assert!(bus.next().is_none());
    }

    #[test]
    fn faults_happen_about_as_often_as_they_should() {
        let mut bus = Bus::new(2, Faults { drop: 0.3, duplicate: 0.1, soonest: 1, latest: 50 });
        (0..10_000).for_each(|n| bus.post(0, 0, 1, n));
        let came: Vec<i32> = bus.due(50).into_iter().map(|it| it.message).collect();
        // Six standard deviations around 0.7 x 1.1 x 10 000 and 3 000.
        assert!((7_380..=8_020).contains(&came.len()), "{}", came.len());
        assert!((2_720..=3_280).contains(&bus.dropped()), "{}", bus.dropped());
        assert!(came.windows(2).any(|two| two[0] > two[1]), "nothing overtook");
    }

    #[test]
    fn a_partition_parts_and_heals() {
        let mut bus = Bus::new(3, Faults { soonest: 5, latest: 5, ..Faults::none() });
        bus.post(0, 0, 1, "under way");
        bus.partition([1], 1);
        bus.post(0, 0, 1, "parted");
        bus.post(0, 0, 2, "same side");
        assert_eq!(bus.due(5).len(), 1);
        bus.heal();
        bus.post(6, 0, 1, "healed");
        assert_eq!(bus.due(11)[0].message, "healed");
        assert_eq!(bus.dropped(), 2);
    }
}
