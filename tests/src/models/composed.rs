//! The composed model: the production release over the production target, with everything between them that can go
//! wrong: two messages on the road that are lost, late or twice; a runner that dies with the end of its journal; a
//! target that is started again; a lease that runs out; a person who aborts; evidence that says anything.
//!
//! The pilot of the runner is part of it in its essence: orders go one after the other, each until it is answered, and
//! the return beside all others.

use std::hash::{Hash, Hasher};

use deploy_strategies::{Plan, Step};
use health::Judge;
use machine::{Durability, Durable, Key, Keyed, Machine, Progress, Timestamp, Visit, step};
use release::{
    Action as Does, Effect, Event, Otherwise, Outcome, Phase, Policy, Release, RuleName, Setup, Sighting,
    Stage, Wish,
};
use stateright::{Model, Property};
use supervise::{Epoch, Reply, Request, Restoration};

use super::judges::{Code, code_of, sample};
use super::rules::{RULES, broken_rule, holds};
use super::target::{Target, heard, new, old, request, run};
use super::walk::{NOW, shift_times};

/// More than any deadline: a runner that was away.
const LONG: u64 = 9;
/// Messages on the road at most.
const ROAD: usize = 2;
/// What is further away than any deadline of the plan stays far away: no walk reaches it.
const SOON: u64 = 8;
const FAR: u64 = 40;

/// What may go wrong in one walk, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// The runner dies.
    pub crashes: u8,
    /// The target is started again.
    pub restarts: u8,
    /// Somebody aborts.
    pub aborts: u8,
    /// A message arrives twice.
    pub duplicates: u8,
    /// A message is lost, or its answer is.
    pub losses: u8,
    /// A process of the new revision is not ready any more.
    pub unready: u8,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Composed<J> {
    /// How evidence is judged.
    pub judge: J,
    /// What the counters may say.
    pub codes: Vec<Code>,
    /// What may go wrong.
    pub budget: Budget,
    /// The steps of the plan, in percent.
    pub steps: Vec<u8>,
    /// Checks after the bake.
    pub verify: bool,
    /// The fault to be found: the target forgets its latch.
    pub drop_latch: bool,
}

/// A message on the road.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Load {
    Request(Key, Request),
    Answer(Key, Event, Option<Epoch>),
    Look(Box<Sighting>),
}

/// A state of the walk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World<J> {
    /// The production machine.
    pub release: Release<J>,
    /// What a runner that dies leaves on the disk at least.
    durable: Release<J>,
    up: bool,
    epoch: Epoch,
    queue: Vec<(Key, Effect)>,
    restoring: Option<Key>,
    checking: Option<Key>,
    road: Vec<Load>,
    /// The production target.
    pub target: Target,
    left: Budget,
    /// What was seen of both.
    pub seen: Seen,
    /// The first rule that was broken.
    pub broken: Option<&'static str>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// The target returned the traffic, asked or alone.
    pub returned: bool,
    /// The new revision was stable.
    pub promoted: bool,
    /// The highest share that was ever ordered.
    pub ordered: u8,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The pilot sends the order whose turn it is.
    Send,
    /// The pilot sends the return.
    SendRestore,
    /// This message arrives.
    Deliver(usize),
    /// It arrives, and its answer is lost.
    DeliverUnanswered(usize),
    /// It arrives and will arrive again.
    DeliverTwice(usize),
    /// It is lost.
    Lose(usize),
    /// The target and its counters are looked at.
    Look(Code),
    /// One unit of time passes; the lease is renewed, or not.
    Pass(bool),
    /// A long time passes while no runner is alive.
    PassLong,
    /// Processes become ready.
    Ready,
    /// The new revision's process is not ready any more.
    Unready,
    /// Processes that were asked to have ended.
    Stopped,
    /// Checks end, well or not.
    Checked(bool),
    /// Somebody aborts.
    Abort,
    /// Somebody says go on.
    Continue,
    /// The runner dies; the end of its journal is lost with it, or not.
    Crash(bool),
    /// Another runner takes over.
    Resume,
    /// The target is started again, on another boot or not.
    Restart(bool),
}

impl<J: Judge> Composed<J> {
    fn setup(&self) -> Setup {
        let steps = self.steps.iter().map(|&percent| Step { percent, pause_ms: 1 }).collect();
        let plan = Plan::new(steps, 1, 3, 1).expect("a plan").with_checks(false, self.verify, 3);
        let ask = Does::Ask { within_ms: 2, otherwise: Otherwise::Continue };
        Setup { plan, policy: Policy::design().with(RuleName::ResponseTime, ask), only_when_empty: false }
    }
}

impl<J: Judge> World<J> {
    /// A step of the release, and what the runner does about it.
    fn hear(&mut self, now: Timestamp, event: Option<Event>) {
        let before = self.release.clone();
        let stepped = step(&mut self.release, now, event.clone());
        let wanted = stepped.effects.iter().map(|keyed| keyed.effect.durability());
        let durability = event.as_ref().map(Durable::durability).into_iter().chain(wanted).max();
        if durability == Some(Durability::Synced) {
            self.durable = self.release.clone();
        }
        let told = super::rules::Told {
            now,
            event: event.as_ref(),
            effects: &stepped.effects,
            rejected: stepped.rejected.is_some(),
            ordered: self.seen.ordered,
            generation: self.target.rules.view_generation(),
        };
        self.broken = self.broken.or_else(|| broken_rule(&before, &told, &self.release));
        self.dispatch(stepped.effects);
    }

    fn dispatch(&mut self, effects: Vec<Keyed<Effect>>) {
        for keyed in effects {
            if let Effect::Order(Wish::Weight(percent)) = keyed.effect {
                self.seen.ordered = self.seen.ordered.max(percent);
            }
            match (keyed.key, keyed.effect) {
                (Some(key), Effect::Restore) => self.restoring = Some(key),
                (Some(key), Effect::RunChecks(_)) => self.checking = Some(key),
                (_, Effect::StopChecks) => self.checking = None,
                (Some(key), effect) => self.queue.push((key, effect)),
                (None, _) => {}
            }
        }
    }

    fn on_road(&self, key: &Key) -> bool {
        self.road.iter().any(|load| match load {
            Load::Request(of, _) | Load::Answer(of, ..) => of == key,
            Load::Look(_) => false,
        })
    }

    fn send(&mut self, key: Key, effect: &Effect) -> bool {
        let Some(request) = request(&key, effect, self.epoch) else { return false };
        self.road.push(Load::Request(key, request));
        true
    }

    fn arrive(&mut self, load: Load, answered: bool) {
        match load {
            Load::Request(key, request) => {
                let restore = matches!(request, Request::Restore { .. });
                let Some(reply) = self.target.ask(NOW, request) else { return };
                if restore && matches!(reply, Reply::Restoration(Restoration::Restored { .. })) {
                    self.seen.returned = true;
                }
                if self.up && answered {
                    let (event, epoch) = heard(&key, reply);
                    self.road.push(Load::Answer(key, event, epoch));
                }
            }
            Load::Answer(key, event, epoch) => {
                if self.queue.first().is_some_and(|(head, _)| *head == key) {
                    self.queue.remove(0);
                }
                if self.restoring.as_ref() == Some(&key) {
                    self.restoring = None;
                }
                self.epoch = epoch.unwrap_or(self.epoch);
                self.hear(NOW, Some(event));
            }
            Load::Look(sighting) => self.hear(NOW, Some(Event::Seen(sighting))),
        }
    }

    fn look(&self, code: Code) -> Sighting {
        let view = self.target.rules.view(NOW);
        let revision = view.revisions.get(&new());
        let gone = |id: &supervise::RevisionId| *id != new() && Some(id) != view.stable.as_ref();
        let others = view.revisions.iter().filter(|(id, _)| gone(id));
        Sighting {
            taken: NOW,
            generation: self.target.rules.view_generation(),
            stable: view.stable.as_ref().map(ToString::to_string),
            new: new().to_string(),
            percent: self.target.weight(),
            ready: revision.map_or(0, supervise::RevisionView::ready),
            wanted: revision.filter(|r| r.wanted).map_or(0, |r| r.instances_wanted),
            running_new: revision.map_or(0, |r| r.instances.len() as u32),
            running_old: others.map(|(_, r)| r.instances.len() as u32).sum(),
            latched: view.latched == Some(run()),
            sample: sample(code, NOW),
        }
    }

    fn crash(&mut self, lose: bool) {
        if lose {
            self.release = self.durable.clone();
        }
        self.up = false;
        self.queue.clear();
        (self.restoring, self.checking) = (None, None);
        self.road.retain(|load| matches!(load, Load::Request(..)));
    }

    /// As `runner::reacquire` and `Run` do it.
    fn resume(&mut self) {
        let acquire = request(&Key::new(0), &Effect::Acquire, self.epoch).expect("a request");
        let Some(Reply::Acquisition(supervise::Acquisition::Acquired { epoch, restored })) =
            self.target.ask(NOW, acquire)
        else {
            return;
        };
        self.up = true;
        self.epoch = epoch;
        self.hear(NOW, Some(Event::Acquired { restored }));
        self.queue.clear();
        (self.restoring, self.checking) = (None, None);
        let pending = self.release.pending();
        self.dispatch(pending);
        self.durable = self.release.clone();
    }

    fn pass(&mut self, ms: u64, renew: bool) {
        let now = NOW.after(ms);
        self.target.tell(now, None);
        if self.up {
            self.hear(now, None);
            if renew && self.release.leased() {
                let reply = self.target.ask(now, Request::Renew { run: run(), epoch: self.epoch });
                match reply.map(|reply| heard(&Key::new(0), reply).0) {
                    Some(event @ (Event::Latched | Event::Fenced)) => self.hear(now, Some(event)),
                    _ => {}
                }
            }
        }
        shift_times(&mut self.release, now);
        shift_times(&mut self.durable, now);
        shift_times(&mut self.target.rules, now);
        for load in &mut self.road {
            if let Load::Look(sighting) = load {
                let late =
                    |at: Timestamp| Timestamp::from_millis((at.as_millis() - ms).max(NOW.as_millis() - 3));
                sighting.taken = late(sighting.taken);
                sighting.sample.iter_mut().for_each(|sample| sample.taken = late(sample.taken));
            }
        }
    }

    /// The normal form: far times are equally far, messages have no order.
    fn settle(&mut self) {
        self.target.rules.visit(&mut Near);
        if self.road.len() > 1 {
            self.road.sort_by_cached_key(digest);
            self.road.dedup();
        }
        if self.left.crashes == 0 {
            // Nobody dies any more: what the disk has does not matter.
            self.durable = self.release.clone();
        }
    }
}

struct Near;

impl Visit for Near {
    fn time(&mut self, at: &mut Timestamp) {
        // The target compares no time that is past, it only says how long ago it was.
        *at = if *at > NOW.after(SOON) { NOW.after(FAR) } else { (*at).max(NOW) };
    }
    fn number(&mut self, _n: &mut u32) {}
}

/// The generation that a view shows.
trait ViewGeneration {
    fn view_generation(&self) -> u64;
}

impl ViewGeneration for supervise::Supervisor {
    fn view_generation(&self) -> u64 {
        self.observation(NOW, self.routed_generation(), 0).observed_generation.0
    }
}

impl<J> Model for Composed<J>
where
    J: Judge + Send + Sync + std::fmt::Debug + 'static,
{
    type State = World<J>;
    type Action = Action;

    fn init_states(&self) -> Vec<World<J>> {
        let mut release = Release::new(self.setup(), self.judge.clone());
        let wanted = release.begin(NOW);
        let mut world = World {
            durable: release.clone(),
            release,
            up: true,
            epoch: Epoch(0),
            queue: vec![],
            restoring: None,
            checking: None,
            road: vec![],
            target: Target::with_stable(),
            left: self.budget,
            seen: Seen::default(),
            broken: None,
        };
        world.dispatch(wanted);
        world.settle();
        vec![world]
    }

    fn actions(&self, world: &World<J>, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        let (left, room) = (world.left, world.road.len() < ROAD);
        let ended = world.release.progress() == Progress::Ended;
        for index in 0..world.road.len() {
            actions.push(Action::Deliver(index));
            if left.duplicates > 0 {
                actions.push(Action::DeliverTwice(index));
            }
            if left.losses > 0 {
                actions.push(Action::Lose(index));
                if matches!(world.road[index], Load::Request(..)) {
                    actions.push(Action::DeliverUnanswered(index));
                }
            }
        }
        if !world.target.ending.is_empty() {
            actions.push(Action::Stopped);
        }
        if !world.up {
            actions.extend([Action::Resume, Action::PassLong]);
            return;
        }
        if ended {
            return;
        }
        actions.extend([Action::Pass(true), Action::Pass(false)]);
        if room && world.queue.first().is_some_and(|(key, _)| !world.on_road(key)) {
            actions.push(Action::Send);
        }
        if room && world.restoring.as_ref().is_some_and(|key| !world.on_road(key)) {
            actions.push(Action::SendRestore);
        }
        self.sights(world, room, actions);
        self.people_and_faults(world, actions);
    }

    fn next_state(&self, before: &World<J>, action: Action) -> Option<World<J>> {
        let mut world = before.clone();
        match action {
            Action::Send => {
                let (key, effect) = world.queue.first().cloned()?;
                world.send(key, &effect);
            }
            Action::SendRestore => {
                let key = world.restoring.clone()?;
                world.send(key, &Effect::Restore);
            }
            Action::Deliver(index) => {
                let load = world.road.remove(index);
                world.arrive(load, true);
            }
            Action::DeliverUnanswered(index) => {
                world.left.losses -= 1;
                let load = world.road.remove(index);
                world.arrive(load, false);
            }
            Action::DeliverTwice(index) => {
                world.left.duplicates -= 1;
                let load = world.road[index].clone();
                world.arrive(load, true);
            }
            Action::Lose(index) => {
                world.left.losses -= 1;
                world.road.remove(index);
            }
            Action::Look(code) => {
                let sighting = world.look(code);
                world.road.push(Load::Look(Box::new(sighting)));
            }
            Action::Pass(renew) => world.pass(1, renew),
            Action::PassLong => world.pass(LONG, false),
            Action::Ready => world.target.all_ready(NOW),
            Action::Unready => {
                world.left.unready -= 1;
                world.target.probe(NOW, false);
            }
            Action::Stopped => world.target.all_ended(NOW),
            Action::Checked(well) => {
                let key = world.checking.take()?;
                let failed = (!well).then(|| "a check".to_owned());
                world.hear(NOW, Some(Event::ChecksEnded { key, failed }));
            }
            Action::Abort => {
                world.left.aborts -= 1;
                world.hear(NOW, Some(Event::Abort { reason: "somebody".to_owned() }));
            }
            Action::Continue => world.hear(NOW, Some(Event::Continue { by: "somebody".to_owned() })),
            Action::Crash(lose) => {
                world.left.crashes -= 1;
                world.crash(lose);
            }
            Action::Resume => world.resume(),
            Action::Restart(fresh) => {
                world.left.restarts -= 1;
                world.target.restart(NOW, fresh);
            }
        }
        let fell = before.target.weight() > 0 && world.target.weight() == 0;
        let stable = world.target.rules.view(NOW).stable;
        world.seen.promoted |= stable == Some(new());
        world.seen.returned |= fell && stable == Some(old());
        if self.drop_latch {
            world.target.forget_latches();
        }
        world.broken = world.broken.or_else(|| super::rules::broken_target(before, &world));
        world.settle();
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<Property<Self>> = Vec::new();
        for (index, name) in RULES.iter().enumerate() {
            properties.push(Property::always(name, holds(index)));
        }
        if !self.drop_latch {
            properties.push(Property::sometimes("a release is promoted", |_, w: &World<J>| {
                w.release.outcome() == Some(&Outcome::Promoted)
            }));
            properties.push(Property::sometimes(
                "a release goes back with traffic on it",
                |_, w: &World<J>| {
                    matches!(w.release.stage(), Stage::Ended(Outcome::Aborted { .. })) && w.seen.ordered > 0
                },
            ));
        }
        properties
    }
}

impl<J: Judge> Composed<J> {
    fn sights(&self, world: &World<J>, room: bool, actions: &mut Vec<Action>) {
        let looking = world.road.iter().any(|load| matches!(load, Load::Look(_)));
        let looks = matches!(world.release.stage(), Stage::Looking | Stage::Rolling);
        if !room || looking || !looks {
            return;
        }
        if world.release.strategy().exposed() {
            actions.extend(self.codes.iter().copied().map(Action::Look));
        } else {
            actions.push(Action::Look(Code::None));
        }
    }

    fn people_and_faults(&self, world: &World<J>, actions: &mut Vec<Action>) {
        let left = world.left;
        if world.target.rules.view(NOW).revisions.get(&new()).is_some_and(|r| r.wanted && r.ready() == 0) {
            actions.push(Action::Ready);
        } else if left.unready > 0 {
            actions.push(Action::Unready);
        }
        if world.checking.is_some() {
            actions.extend([Action::Checked(true), Action::Checked(false)]);
        }
        if left.aborts > 0 {
            actions.push(Action::Abort);
        }
        if world.release.question().is_some() {
            actions.push(Action::Continue);
        }
        if left.crashes > 0 {
            actions.push(Action::Crash(false));
            if world.release != world.durable {
                actions.push(Action::Crash(true));
            }
        }
        if left.restarts > 0 {
            actions.extend([Action::Restart(false), Action::Restart(true)]);
        }
    }
}

/// What the counters of a message said, if it is a look.
pub fn told_code(event: Option<&Event>) -> Option<(Code, Timestamp, u64)> {
    match event {
        Some(Event::Seen(sighting)) => {
            Some((code_of(sighting.sample.as_ref()), sighting.taken, sighting.generation))
        }
        _ => None,
    }
}

/// Whether the phase is one that an abort leads back from.
pub const fn before_promotion(phase: &Phase) -> bool {
    !matches!(phase, Phase::Decommissioning | Phase::Promoted)
}

/// The same for equal messages, whatever order they came in.
fn digest(load: &Load) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    load.hash(&mut hasher);
    hasher.finish()
}
