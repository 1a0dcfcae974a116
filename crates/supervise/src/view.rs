//! The target as it shows itself.

use std::collections::BTreeMap;

use machine::{Millis, Timestamp};

use crate::instance::Slot;
use crate::supervisor::{Artifact, Revision, Supervisor};
use crate::{
    Generation, InstanceState, InstanceView, Observation, Process, RevisionId, RevisionView, TargetView,
};

impl Supervisor {
    /// The state at `now`, for people and for evidence.
    pub fn view(&self, now: Timestamp) -> TargetView {
        let revisions = self.revisions.iter().map(|(id, known)| (id.clone(), revision(known)));
        TargetView {
            stable: self.stable.clone(),
            weights: self.weights.clone(),
            revisions: revisions.collect(),
            holder: self.holder.as_ref().map(|holder| holder.claim.run.clone()),
            control: self.holder.as_ref().map(|holder| holder.claim.control.clone()),
            lease_left_ms: self.lease.as_ref().map(|lease| lease.until.since(now)),
            latched: self.latches.last().map(|latch| latch.run.clone()),
        }
    }

    /// The view with what tells whether it is evidence. `carried_out` is the generation of the table that the
    /// router has; `age_ms` the time since the view was taken, by the clock of whoever shows it.
    pub fn observation(&self, now: Timestamp, carried_out: Generation, age_ms: Millis) -> Observation {
        Observation {
            uid: self.uid.clone(),
            epoch: self.epoch,
            generation: self.generation,
            observed_generation: carried_out.min(self.generation),
            age_ms,
            value: self.view(now),
        }
    }

    /// Why artifacts are not kept, by revision: for status and logs.
    pub fn problems(&self) -> Vec<(RevisionId, String)> {
        let problem = |(id, known): (&RevisionId, &Revision)| match &known.artifact {
            Artifact::Absent { problem, .. } if !problem.is_empty() => Some((id.clone(), problem.clone())),
            _ => None,
        };
        self.revisions.iter().filter_map(problem).collect()
    }

    /// Every process that was started and is not known to have ended: (incarnation, how it is known).
    pub fn processes(&self) -> Vec<(u32, Process)> {
        let known =
            |(_, _, i): (RevisionId, u32, crate::instance::Instance)| Some((i.incarnation, i.process?));
        self.every_instance().into_iter().filter_map(known).collect()
    }

    /// Digests that some revision names; every other kept artifact can go.
    pub fn artifacts(&self) -> Vec<&str> {
        self.revisions.values().map(|known| known.spec.artifact.as_str()).collect()
    }

    /// Identity of the target.
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

fn revision(known: &Revision) -> RevisionView {
    RevisionView {
        version: known.spec.version.clone(),
        artifact: known.spec.artifact.clone(),
        wanted: known.wanted,
        instances_wanted: known.spec.instances,
        memory_limit_bytes: known.spec.memory_limit_bytes,
        kept: match &known.artifact {
            Artifact::Kept { path } => path.clone(),
            _ => String::new(),
        },
        instances: known.slots.iter().map(instance).collect(),
    }
}

/// One line per slot: the process that serves, else the one that leaves, else the wait.
fn instance(slot: &Slot) -> InstanceView {
    let shown = slot.serving.as_ref().or(slot.replacement.as_ref());
    let shown = shown.or_else(|| slot.leaving.first().filter(|_| slot.retry_at.is_none()));
    let process = shown.and_then(|i| i.process);
    InstanceView {
        slot: slot.n,
        pid: process.map(|p| p.pid),
        port: process.map(|p| p.port),
        state: shown.map_or(InstanceState::BackOff, |i| i.life.state()),
        failed_checks: slot.failed_checks,
        crashes: slot.crashes,
        restarts: slot.restarts,
        // Known to whoever tries; it adds it where the view is shown.
        failing: BTreeMap::new(),
    }
}
