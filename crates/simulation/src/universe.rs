//! The world itself: it is brought up to the present whenever somebody looks at it or asks it for something.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use machine::{Millis, Timestamp, step};
use ports::{Arm, InstanceSample, InstanceServed, PortError, Scrape};
use supervise::{
    Claim, Desired, Effect, Epoch, Event, Observation, Order, Reply, Request, RevisionId, RevisionSpec,
    RunId, Supervisor, Weight,
};
use tokio::time::Instant;

use crate::processes::Processes;
use crate::traffic::Splitter;
use crate::{Behaviour, Counted, Random, Setup, SimSilences};

/// The grain of time.
pub const TICK_MS: Millis = 50;
/// Bringing up a first revision takes no longer than this.
const BRING_UP_MS: Millis = 600_000;

/// A world. Clones are the same world.
#[derive(Clone, Debug)]
pub struct Universe(Arc<Mutex<World>>);

#[derive(Debug)]
pub(crate) struct World {
    setup: Setup,
    random: Random,
    /// World time at `entered`.
    base: Millis,
    entered: Option<Instant>,
    reached: Millis,
    target: Supervisor,
    processes: Processes,
    splitter: Splitter,
    asked: u64,
    silences: SimSilences,
}

impl Universe {
    /// An empty world at time 0.
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(Mutex::new(World {
            random: Random::new(setup.seed),
            setup,
            base: 0,
            entered: None,
            reached: 0,
            target: Supervisor::new("simulated"),
            processes: Processes::default(),
            splitter: Splitter::default(),
            asked: 0,
            silences: SimSilences::default(),
        })))
    }

    /// Its Alertmanager, which outlives runners.
    pub fn silences(&self) -> SimSilences {
        self.world().silences.clone()
    }

    /// Lets the world follow the clock of the runtime that calls it, from where it stands.
    pub fn enter(&self) {
        let mut world = self.world();
        world.base = world.reached;
        world.entered = Some(Instant::now());
    }

    /// Lets world time pass, and brings the world up to it. On a paused clock it takes no wall time.
    pub async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
        self.world().catch_up();
    }

    /// World time, which is the run's time too.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.world().clock())
    }

    /// Brings up a stable revision as an earlier run would have, before the clock begins.
    ///
    /// # Errors
    /// The target refused, or the revision is not ready in time.
    pub fn bring_up(&self, spec: &RevisionSpec) -> Result<(), String> {
        let mut world = self.world();
        let (run, epoch) = (RunId::new("before"), Epoch(1));
        let claim = Claim { run: run.clone(), control: String::new(), supersede: false };
        world.ask(Request::Acquire { claim });
        let weight = Desired::Weight { revision: spec.id(), weight: Weight::ALL, lease_ms: BRING_UP_MS };
        let wishes = [
            Desired::Running { spec: Box::new(spec.clone()) },
            weight,
            Desired::Stable { revision: spec.id() },
        ];
        for (n, desired) in wishes.into_iter().enumerate() {
            let order = Order { key: format!("before/{n}"), run: run.clone(), epoch, expects: None, desired };
            let reply = world.ask(Request::Order { order: Box::new(order) });
            if !matches!(reply, Some(Reply::Answer(supervise::Answer::Accepted { .. }))) {
                return Err(format!("the target said {reply:?}"));
            }
        }
        let until = world.reached + BRING_UP_MS;
        let ready = |world: &World| {
            let view = world.target.view(Timestamp::from_millis(world.reached));
            view.revisions.get(&spec.id()).is_some_and(|known| known.ready() == spec.instances)
        };
        while !ready(&world) {
            if world.reached >= until {
                return Err("it is not ready in time".to_owned());
            }
            world.tick();
        }
        world.ask(Request::Release { run, epoch });
        world.base = world.reached;
        world.splitter.unserved = 0;
        Ok(())
    }

    /// What was counted of each revision.
    pub fn counted(&self) -> Vec<(RevisionId, Counted)> {
        self.world().splitter.counted.iter().map(|(id, counted)| (id.clone(), counted.clone())).collect()
    }

    /// Requests that nobody could take.
    pub fn unserved(&self) -> u64 {
        self.world().splitter.unserved
    }

    /// The target at this moment.
    pub fn observe(&self) -> Observation {
        let mut world = self.world();
        world.catch_up();
        let now = Timestamp::from_millis(world.reached);
        world.target.observation(now, world.splitter.table.generation, 0)
    }

    pub(crate) fn scrape(&self) -> Scrape {
        let mut world = self.world();
        world.catch_up();
        let arms = world.splitter.counted.clone();
        Scrape { age_ms: 0, arms: arms.into_iter().map(|(id, counted)| world.arm(id, &counted)).collect() }
    }

    /// One exchange over a road on which calls are late, lost, or carried out without an answer.
    pub(crate) async fn exchange<T>(&self, act: impl FnOnce(&Self) -> T + Send) -> Result<T, PortError> {
        let (there, back, lost, unanswered) = self.world().road();
        tokio::time::sleep(Duration::from_millis(there)).await;
        if lost {
            return Err(PortError::Unreachable("the call was lost".to_owned()));
        }
        let answer = act(self);
        tokio::time::sleep(Duration::from_millis(back)).await;
        if unanswered {
            return Err(PortError::Unreachable("the answer was lost".to_owned()));
        }
        Ok(answer)
    }

    pub(crate) fn ask(&self, request: Request) -> Option<Reply> {
        let mut world = self.world();
        world.catch_up();
        world.ask(request)
    }

    pub(crate) fn draw(&self, limit: u64) -> u64 {
        self.world().random.below(limit)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn clock(&self) -> Millis {
        let passed = self.entered.map_or(0, |entered| entered.elapsed().as_millis() as Millis);
        self.base + passed
    }

    fn road(&mut self) -> (Millis, Millis, bool, bool) {
        let delay = self.setup.faults.delay_max_ms + 1;
        let (there, back) = (self.random.below(delay), self.random.below(delay));
        let lost = self.random.happens(self.setup.faults.lost_ppm);
        (there, back, lost, self.random.happens(self.setup.faults.unanswered_ppm))
    }

    fn catch_up(&mut self) {
        let now = self.clock();
        while self.reached + TICK_MS <= now {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.reached += TICK_MS;
        let now = self.reached;
        if self.setup.faults.restarts_ms.contains(&now) {
            let found = self.processes.found();
            self.tell(Some(Event::Resumed { fresh: false, found }));
        }
        if self.target.deadline_is_due(now) {
            self.tell(None);
        }
        let counted = &self.splitter.counted;
        let age = |instance: &supervise::InstanceId| Some(now - counted.get(&instance.revision)?.first_ms?);
        for event in self.processes.tick(now, age) {
            self.tell(Some(event));
        }
        let target = &self.target;
        let behaviours = &self.setup.behaviours;
        let view = target.view(Timestamp::from_millis(now));
        let of = |id: &RevisionId| behaviour(behaviours, view.revisions.get(id).map(|r| r.version.as_str()));
        self.splitter.serve(now, (self.setup.users_per_s, TICK_MS), &mut self.random, of);
    }

    fn ask(&mut self, request: Request) -> Option<Reply> {
        self.asked += 1;
        self.tell(Some(Event::Asked { n: self.asked, request }))
    }

    /// A step of the target, and what follows at once.
    fn tell(&mut self, event: Option<Event>) -> Option<Reply> {
        let now = Timestamp::from_millis(self.reached);
        let mut reply = None;
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for keyed in step(&mut self.target, now, event).effects {
                match keyed.effect {
                    Effect::Reply { reply: said, .. } => reply = Some(said),
                    effect => events.extend(self.carry_out(effect).map(Some)),
                }
            }
        }
        reply
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::FetchArtifact { revision, .. } => {
                Some(Event::Fetched { revision, path: "/kept".to_owned() })
            }
            Effect::StartInstance { instance, spec, .. } => {
                let behaviour = behaviour(&self.setup.behaviours, Some(&spec.version));
                Some(self.processes.start(self.reached, instance, &spec, behaviour))
            }
            Effect::StopInstance { instance, drain_max_ms, .. } => {
                self.processes.stop(self.reached, instance.incarnation, drain_max_ms);
                None
            }
            Effect::Route { table, .. } => {
                self.splitter.table = table;
                None
            }
            Effect::AdoptInstance { .. } | Effect::DropArtifact { .. } | Effect::Reply { .. } => None,
        }
    }

    fn arm(&self, revision: RevisionId, counted: &Counted) -> Arm {
        let view = self.target.view(Timestamp::from_millis(self.reached));
        let instances = view.revisions.get(&revision).map(|r| r.instances.clone()).unwrap_or_default();
        let instance = |i: supervise::InstanceView| InstanceSample {
            slot: i.slot,
            failed_checks: i.failed_checks,
            resident_bytes: i.pid.and_then(|pid| self.processes.resident(self.reached, pid)),
            restarts: i.restarts,
            served: counted
                .slots
                .get(&i.slot)
                .map(|s| InstanceServed { requests: s.requests, errors: s.errors }),
        };
        Arm {
            revision,
            requests: counted.requests,
            server_errors: counted.server_errors,
            failures: counted.failures,
            latency_us: counted.latency_us(),
            instances: instances.into_iter().map(instance).collect(),
        }
    }
}

fn behaviour(of: &std::collections::BTreeMap<String, Behaviour>, version: Option<&str>) -> Behaviour {
    version.and_then(|version| of.get(version)).copied().unwrap_or(Behaviour::healthy())
}

trait Due {
    fn deadline_is_due(&self, now: Millis) -> bool;
}

impl Due for Supervisor {
    fn deadline_is_due(&self, now: Millis) -> bool {
        machine::Machine::deadline(self).is_some_and(|due| due.as_millis() <= now)
    }
}
