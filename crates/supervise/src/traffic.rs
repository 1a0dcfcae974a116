//! Shares of the traffic: who has which, when an order may raise one, and the table that follows.

use machine::Timestamp;

use crate::supervisor::{Lease, Supervisor};
use crate::{Generation, Order, RevisionId, Share, Table, Upstream, Weight};

impl Supervisor {
    /// All traffic on stable, or none at all when there is no stable.
    pub(crate) fn all_to_stable(&mut self) {
        self.weights.clear();
        if let Some(stable) = &self.stable {
            self.weights.insert(stable.clone(), Weight::ALL);
        }
    }

    pub(crate) fn weight_of(&self, revision: &RevisionId) -> Weight {
        self.weights.get(revision).copied().unwrap_or_default()
    }

    fn ready_of(&self, revision: &RevisionId) -> u32 {
        self.revisions.get(revision).map_or(0, crate::supervisor::Revision::ready)
    }

    /// Why this share may not be ordered: I1 and I3. Zero is always allowed, and so is the first release.
    pub(crate) fn weight_refusal(&self, revision: &RevisionId, weight: Weight) -> Option<String> {
        let Some(known) = self.revisions.get(revision) else {
            return Some(format!("no revision {revision}"));
        };
        if weight == Weight::NONE {
            return None;
        }
        if !known.wanted {
            return Some(format!("revision {revision} is not running"));
        }
        let stable = self.stable.as_ref()?;
        let (ready, wanted) = (known.ready(), known.spec.instances.max(1));
        let raised = weight > self.weight_of(revision);
        if raised && u32::from(weight.percent()) * wanted > 100 * ready {
            return Some(format!("{weight} is more than {ready} ready of {wanted} instances can carry"));
        }
        let gives_stable_its_first = weight < Weight::ALL && self.weight_of(stable) == Weight::NONE;
        if gives_stable_its_first && stable != revision && self.ready_of(stable) == 0 && ready > 0 {
            return Some(format!("stable {stable} has no ready instance; only 0 % returns traffic to it"));
        }
        None
    }

    /// `revision` gets its share under a lease, stable the rest. Without a stable there is nobody else.
    pub(crate) fn share(
        &mut self,
        now: Timestamp,
        order: &Order,
        revision: &RevisionId,
        weight: Weight,
        ms: u64,
    ) {
        self.weights.clear();
        let rest = Weight::new(100 - weight.percent()).unwrap_or_default();
        match self.stable.clone() {
            Some(stable) if &stable == revision => {
                self.weights.insert(stable, Weight::ALL);
            }
            Some(stable) => {
                self.weights.insert(stable, rest);
                self.weights.insert(revision.clone(), weight);
                self.weights.retain(|_, weight| *weight != Weight::NONE);
            }
            None if weight == Weight::NONE => {}
            None => {
                self.weights.insert(revision.clone(), Weight::ALL);
            }
        }
        let (run, revision) = (order.run.clone(), revision.clone());
        self.lease = Some(Lease { run, revision, until: now.after(ms), length_ms: ms });
    }

    /// The table as it should be now.
    pub(crate) fn table(&self) -> Table {
        let share = |(revision, weight): (&RevisionId, &Weight)| {
            let slots = self.revisions.get(revision).map(|known| known.slots.as_slice()).unwrap_or_default();
            let upstreams = slots.iter().filter_map(|slot| {
                let instance = slot.ready()?;
                let port = instance.process?.port;
                Some(Upstream { slot: slot.n, incarnation: instance.incarnation, port })
            });
            Share { revision: revision.clone(), weight: *weight, upstreams: upstreams.collect() }
        };
        Table { generation: self.generation, shares: self.weights.iter().map(share).collect() }
    }

    /// Whether a revision carries traffic or is about to: then it is neither stopped nor forgotten.
    pub(crate) fn in_use(&self, revision: &RevisionId) -> bool {
        self.stable.as_ref() == Some(revision) || self.weight_of(revision) > Weight::NONE
    }

    /// The generation of the last table.
    pub fn routed_generation(&self) -> Generation {
        self.routed.generation
    }
}
