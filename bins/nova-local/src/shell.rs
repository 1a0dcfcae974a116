//! Carries out what the supervisor wants: each effect in a task of its own, answers come back as events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use machine::Keyed;
use runner::{Dispatch, Recorded};
use supervise::{Effect, Event, InstanceId, Process, Reply, RevisionId, RevisionSpec, Supervisor, Table};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::artifacts;
use crate::instance::{self, Stop, Surroundings};
use crate::loopback::Ports;
use crate::published::Published;

/// Those who wait for a reply, by the number of their question.
pub(crate) type Waiting = Arc<Mutex<BTreeMap<u64, oneshot::Sender<Reply>>>>;

/// The task that stays with one process.
struct Attendant {
    stop: Option<oneshot::Sender<Stop>>,
    drain_max: Duration,
    port: u16,
    task: JoinHandle<()>,
}

/// The hands of the target.
pub(crate) struct Shell {
    around: Surroundings,
    published: Arc<Published>,
    waiting: Waiting,
    ports: Ports,
    attendants: BTreeMap<u32, Attendant>,
}

impl Shell {
    pub(crate) fn new(around: Surroundings, published: Arc<Published>, waiting: Waiting) -> Self {
        let ports = Ports::new(std::process::id());
        Self { around, published, waiting, ports, attendants: BTreeMap::new() }
    }

    /// Leaves all processes alone: another target goes on with them.
    pub(crate) fn let_go(&mut self) {
        for attendant in std::mem::take(&mut self.attendants).into_values() {
            attendant.task.abort();
        }
    }

    /// Ends all processes, each with its own drain, and returns when they are gone.
    pub(crate) async fn end_all(&mut self) {
        let mut tasks = Vec::new();
        for (_, mut attendant) in std::mem::take(&mut self.attendants) {
            if let Some(stop) = attendant.stop.take() {
                // A process that has just ended needs no stop.
                let _ = stop.send(Stop { drain_max: attendant.drain_max });
            }
            tasks.push(attendant.task);
        }
        for task in tasks {
            // Each has its own limits; a task that panicked has nothing more to wait for.
            let _ = task.await;
        }
    }

    fn tell_later(&self, event: Event) {
        let events = self.around.events.clone();
        tokio::spawn(async move { events.send(event.into()).await });
    }

    fn attended(&mut self, id: &InstanceId) -> bool {
        self.attendants.retain(|_, attendant| !attendant.task.is_finished());
        self.attendants.contains_key(&id.incarnation)
    }

    fn start(&mut self, id: InstanceId, spec: RevisionSpec, path: String) {
        if self.attended(&id) {
            return;
        }
        let taken: BTreeSet<u16> = self.attendants.values().map(|attendant| attendant.port).collect();
        let Some(port) = self.ports.free(&taken) else {
            return self.tell_later(Event::SpawnFailed { instance: id, why: "no free port".into() });
        };
        let (stop, stopped) = oneshot::channel();
        let drain_max = Duration::from_millis(spec.drain_max_ms);
        let incarnation = id.incarnation;
        let task = tokio::spawn(instance::run(self.around.clone(), id, spec, path, port, stopped));
        self.attendants.insert(incarnation, Attendant { stop: Some(stop), drain_max, port, task });
    }

    fn adopt(&mut self, id: InstanceId, spec: RevisionSpec, process: Process) {
        if self.attended(&id) {
            return;
        }
        let (stop, stopped) = oneshot::channel();
        let drain_max = Duration::from_millis(spec.drain_max_ms);
        let (incarnation, port) = (id.incarnation, process.port);
        let task = tokio::spawn(instance::adopt(self.around.clone(), id, spec, process, stopped));
        self.attendants.insert(incarnation, Attendant { stop: Some(stop), drain_max, port, task });
    }

    fn stop(&mut self, id: InstanceId, process: Option<Process>, drain_max: Duration) {
        if self.attended(&id) {
            let attendant = self.attendants.get_mut(&id.incarnation);
            if let Some(stop) = attendant.and_then(|attendant| attendant.stop.take()) {
                // When the process has just ended its exit is on the way.
                let _ = stop.send(Stop { drain_max });
            }
        } else if let Some(process) = process {
            let around = self.around.clone();
            tokio::spawn(async move { instance::end_stranger(&around, id, process, drain_max).await });
        } else {
            self.tell_later(Event::Exited { instance: id, code: None });
        }
    }

    fn fetch(&self, revision: RevisionId, artifact: String, source: PathBuf) {
        let (folder, events) = (self.around.folder.artifacts(), self.around.events.clone());
        tokio::spawn(async move {
            let copied =
                tokio::task::spawn_blocking(move || artifacts::fetch(&folder, &artifact, &source)).await;
            let event = match copied.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(path) => Event::Fetched { revision, path: path.to_string_lossy().into_owned() },
                Err(why) => {
                    eprintln!("{revision}: artifact not kept: {why}");
                    Event::FetchFailed { revision, why }
                }
            };
            events.send(event.into()).await
        });
    }

    fn discard(&self, artifact: String) {
        let folder = self.around.folder.artifacts();
        // What is left over is deleted at the next start.
        tokio::task::spawn_blocking(move || artifacts::discard(&folder, &artifact));
    }

    fn route(&self, table: &Table) {
        self.around.splitter.swap(table);
        self.published.routed(table.generation);
    }

    fn reply(&self, n: u64, reply: Reply) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&n);
        if let Some(waiting) = waiting {
            // Whoever asked may have given up; what was decided stands.
            let _ = waiting.send(reply);
        }
    }
}

impl Dispatch<Supervisor> for Shell {
    fn dispatch(&mut self, effect: Keyed<Effect>) {
        match effect.effect {
            Effect::FetchArtifact { revision, artifact, source } => {
                self.fetch(revision, artifact, source.into());
            }
            Effect::DropArtifact { artifact } => self.discard(artifact),
            Effect::StartInstance { instance, spec, path } => self.start(instance, *spec, path),
            Effect::AdoptInstance { instance, process, spec } => self.adopt(instance, *spec, process),
            Effect::StopInstance { instance, process, drain_max_ms } => {
                self.stop(instance, process, Duration::from_millis(drain_max_ms));
            }
            Effect::Route { table, .. } => self.route(&table),
            Effect::Reply { n, reply } => self.reply(n, reply),
        }
    }

    fn stepped(&mut self, recorded: &Recorded<'_, Supervisor>) {
        let carried_out = recorded.machine.routed_generation();
        let observation = recorded.machine.observation(recorded.now, carried_out, 0);
        let known = observation.value.revisions.clone();
        self.around.splitter.forget_all_but(|revision| known.contains_key(revision));
        self.published.show(observation, recorded.machine.problems());
    }
}
