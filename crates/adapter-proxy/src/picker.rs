//! Which revision and which instance get the next request.
//!
//! Smooth weighted round robin: of every 100 requests each revision gets exactly its share, spread evenly, without
//! a random source. Within a revision the ready instances take turns.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use supervise::{RevisionId, Table};

use crate::counters::{Counters, Ending};
use crate::upstream::{Flight, Upstream};

/// One revision in the table.
#[derive(Debug)]
struct Arm {
    revision: RevisionId,
    weight: i64,
    /// How far it is behind its share.
    owed: i64,
    next: usize,
    upstreams: Vec<Arc<Upstream>>,
    counters: Arc<Counters>,
    name: HeaderValue,
}

/// An instance that was picked; counts as under way from here on.
#[derive(Debug)]
pub(crate) struct Picked {
    pub(crate) flight: Flight,
    pub(crate) counters: Arc<Counters>,
    pub(crate) name: HeaderValue,
}

impl Picked {
    /// The attempt has ended.
    pub(crate) fn count(&self, ending: Ending, took: Duration) {
        self.counters.count(ending, took);
        self.flight.0.tally.count(ending);
    }
}

/// The table with the turns taken so far.
#[derive(Debug, Default)]
pub(crate) struct Picker {
    arms: Vec<Arm>,
}

impl Picker {
    /// Takes the place of the table before. Instances in both keep their connections; those that left are returned.
    pub(crate) fn swap(
        &mut self,
        table: &Table,
        mut counters: impl FnMut(&RevisionId) -> Arc<Counters>,
    ) -> Vec<Arc<Upstream>> {
        let mut before: Vec<Arc<Upstream>> = self.arms.drain(..).flat_map(|arm| arm.upstreams).collect();
        for share in &table.shares {
            let counters = counters(&share.revision);
            let mut upstreams = Vec::with_capacity(share.upstreams.len());
            for up in &share.upstreams {
                let same = |old: &Arc<Upstream>| old.incarnation == up.incarnation && old.port == up.port;
                upstreams.push(match before.iter().position(same) {
                    Some(at) => before.swap_remove(at),
                    None => Arc::new(Upstream::new(up.incarnation, up.port, counters.slot(up.slot))),
                });
            }
            self.arms.push(Arm {
                revision: share.revision.clone(),
                weight: i64::from(share.weight.percent()),
                owed: 0,
                next: 0,
                upstreams,
                counters,
                name: HeaderValue::from_str(share.revision.as_str())
                    .unwrap_or_else(|_| HeaderValue::from_static("unnamed")),
            });
        }
        before
    }

    /// The next in turn, among revisions with a share and a ready instance.
    pub(crate) fn pick(&mut self) -> Option<Picked> {
        let able = |arm: &Arm| arm.weight > 0 && !arm.upstreams.is_empty();
        let total: i64 = self.arms.iter().filter(|arm| able(arm)).map(|arm| arm.weight).sum();
        let mut best: Option<usize> = None;
        for i in 0..self.arms.len() {
            if !able(&self.arms[i]) {
                continue;
            }
            self.arms[i].owed += self.arms[i].weight;
            if best.is_none_or(|best| self.arms[i].owed > self.arms[best].owed) {
                best = Some(i);
            }
        }
        let arm = &mut self.arms[best?];
        arm.owed -= total;
        arm.next = (arm.next + 1) % arm.upstreams.len();
        Some(picked(arm, arm.next))
    }

    /// Another instance for a request that could not be sent to those in `tried`: first of the same revision.
    pub(crate) fn pick_other(&self, tried: &[u32], revision: &HeaderValue) -> Option<Picked> {
        let same = self.arms.iter().filter(|arm| arm.name == revision);
        let other = self.arms.iter().filter(|arm| arm.name != revision && arm.weight > 0);
        same.chain(other).find_map(|arm| {
            let untried = |up: &Arc<Upstream>| !tried.contains(&up.incarnation);
            arm.upstreams.iter().position(untried).map(|at| picked(arm, at))
        })
    }

    pub(crate) fn upstream(&self, incarnation: u32) -> Option<&Arc<Upstream>> {
        let mut all = self.arms.iter().flat_map(|arm| &arm.upstreams);
        all.find(|up| up.incarnation == incarnation)
    }

    pub(crate) fn names(&self, revision: &RevisionId) -> bool {
        self.arms.iter().any(|arm| arm.revision == *revision)
    }
}

fn picked(arm: &Arm, at: usize) -> Picked {
    let flight = Flight::begin(&arm.upstreams[at]);
    Picked { flight, counters: Arc::clone(&arm.counters), name: arm.name.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervise::{Generation, Share, Weight};

    fn table(shares: &[(&str, u8, &[u32])]) -> Table {
        let share = |(name, weight, slots): &(&str, u8, &[u32])| Share {
            revision: RevisionId::new(*name),
            weight: Weight::new(*weight).unwrap(),
            upstreams: slots
                .iter()
                .map(|i| supervise::Upstream { slot: *i, incarnation: *i, port: 1000 + *i as u16 })
                .collect(),
        };
        Table { generation: Generation(1), shares: shares.iter().map(share).collect() }
    }

    fn counts(picker: &mut Picker, n: usize) -> Vec<(String, u32)> {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..n {
            let picked = picker.pick().unwrap();
            let key = (picked.name.to_str().unwrap().to_owned(), picked.flight.0.incarnation);
            *counts.entry(key).or_insert(0u32) += 1;
        }
        counts.into_iter().map(|((name, inc), n)| (format!("{name}{inc}"), n)).collect()
    }

    #[test]
    fn i07_of_every_hundred_requests_each_revision_gets_its_exact_share() {
        for weight in 0..=100u8 {
            let mut picker = Picker::default();
            picker.swap(&table(&[("a", 100 - weight, &[1]), ("b", weight, &[2])]), |_| Arc::default());
            for _ in 0..3 {
                let expected: Vec<_> = [("a1", 100 - u32::from(weight)), ("b2", u32::from(weight))]
                    .into_iter()
                    .filter(|(_, n)| *n > 0)
                    .map(|(name, n)| (name.to_owned(), n))
                    .collect();
                assert_eq!(counts(&mut picker, 100), expected);
            }
        }
    }

    #[test]
    fn i01_a_revision_without_a_ready_instance_is_routed_around() {
        let mut picker = Picker::default();
        picker.swap(&table(&[("a", 50, &[1, 2]), ("b", 50, &[])]), |_| Arc::default());
        assert_eq!(counts(&mut picker, 10), [("a1".to_owned(), 5), ("a2".to_owned(), 5)]);
        picker.swap(&table(&[]), |_| Arc::default());
        assert!(picker.pick().is_none());
    }

    #[test]
    fn a_swap_keeps_instances_that_stay_and_names_those_that_left() {
        let mut picker = Picker::default();
        picker.swap(&table(&[("a", 100, &[1, 2])]), |_| Arc::default());
        let kept = Arc::clone(picker.upstream(1).unwrap());
        let left = picker.swap(&table(&[("a", 100, &[1, 3])]), |_| Arc::default());
        assert_eq!(left.iter().map(|up| up.incarnation).collect::<Vec<_>>(), [2]);
        assert!(Arc::ptr_eq(&kept, picker.upstream(1).unwrap()));
    }

    #[test]
    fn another_instance_of_the_same_revision_comes_before_the_other_revision() {
        let mut picker = Picker::default();
        picker.swap(&table(&[("a", 90, &[1, 2]), ("b", 10, &[3])]), |_| Arc::default());
        let name = HeaderValue::from_static("a");
        let next = |tried: &[u32]| picker.pick_other(tried, &name).map(|p| p.flight.0.incarnation);
        assert_eq!((next(&[1]), next(&[1, 2]), next(&[1, 2, 3])), (Some(2), Some(3), None));
    }
}
