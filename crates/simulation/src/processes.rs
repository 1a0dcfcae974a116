//! Processes: they start, become ready, are checked, leak, crash and end.

use std::collections::BTreeMap;

use machine::Millis;
use supervise::{Event, Found, InstanceId, ProbeKind, Process, RevisionSpec};

use crate::Behaviour;

/// From SIGTERM to the end, unless the maximum is shorter.
const DRAIN_MS: Millis = 200;

#[derive(Clone, Debug)]
struct Running {
    instance: InstanceId,
    started: Millis,
    behaviour: Behaviour,
    /// Readiness and liveness: from one check to the next, and when the next is.
    ready_check: (Millis, Millis),
    live_check: Option<(Millis, Millis)>,
    ends: Option<Millis>,
}

/// All processes, by incarnation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes(BTreeMap<u32, Running>);

impl Processes {
    pub(crate) fn start(
        &mut self,
        now: Millis,
        instance: InstanceId,
        spec: &RevisionSpec,
        behaviour: Behaviour,
    ) -> Event {
        let process = process(instance.incarnation);
        let live = spec.probes.live.as_ref().map(|live| (live.every_ms, now + live.every_ms));
        let ready = spec.probes.ready.every_ms;
        let running = Running {
            instance: instance.clone(),
            started: now,
            behaviour,
            ready_check: (ready, now + ready),
            live_check: live,
            ends: behaviour.crash_after_ms.map(|after| now + after),
        };
        self.0.insert(instance.incarnation, running);
        Event::Spawned { instance, process }
    }

    pub(crate) fn stop(&mut self, now: Millis, incarnation: u32, drain_max_ms: Millis) {
        if let Some(running) = self.0.get_mut(&incarnation) {
            running.ends = Some(now + drain_max_ms.min(DRAIN_MS));
        }
    }

    /// What happens to them up to `now`. `age` is that of their revision's traffic.
    pub(crate) fn tick(&mut self, now: Millis, age: impl Fn(&InstanceId) -> Option<Millis>) -> Vec<Event> {
        let mut events = Vec::new();
        for running in self.0.values_mut() {
            let instance = running.instance.clone();
            if running.ends.is_some_and(|ends| ends <= now) {
                events.push(Event::Exited { instance, code: Some(1) });
                continue;
            }
            let (every, due) = &mut running.ready_check;
            if *due <= now {
                *due += *every;
                let after = running.behaviour.ready_after_ms;
                let ok = after.is_some_and(|after| now >= running.started + after);
                events.push(Event::Probed { instance: instance.clone(), probe: ProbeKind::Ready, ok });
            }
            let Some((every, due)) = &mut running.live_check else { continue };
            if *due <= now {
                *due += *every;
                let sick = running.behaviour.sick_after_ms.zip(age(&instance));
                let ok = sick.is_none_or(|(after, age)| age < after);
                events.push(Event::Probed { instance, probe: ProbeKind::Live, ok });
            }
        }
        self.0.retain(|_, running| running.ends.is_none_or(|ends| ends > now));
        events
    }

    pub(crate) fn resident(&self, now: Millis, incarnation: u32) -> Option<u64> {
        let running = self.0.get(&incarnation)?;
        let of = running.behaviour;
        Some(of.resident_bytes + of.leak_bytes_per_s * (now - running.started) / 1_000)
    }

    pub(crate) fn found(&self) -> Vec<Found> {
        let found = |n: &u32| Found { incarnation: *n, process: process(*n) };
        self.0.keys().map(found).collect()
    }
}

/// A process is known by its incarnation here.
const fn process(incarnation: u32) -> Process {
    Process { pid: incarnation, start_time: 1, port: 1 }
}
