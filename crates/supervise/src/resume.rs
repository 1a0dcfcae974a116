//! The target itself was started again: which processes go on, which are started, which are strangers.

use machine::{Keyed, Timestamp};

use crate::fleet::{fetch, start, stop};
use crate::instance::{Instance, Life, Role};
use crate::supervisor::{Artifact, Effects, Supervisor, instance_key};
use crate::{Effect, Found, InstanceId, RevisionId};

/// Requests of a process that nobody knows have no claim to a long drain.
const STRANGER_DRAIN_MS: u64 = 1_000;

impl Supervisor {
    /// Adopts what still runs, counts what died meanwhile, and says everything again that was wanted.
    pub(crate) fn resumed(&mut self, now: Timestamp, fresh: bool, found: &[Found], effects: &mut Effects) {
        self.end_strangers(found, effects);
        let mut gone = Vec::new();
        for (id, slot, instance) in self.every_instance() {
            let process = found.iter().find(|found| found.incarnation == instance.incarnation);
            let instance = InstanceId { revision: id, slot, incarnation: instance.incarnation };
            match process {
                Some(found) => self.adopt(&instance, found, effects),
                None => gone.push(instance),
            }
        }
        for instance in gone {
            self.lost(now, fresh, &instance, effects);
        }
        for known in self.revisions.values_mut() {
            if matches!(known.artifact, Artifact::Fetching) {
                known.artifact = Artifact::Absent { retry_at: None, problem: String::new() };
            }
        }
        // Sent again whatever was sent before: the router is a new one.
        self.routed = self.table();
        effects.push(Keyed::notice(Effect::Route { table: self.routed.clone(), ordered: false }));
    }

    fn adopt(&mut self, id: &InstanceId, found: &Found, effects: &mut Effects) {
        let Some(known) = self.revisions.get_mut(&id.revision) else {
            return;
        };
        let spec = Box::new(known.spec.clone());
        let slot = known.slots.iter_mut().find(|slot| slot.n == id.slot);
        let instance = slot.and_then(|s| s.instances_mut().find(|i| i.incarnation == id.incarnation));
        let Some(instance) = instance else {
            return;
        };
        instance.process = Some(found.process);
        if instance.life == Life::Launching {
            instance.life = Life::Starting;
        }
        let effect = Effect::AdoptInstance { instance: id.clone(), process: found.process, spec };
        effects.push(Keyed::new(instance_key("adopt", id), effect));
        if instance.life == Life::Draining {
            let drain_max_ms = known.spec.drain_max_ms;
            effects.push(stop(&id.revision, id.slot, instance, drain_max_ms));
        }
    }

    /// A process is not there any more. One that was about to be started was never seen: it is started now.
    fn lost(&mut self, now: Timestamp, fresh: bool, id: &InstanceId, effects: &mut Effects) {
        let known = self.revisions.get_mut(&id.revision);
        let Some(known) = known else {
            return;
        };
        let Artifact::Kept { path } = &known.artifact else {
            return;
        };
        let Some(slot) = known.slots.iter_mut().find(|slot| slot.n == id.slot) else {
            return;
        };
        let launching =
            slot.instances().any(|i| i.incarnation == id.incarnation && i.life == Life::Launching);
        if launching {
            effects.push(start(&id.revision, id.slot, &Instance::new(id.incarnation), &known.spec, path));
        } else if !fresh || slot.role(id.incarnation) == Some(Role::Leaving) {
            // Cannot fail: the instance was found in this very state.
            let _ = self.exited(now, id, true);
        } else if slot.role(id.incarnation) == Some(Role::Serving) {
            slot.serving = None;
            slot.retry_at = None;
        } else {
            slot.replacement = None;
            slot.give_up_at = None;
        }
    }

    fn end_strangers(&self, found: &[Found], effects: &mut Effects) {
        let known = self.every_instance();
        let is_known = |found: &Found| known.iter().any(|(_, _, i)| i.incarnation == found.incarnation);
        for found in found.iter().filter(|found| !is_known(found)) {
            let revision = RevisionId::new("");
            let instance = InstanceId { revision, slot: 0, incarnation: found.incarnation };
            let process = Some(found.process);
            let key = instance_key("stop", &instance);
            let effect = Effect::StopInstance { instance, process, drain_max_ms: STRANGER_DRAIN_MS };
            effects.push(Keyed::new(key, effect));
        }
    }

    pub(crate) fn every_instance(&self) -> Vec<(RevisionId, u32, Instance)> {
        let slots = self.revisions.iter().flat_map(|(id, known)| known.slots.iter().map(move |s| (id, s)));
        slots.flat_map(|(id, slot)| slot.instances().map(|i| (id.clone(), slot.n, i.clone()))).collect()
    }

    /// What was wanted of the shell and not answered.
    pub(crate) fn wanted_of_the_shell(&self) -> Effects {
        let mut wanted = Vec::new();
        for (id, known) in &self.revisions {
            if matches!(known.artifact, Artifact::Fetching) {
                wanted.push(fetch(id, known));
            }
            let Artifact::Kept { path } = &known.artifact else {
                continue;
            };
            for slot in &known.slots {
                for instance in slot.instances() {
                    match instance.life {
                        Life::Launching => wanted.push(start(id, slot.n, instance, &known.spec, path)),
                        Life::Draining => wanted.push(stop(id, slot.n, instance, known.spec.drain_max_ms)),
                        _ => {}
                    }
                }
            }
        }
        wanted.insert(0, Keyed::notice(Effect::Route { table: self.routed.clone(), ordered: false }));
        wanted
    }
}
