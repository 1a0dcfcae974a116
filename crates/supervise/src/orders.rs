//! Orders: checked in one sequence (fence, latch, key, view), then one change of the desired state.

use machine::{Millis, Timestamp};

use crate::admission::{refusal_of_key, refusal_of_spec};
use crate::memory::Mark;
use crate::supervisor::{Artifact, REVISIONS_MAX, Revision, Supervisor};
use crate::{Answer, Desired, Order, Reply, RevisionId, RevisionSpec, Weight};

/// Longest lease that a weight order may ask for.
const LEASE_MAX_MS: Millis = 24 * 60 * 60 * 1000;

impl Supervisor {
    pub(crate) fn order(&mut self, now: Timestamp, order: &Order) -> Reply {
        Reply::Answer(self.answer(now, order))
    }

    fn answer(&mut self, now: Timestamp, order: &Order) -> Answer {
        if let Some(answer) = self.fence(&order.run, order.epoch) {
            return answer;
        }
        self.heard(now);
        let moves_traffic = matches!(order.desired, Desired::Weight { .. } | Desired::Stable { .. });
        if moves_traffic && let Some(answer) = self.latch_answer(now, &order.run) {
            return answer;
        }
        if let Some(generation) = self.keys.accepted(&order.key) {
            return Answer::Accepted { generation };
        }
        if order.expects.is_some_and(|expected| expected != self.generation) {
            return Answer::Conflict { generation: self.generation };
        }
        let changed = match refusal_of_key(&order.key) {
            Some(reason) => Err(reason),
            None => self.apply(now, order),
        };
        match changed {
            Err(reason) => Answer::Refused { reason },
            Ok(changed) => {
                if changed {
                    self.generation = self.generation.next();
                }
                self.keys.remember(&order.key, self.generation);
                self.heard(now);
                Answer::Accepted { generation: self.generation }
            }
        }
    }

    /// Whether the desired state changed, or why it may not.
    fn apply(&mut self, now: Timestamp, order: &Order) -> Result<bool, String> {
        match &order.desired {
            Desired::Running { spec } => self.run(order, spec),
            Desired::Weight { revision, weight, lease_ms } => {
                if *lease_ms == 0 || *lease_ms > LEASE_MAX_MS {
                    return Err(format!("a lease is 1 ms to 24 h, not {lease_ms} ms"));
                }
                if let Some(reason) = self.weight_refusal(revision, *weight) {
                    return Err(reason);
                }
                self.share(now, order, revision, *weight, *lease_ms);
                Ok(true)
            }
            Desired::Restarts { revision, slot, restarts } => self.restart(revision, *slot, *restarts),
            Desired::Stable { revision } => self.promote(now, order, revision),
            Desired::Stopped { revision, retain_ms } => self.stop(now, revision, *retain_ms),
        }
    }

    fn run(&mut self, order: &Order, spec: &RevisionSpec) -> Result<bool, String> {
        if let Some(reason) = refusal_of_spec(spec) {
            return Err(reason);
        }
        let id = spec.id();
        if self.stable.as_ref() != Some(&id) {
            // A run that promoted before and now brings up another revision can be sent back again.
            self.promotions.forget(&order.run);
        }
        if let Some(known) = self.revisions.get_mut(&id) {
            let changed = !known.wanted;
            known.wanted = true;
            known.retain_until = None;
            known.by = order.run.clone();
            known.spec = spec.clone();
            return Ok(changed);
        }
        self.make_room()?;
        let revision = Revision {
            spec: spec.clone(),
            by: order.run.clone(),
            wanted: true,
            retain_until: None,
            artifact: Artifact::Absent { retry_at: None, problem: String::new() },
            fetches: 0,
            slots: Vec::new(),
        };
        self.revisions.insert(id, revision);
        Ok(true)
    }

    /// Forgets the stopped revision that would be forgotten first, when there are too many.
    fn make_room(&mut self) -> Result<(), String> {
        if self.revisions.len() < REVISIONS_MAX {
            return Ok(());
        }
        let stopped = |(id, known): &(&RevisionId, &Revision)| {
            !known.wanted && !self.in_use(id) && known.slots.is_empty()
        };
        let oldest = self.revisions.iter().filter(stopped).min_by_key(|(_, known)| known.retain_until);
        let id = oldest.map(|(id, _)| id.clone());
        let id = id.ok_or_else(|| format!("{REVISIONS_MAX} revisions are known and none is stopped"))?;
        // Its artifact is dropped when the target is started next: another order may name it in a moment.
        self.revisions.remove(&id);
        Ok(())
    }

    fn restart(&mut self, revision: &RevisionId, slot: u32, restarts: u32) -> Result<bool, String> {
        let known = self.revisions.get_mut(revision).ok_or_else(|| format!("no revision {revision}"))?;
        let slot = known.slots.iter_mut().find(|known| known.n == slot);
        let slot = slot.ok_or_else(|| format!("revision {revision} has no such slot"))?;
        let changed = restarts > slot.restarts_wanted;
        slot.restarts_wanted = restarts.max(slot.restarts_wanted);
        Ok(changed)
    }

    fn promote(&mut self, now: Timestamp, order: &Order, revision: &RevisionId) -> Result<bool, String> {
        if self.stable.as_ref() == Some(revision) && self.lease.is_none() {
            return Ok(false);
        }
        let own = self.lease.as_ref().is_some_and(|lease| lease.run == order.run);
        if !own || self.weight_of(revision) != Weight::ALL {
            return Err(format!("revision {revision} does not hold all traffic by an order of this run"));
        }
        self.stable = Some(revision.clone());
        self.lease = None;
        self.all_to_stable();
        let mark = Mark { run: order.run.clone(), at: now, generation: self.generation.next() };
        self.promotions.add(mark, Some(&order.run));
        Ok(true)
    }

    fn stop(&mut self, now: Timestamp, revision: &RevisionId, retain_ms: Millis) -> Result<bool, String> {
        if self.stable.as_ref() == Some(revision) {
            return Err(format!("revision {revision} is stable"));
        }
        if self.in_use(revision) {
            return Err(format!("revision {revision} still has {} of the traffic", self.weight_of(revision)));
        }
        let Some(known) = self.revisions.get_mut(revision) else {
            return Ok(false);
        };
        let changed = known.wanted || known.retain_until.is_none();
        known.wanted = false;
        known.retain_until = Some(now.after(retain_ms));
        Ok(changed)
    }
}
