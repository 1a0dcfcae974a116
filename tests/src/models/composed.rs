//! The composed model: the production release over the production target, with everything between them that can go
//! wrong: two messages on the road that are lost, late or twice; a runner that dies with the end of its journal; a
//! target that is started again; a lease that runs out; a person who aborts; evidence that says anything.

use deploy_strategies::{Plan, Step};
use health::Judge;
use machine::Timestamp;
use release::{
    Action as Does, Effect, Event, Otherwise, Outcome, Phase, Policy, Release, RuleName, Setup, Stage,
};
use stateright::{Model, Property};
use supervise::Epoch;

use super::judges::{Code, code_of};
use super::rules::{RULES, holds};
use super::target::{Target, new, old};
use super::walk::NOW;
use super::world::Load;
pub use super::world::{Seen, World};

/// More than any deadline: a runner that was away.
pub(super) const LONG: u64 = 9;
/// Messages on the road at most.
pub(super) const ROAD: usize = 2;

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
        self.choices(world, actions);
    }

    fn next_state(&self, before: &World<J>, action: Action) -> Option<World<J>> {
        let mut world = before.clone();
        happen(&mut world, action)?;
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

/// Carries an action out; `None` when there is nothing to carry out.
fn happen<J: Judge>(world: &mut World<J>, action: Action) -> Option<()> {
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
    Some(())
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
