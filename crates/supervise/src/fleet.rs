//! Revisions and their processes: what was heard of them, and what has to be done so that the wanted ones run.

use machine::{Key, Keyed, Millis, Name, Timestamp};

use crate::instance::{
    BACK_OFF_MIN_MS, Instance, Life, REPLACEMENT_READY_MAX_MS, Role, STEADY_AFTER_MS, Slot,
};
use crate::supervisor::{Artifact, Effects, Revision, Supervisor, instance_key};
use crate::{Effect, InstanceId, Probe, ProbeKind, Process, Rejected, RevisionId};

/// From a failed copy of an artifact to the next.
const FETCH_RETRY_MS: Millis = 5_000;

/// A process whose liveness fails this many times its limit is taken for hung and started again.
const HUNG_FACTOR: u32 = 3;

impl Supervisor {
    fn known(&mut self, revision: &RevisionId) -> Result<&mut Revision, Rejected> {
        self.revisions.get_mut(revision).ok_or_else(|| Rejected::NoSuchRevision(revision.clone()))
    }

    fn slot(&mut self, id: &InstanceId) -> Result<(&mut Slot, Role), Rejected> {
        let slots = self.revisions.get_mut(&id.revision).map(|known| known.slots.iter_mut());
        let found = slots.into_iter().flatten().find(|slot| slot.n == id.slot);
        let found = found.and_then(|slot| slot.role(id.incarnation).map(|role| (slot, role)));
        found.ok_or_else(|| Rejected::NoSuchInstance(id.clone()))
    }

    pub(crate) fn fetched(&mut self, revision: &RevisionId, path: String) -> Result<(), Rejected> {
        self.known(revision)?.artifact = Artifact::Kept { path };
        Ok(())
    }

    pub(crate) fn fetch_failed(
        &mut self,
        now: Timestamp,
        revision: &RevisionId,
        problem: String,
    ) -> Result<(), Rejected> {
        let retry_at = Some(now.after(FETCH_RETRY_MS));
        self.known(revision)?.artifact = Artifact::Absent { retry_at, problem };
        Ok(())
    }

    pub(crate) fn spawned(&mut self, id: &InstanceId, process: Process) -> Result<(), Rejected> {
        let (slot, _) = self.slot(id)?;
        if let Some(instance) = slot.instances_mut().find(|i| i.incarnation == id.incarnation) {
            instance.process = Some(process);
            if instance.life == Life::Launching {
                instance.life = Life::Starting;
            }
        }
        Ok(())
    }

    /// A process is gone. When it served and nobody had asked, that counts as a failed check.
    pub(crate) fn exited(&mut self, now: Timestamp, id: &InstanceId, ran: bool) -> Result<(), Rejected> {
        let (slot, role) = self.slot(id)?;
        match role {
            Role::Leaving => slot.leaving.retain(|i| i.incarnation != id.incarnation),
            Role::Replacement => {
                slot.replacement = None;
                slot.give_up_at = None;
                slot.back_off(now);
            }
            Role::Serving => {
                slot.serving = None;
                slot.failed_checks = slot.failed_checks.saturating_add(1);
                slot.crashes = slot.crashes.saturating_add(u32::from(ran));
                slot.back_off(now);
            }
        }
        Ok(())
    }

    pub(crate) fn probed(
        &mut self,
        now: Timestamp,
        id: &InstanceId,
        probe: ProbeKind,
        ok: bool,
    ) -> Result<(), Rejected> {
        let probes = self.known(&id.revision)?.spec.probes.clone();
        let (slot, role) = self.slot(id)?;
        if role == Role::Leaving {
            return Ok(());
        }
        match probe {
            ProbeKind::Ready => {
                if let Some(instance) = slot.instances_mut().find(|i| i.incarnation == id.incarnation) {
                    ready_checked(now, instance, ok, &probes.ready);
                }
                if ok && probes.live.is_none() && role == Role::Serving {
                    slot.failed_checks = 0;
                }
            }
            ProbeKind::Live if role == Role::Serving => {
                slot.failed_checks = if ok { 0 } else { slot.failed_checks.saturating_add(1) };
                let hung_at = probes.live.map_or(u32::MAX, |live| live.failures.saturating_mul(HUNG_FACTOR));
                if !ok && live_failed(slot) >= hung_at {
                    slot.leaving.extend(slot.serving.take());
                    slot.crashes = slot.crashes.saturating_add(1);
                    slot.back_off(now);
                }
                if ok && let Some(instance) = &mut slot.serving {
                    instance.dead_checks = 0;
                }
            }
            ProbeKind::Live => {}
        }
        Ok(())
    }

    /// Times that have come.
    pub(crate) fn fleet_wakes(&mut self, now: Timestamp, effects: &mut Effects) {
        let due = |at: &Timestamp| *at <= now;
        let mut forgotten = Vec::new();
        for (id, known) in &mut self.revisions {
            if let Artifact::Absent { retry_at, .. } = &mut known.artifact
                && retry_at.as_ref().is_some_and(due)
            {
                *retry_at = None;
            }
            if known.retain_until.as_ref().is_some_and(due) {
                if known.slots.is_empty() {
                    forgotten.push(id.clone());
                } else {
                    known.retain_until = Some(now.after(1_000));
                }
            }
            for slot in &mut known.slots {
                slot_wakes(now, slot);
            }
        }
        for id in forgotten.into_iter().filter(|id| !self.in_use(id)).collect::<Vec<_>>() {
            self.forget(&id, effects);
        }
    }

    /// Forgets a stopped revision; its artifact goes when no other revision names it.
    pub(crate) fn forget(&mut self, id: &RevisionId, effects: &mut Effects) {
        if let Some(known) = self.revisions.remove(id)
            && !self.revisions.values().any(|other| other.spec.artifact == known.spec.artifact)
        {
            effects.push(Keyed::notice(Effect::DropArtifact { artifact: known.spec.artifact }));
        }
    }

    /// What has to be done about the facts: fetch, start, route, and only then stop.
    pub(crate) fn reconcile(&mut self, now: Timestamp, ordered: bool, effects: &mut Effects) {
        let (mut starts, mut stops) = (Vec::new(), Vec::new());
        for (id, known) in &mut self.revisions {
            if known.wanted {
                fetch_if_absent(id, known, effects);
                start_missing(now, id, known, &mut self.incarnations, &mut starts);
            } else {
                known.slots.iter_mut().for_each(leave);
            }
            stop_leaving(id, known, &mut stops);
            if !known.wanted && known.slots.iter().all(Slot::is_empty) {
                known.slots.clear();
            }
        }
        let table = self.table();
        if table != self.routed {
            self.routed = table.clone();
            effects.push(Keyed::notice(Effect::Route { table, ordered }));
        }
        effects.extend(stops);
        effects.extend(starts);
    }
}

fn ready_checked(now: Timestamp, instance: &mut Instance, ok: bool, ready: &Probe) {
    instance.unready_checks = if ok { 0 } else { instance.unready_checks.saturating_add(1) };
    match (instance.life, ok) {
        (Life::Starting | Life::Unready, true)
            if instance.ready_checks.saturating_add(1) < ready.successes =>
        {
            instance.ready_checks = instance.ready_checks.saturating_add(1);
        }
        (Life::Starting | Life::Unready, true) => {
            instance.ready_checks = 0;
            instance.life = Life::Ready;
            instance.steady_at = Some(now.after(STEADY_AFTER_MS));
        }
        (Life::Starting | Life::Unready, false) => instance.ready_checks = 0,
        (Life::Ready, false) if instance.unready_checks >= ready.failures => {
            instance.life = Life::Unready;
            instance.steady_at = None;
        }
        _ => {}
    }
}

fn live_failed(slot: &mut Slot) -> u32 {
    slot.serving.as_mut().map_or(0, |instance| {
        instance.dead_checks = instance.dead_checks.saturating_add(1);
        instance.dead_checks
    })
}

fn slot_wakes(now: Timestamp, slot: &mut Slot) {
    if slot.retry_at.is_some_and(|at| at <= now) {
        slot.retry_at = None;
    }
    if slot.give_up_at.is_some_and(|at| at <= now) {
        slot.give_up_at = None;
        slot.leaving.extend(slot.replacement.take());
        slot.back_off(now);
    }
    if let Some(instance) = &mut slot.serving
        && instance.steady_at.is_some_and(|at| at <= now)
    {
        instance.steady_at = None;
        slot.back_off_ms = BACK_OFF_MIN_MS;
    }
}

fn fetch_if_absent(id: &RevisionId, known: &mut Revision, effects: &mut Effects) {
    if matches!(known.artifact, Artifact::Absent { retry_at: None, .. }) {
        known.artifact = Artifact::Fetching;
        known.fetches = known.fetches.saturating_add(1);
        effects.push(fetch(id, known));
    }
}

pub(crate) fn fetch(id: &RevisionId, known: &Revision) -> Keyed<Effect> {
    let key = Key::new(known.fetches).under(&Name::new(id.as_str())).under(&"fetch".into());
    let (artifact, source) = (known.spec.artifact.clone(), known.spec.source.clone());
    Keyed::new(key, Effect::FetchArtifact { revision: id.clone(), artifact, source })
}

/// Every slot of a wanted revision has a process, and one that is to be restarted has a replacement beside it.
fn start_missing(
    now: Timestamp,
    id: &RevisionId,
    known: &mut Revision,
    next: &mut u32,
    starts: &mut Effects,
) {
    let Artifact::Kept { path } = &known.artifact else {
        return;
    };
    for n in known.slots.len() as u32..known.spec.instances {
        known.slots.push(Slot::new(n));
    }
    for slot in &mut known.slots {
        let replaced = slot.replacement.as_ref().is_some_and(|i| i.life == Life::Ready);
        if replaced || slot.serving.is_none() {
            slot.switch();
        }
        if slot.retry_at.is_some() {
            continue;
        }
        let replacement = slot.serving.is_some();
        if replacement && (slot.restarts_wanted <= slot.restarts || slot.replacement.is_some()) {
            continue;
        }
        *next = next.saturating_add(1);
        let instance = Instance::new(*next);
        starts.push(start(id, slot.n, &instance, &known.spec, path));
        if replacement {
            slot.replacement = Some(instance);
            slot.give_up_at = Some(now.after(REPLACEMENT_READY_MAX_MS));
        } else {
            slot.restarts = slot.restarts_wanted;
            slot.serving = Some(instance);
        }
    }
}

pub(crate) fn start(
    id: &RevisionId,
    slot: u32,
    instance: &Instance,
    spec: &crate::RevisionSpec,
    path: &str,
) -> Keyed<Effect> {
    let instance = InstanceId { revision: id.clone(), slot, incarnation: instance.incarnation };
    let key = instance_key("start", &instance);
    Keyed::new(key, Effect::StartInstance { instance, spec: Box::new(spec.clone()), path: path.to_owned() })
}

/// Nothing of the slot is wanted any more.
fn leave(slot: &mut Slot) {
    slot.leaving.extend(slot.serving.take());
    slot.leaving.extend(slot.replacement.take());
    slot.retry_at = None;
    slot.give_up_at = None;
}

fn stop_leaving(id: &RevisionId, known: &mut Revision, stops: &mut Effects) {
    let drain_max_ms = known.spec.drain_max_ms;
    for slot in &mut known.slots {
        let n = slot.n;
        for instance in slot.leaving.iter_mut().filter(|i| i.life != Life::Draining) {
            instance.life = Life::Draining;
            instance.steady_at = None;
            stops.push(stop(id, n, instance, drain_max_ms));
        }
    }
}

pub(crate) fn stop(id: &RevisionId, slot: u32, instance: &Instance, drain_max_ms: Millis) -> Keyed<Effect> {
    let process = instance.process;
    let instance = InstanceId { revision: id.clone(), slot, incarnation: instance.incarnation };
    Keyed::new(instance_key("stop", &instance), Effect::StopInstance { instance, process, drain_max_ms })
}
