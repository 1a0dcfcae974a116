//! Who carries out what a run wants: jobs in the workshop, releases by a pilot each, notices at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use machine::{Key, Keyed, Name};
use pipeline_core::Effect as JobEffect;
use ports::{Notice, Notices};
use release::{Effect as ReleaseEffect, Note, Severity};
use run::{Definition, Effect, Event, Run};
use supervise::{Epoch, RunId};
use tokio::sync::{Notify, OnceCell, mpsc};

use crate::checks::{run_checks, stop_checks};
use crate::jobs::{Attempt, Workshop};
use crate::pilot::{Course, Pilot};
use crate::quiet::Quiet;
use crate::watcher::watch;
use crate::{Arrived, Clock, Dispatch, Places, Recorded, World, failpoint};

/// Sees every step of a run, e.g. to draw it.
pub type Observer = Box<dyn FnMut(&Recorded<'_, Run>) + Send>;

/// Carries out the effects of one run.
pub struct Dispatcher<W: World> {
    world: Arc<W>,
    places: Places,
    clock: Arc<dyn Clock + Send + Sync>,
    events: mpsc::Sender<Arrived<Event>>,
    observer: Observer,
    definition: Option<Arc<Definition>>,
    outputs: BTreeMap<String, String>,
    running: BTreeMap<Name, Arc<AtomicBool>>,
    flights: BTreeMap<Name, Flight<W>>,
    notices: tokio::task::JoinSet<()>,
    quiet: Quiet<W>,
}

/// The tasks of one release, as the dispatcher holds them.
struct Flight<W: World> {
    pilot: Pilot<W>,
    orders: mpsc::UnboundedSender<(Option<Key>, ReleaseEffect)>,
    checking: Option<(u32, Arc<AtomicBool>)>,
}

impl<W: World> Dispatcher<W> {
    /// Carries out effects in this world; answers go to `events`.
    pub fn new(
        world: Arc<W>,
        places: Places,
        clock: Arc<dyn Clock + Send + Sync>,
        events: mpsc::Sender<Arrived<Event>>,
        observer: Observer,
    ) -> Self {
        let quiet = Quiet::new(world.clone());
        Self {
            world,
            places,
            clock,
            events,
            observer,
            definition: None,
            outputs: BTreeMap::new(),
            running: BTreeMap::new(),
            flights: BTreeMap::new(),
            notices: tokio::task::JoinSet::new(),
            quiet,
        }
    }

    /// Takes over a run that was replayed: what it is, what its jobs gave, and the targets that it holds again.
    pub fn adopt(&mut self, run: &Run, epochs: &BTreeMap<Name, Epoch>) {
        self.learn(run);
        self.quiet.adopt(run);
        for (path, rollout) in run.rollouts() {
            let Some(epoch) = epochs.get(path) else { continue };
            if let Some(flight) = self.flight(path, &rollout.artifact) {
                flight.pilot.course.set_epoch(*epoch);
                tokio::spawn(watch(flight.pilot.clone()));
            }
        }
    }

    /// Lifts what runs have left silenced that nobody drives any more, at the Alertmanagers of this run.
    pub fn sweep(&mut self, definition: &Definition, driven: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.quiet.sweep(definition, driven);
    }

    /// Waits until the notices that are on their way are sent and all silences are lifted, at most `within`.
    pub async fn settle(&mut self, within: std::time::Duration) {
        let (quiet, notices) = (self.quiet.end(), &mut self.notices);
        let all = async {
            while notices.join_next().await.is_some() {}
            while quiet.join_next().await.is_some() {}
        };
        // What is not sent by then is lost, as a notice may be; a silence has its own end.
        let _ = tokio::time::timeout(within, all).await;
    }

    fn learn(&mut self, run: &Run) {
        if self.definition.is_none() {
            self.definition = run.definition().cloned().map(Arc::new);
        }
        let Some(pipeline) = run.pipeline() else { return };
        for (job, state) in pipeline.plan().jobs().iter().zip(pipeline.states()) {
            for (output, value) in &state.outputs {
                self.outputs.insert(format!("{}.{output}", job.name), value.clone());
            }
        }
    }

    fn workshop(&self) -> Option<Workshop<W>> {
        Some(Workshop {
            world: self.world.clone(),
            places: self.places.clone(),
            clock: self.clock.clone(),
            definition: self.definition.clone()?,
            events: self.events.clone(),
        })
    }

    fn job(&mut self, effect: JobEffect) {
        let Some(workshop) = self.workshop() else { return };
        match effect {
            JobEffect::RunJob { job, attempt, reads, .. } => {
                let attempt = self.begin(job, attempt, reads);
                tokio::spawn(workshop.attempt(attempt));
            }
            JobEffect::Probe { job, attempt, reads } => {
                let attempt = Attempt { job, number: attempt, reads, stopped: Arc::default() };
                tokio::spawn(workshop.probe(attempt));
            }
            JobEffect::StopJob { job, attempt } => {
                let path = Name::new(format!("{job}#{attempt}"));
                let stopped = self.running.get(&path).cloned().unwrap_or_default();
                tokio::spawn(workshop.stop(Attempt {
                    job,
                    number: attempt,
                    reads: BTreeMap::new(),
                    stopped,
                }));
            }
            JobEffect::Ask { job, lost } => {
                let what = if lost { "whether its lost effect had happened" } else { "an approval" };
                let text = format!("{job} waits for {what}");
                self.say(Note { severity: Severity::Warning, text });
            }
            // The composition has made releases of these.
            JobEffect::OpenDeploy { .. } | JobEffect::AbortDeploy { .. } => {}
        }
    }

    fn begin(&mut self, job: Name, attempt: u32, reads: BTreeMap<String, String>) -> Attempt {
        let stopped = Arc::new(AtomicBool::new(false));
        let attempt = Attempt { job, number: attempt, reads, stopped: stopped.clone() };
        self.running.insert(attempt.path(), stopped);
        attempt
    }

    fn release(&mut self, key: Option<Key>, path: &Name, artifact: &str, effect: ReleaseEffect) {
        if let ReleaseEffect::Say(note) = effect {
            return self.say(note);
        }
        // Keys are the run's; the release knows its own part of them.
        let key = key.and_then(|key| key.split().map(|(_, rest)| rest));
        let Some(flight) = self.flight(path, artifact) else { return };
        let pilot = flight.pilot.clone();
        match (effect, key) {
            (ReleaseEffect::Restore, _) => {
                tokio::spawn(pilot.restore());
            }
            (ReleaseEffect::RunChecks(phase), Some(key)) => {
                let stopped = Arc::new(AtomicBool::new(false));
                flight.checking = Some((key.n, stopped.clone()));
                tokio::spawn(run_checks(pilot, phase, key, stopped));
            }
            (ReleaseEffect::StopChecks, _) => {
                let Some((n, stopped)) = flight.checking.take() else { return };
                stopped.store(true, Ordering::SeqCst);
                tokio::spawn(stop_checks(pilot.workshop, pilot.course, pilot.spec, n));
            }
            (effect, key) => {
                // A pilot ends only with the run.
                let _ = flight.orders.send((key, effect));
            }
        }
    }

    fn flight(&mut self, path: &Name, artifact: &str) -> Option<&mut Flight<W>> {
        if !self.flights.contains_key(path) {
            let workshop = self.workshop()?;
            let job = path.as_str().rsplit_once('#').map_or(path.as_str(), |(job, _)| job);
            let spec = workshop.definition.release(job)?.clone();
            let course = Course {
                path: path.clone(),
                job: Name::new(job),
                target: spec.target.clone(),
                artifact: artifact.to_owned(),
                run: RunId::new(&workshop.definition.run),
                reads: self.outputs.clone(),
                events: self.events.clone(),
                epoch: Mutex::new(None),
                leased: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                look: Notify::new(),
            };
            let pilot = Pilot { workshop, course: Arc::new(course), spec, site: Arc::new(OnceCell::new()) };
            let (orders, taken) = mpsc::unbounded_channel();
            tokio::spawn(pilot.clone().fly(taken));
            self.flights.insert(path.clone(), Flight { pilot, orders, checking: None });
        }
        self.flights.get_mut(path)
    }

    fn say(&mut self, note: Note) {
        let Some(definition) = self.definition.clone() else { return };
        // Those that are sent are forgotten.
        while self.notices.try_join_next().is_some() {}
        let severity = match note.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        let notice = Notice {
            severity: severity.to_owned(),
            title: format!("{}: {}", definition.name, note.text),
            text: note.text,
            run: definition.run.clone(),
        };
        for hook in &definition.notify {
            let (notices, notice) = (self.world.notices(hook), notice.clone());
            self.notices.spawn(async move {
                // A notice may be lost; the journal has what it says.
                let _ = notices.send(&notice).await;
            });
        }
    }
}

impl<W: World> Dispatch<Run> for Dispatcher<W> {
    fn dispatch(&mut self, keyed: Keyed<Effect>) {
        failpoint("dispatch.before");
        match keyed.effect {
            Effect::Job(effect) => self.job(effect),
            Effect::Release { path, artifact, effect } => self.release(keyed.key, &path, &artifact, effect),
        }
        failpoint("dispatch.after");
    }

    fn stepped(&mut self, recorded: &Recorded<'_, Run>) {
        match recorded.event {
            Some(Event::Opened(_)) => self.learn(recorded.machine),
            Some(Event::Job(pipeline_core::Event::Ended { job, attempt, ended })) => {
                self.running.remove(&Name::new(format!("{job}#{attempt}")));
                for (output, value) in &ended.outputs {
                    self.outputs.insert(format!("{job}.{output}"), value.clone());
                }
            }
            _ => {}
        }
        for (path, rollout) in recorded.machine.rollouts() {
            if let Some(flight) = self.flights.get(path) {
                flight.pilot.course.leased.store(rollout.release.leased(), Ordering::SeqCst);
            }
        }
        self.quiet.follow(recorded.machine);
        (self.observer)(recorded);
    }
}
