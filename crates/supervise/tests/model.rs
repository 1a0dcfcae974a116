//! An exhaustive walk over the production `handle`: two revisions, a run whose orders are lost, duplicated and late,
//! a lease that runs out, an abort, a process that dies, and one crash of the target.
//!
//! States are kept in normal form: `now` is subtracted from every stored time, so the same situation at another
//! time is the same state.

mod stage;

use machine::{Input, Machine as _, Timestamp, Visit};
use stage::{Stage, spec, weight};
use stateright::{Checker, Model, Property};
use supervise::{
    Answer, Claim, Desired, Epoch, Event, Order, ProbeKind, Request, RevisionId, RunId, Supervisor,
};

const OLD_INSTANCES: u32 = 1;
const STATES_MAX: usize = 100_000;

fn old() -> RevisionId {
    spec("1", OLD_INSTANCES).id()
}

fn new() -> RevisionId {
    spec("2", 1).id()
}

/// The orders of the run, one after the other.
fn script(at: usize) -> Option<Desired> {
    let steps = [
        Desired::Running { spec: Box::new(spec("2", 1)) },
        weight(&new(), 50),
        weight(&new(), 100),
        Desired::Stable { revision: new() },
        Desired::Stopped { revision: old(), retain_ms: 1_000_000 },
    ];
    steps.get(at).cloned()
}

/// What may still go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Budget {
    /// A lost answer, a duplicate, a process that dies, a takeover by the same run, or a crash: one a walk.
    faults: u8,
    aborts: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    stage: Stage,
    epoch: Epoch,
    /// The order that the run wants to give next.
    at: usize,
    /// A copy of an order that is still on the road: (epoch, step).
    late: Option<(Epoch, usize)>,
    restored: bool,
    crashed: bool,
    promoted: bool,
    budget: Budget,
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Act {
    Order { answer_lost: bool, duplicated: bool },
    Late,
    Abort,
    Takeover,
    Renew,
    Willing,
    Ready(usize),
    Exit(usize),
    Wake,
    Crash { reboot: bool },
}

struct Orders;

/// Subtracts `now` from every time.
struct Subtract(Timestamp);

impl Visit for Subtract {
    fn time(&mut self, at: &mut Timestamp) {
        *at = Timestamp::from_millis(at.since(self.0));
    }
    fn number(&mut self, _n: &mut u32) {}
}

impl World {
    fn first() -> Self {
        let mut stage = Stage::with_stable(&spec("1", OLD_INSTANCES));
        let epoch = stage.acquire("b", false).unwrap();
        let budget = Budget { faults: 1, aborts: 1 };
        let mut world = Self {
            stage,
            epoch,
            at: 0,
            late: None,
            restored: false,
            crashed: false,
            promoted: false,
            budget,
            broken: None,
        };
        world.normal_form();
        world
    }

    fn normal_form(&mut self) {
        let now = self.stage.now;
        self.stage.machine.visit(&mut Subtract(now));
        self.stage.now = Timestamp::ZERO;
    }

    fn ready(&self, id: &RevisionId) -> u32 {
        self.stage.machine.view(self.stage.now).revisions.get(id).map_or(0, supervise::RevisionView::ready)
    }

    fn deliver(&mut self, epoch: Epoch, at: usize) -> Option<Answer> {
        let desired = script(at)?;
        let (had, ready_before) = (self.stage.routed(&new()), (self.ready(&old()), self.ready(&new())));
        let in_force = self.stage.machine.observation(self.stage.now, supervise::Generation(0), 0).epoch;
        let order = Order { key: format!("b/{at}"), run: RunId::new("b"), epoch, expects: None, desired };
        let answer = self.stage.send(order);
        let raised = self.stage.routed(&new()) > had;
        if raised && ready_before.1 == 0 {
            self.broken = Some("i01 i03 an order raised the weight of what is not ready");
        }
        if raised && epoch != in_force {
            self.broken = Some("i41 an order under another epoch moved traffic");
        }
        self.promoted |= self.stage.machine.view(self.stage.now).stable == Some(new());
        Some(answer)
    }

    fn heard(&mut self, answer: &Answer) {
        match answer {
            Answer::Accepted { .. } => self.at += 1,
            // The run ends: it has been told that its traffic is back, or that it is no longer the one.
            Answer::Restored { .. } | Answer::Fenced { .. } => self.at = usize::MAX,
            // Asked again later.
            Answer::Refused { .. } | Answer::Conflict { .. } => {}
        }
    }

    fn crash(&mut self, reboot: bool) {
        let bytes = serde_json::to_vec(&self.stage.machine).unwrap();
        self.stage.machine = serde_json::from_slice::<Supervisor>(&bytes).unwrap();
        if reboot {
            self.stage.procs.clear();
        }
        self.stage.fetches.clear();
        let found = self.stage.found();
        self.stage.procs.retain(|p| p.running);
        self.stage.tell(Event::Resumed { fresh: reboot, found });
    }
}

impl Model for Orders {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::first()]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        let budget = &world.budget;
        if script(world.at).is_some() {
            acts.push(Act::Order { answer_lost: false, duplicated: false });
            if budget.faults > 0 {
                acts.push(Act::Order { answer_lost: true, duplicated: false });
            }
            if budget.faults > 0 {
                acts.push(Act::Order { answer_lost: false, duplicated: true });
            }
        }
        if world.late.is_some() {
            acts.push(Act::Late);
        }
        if budget.aborts > 0 {
            acts.push(Act::Abort);
        }
        if budget.faults > 0 {
            acts.push(Act::Takeover);
        }
        if world.stage.machine.view(world.stage.now).lease_left_ms.is_some_and(|left| left < 60_000) {
            acts.push(Act::Renew);
        }
        acts.push(Act::Willing);
        for at in 0..world.stage.procs.len() {
            acts.push(Act::Ready(at));
            if budget.faults > 0 {
                acts.push(Act::Exit(at));
            }
        }
        acts.push(Act::Wake);
        if budget.faults > 0 {
            acts.extend([Act::Crash { reboot: false }, Act::Crash { reboot: true }]);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        match act {
            Act::Order { answer_lost, duplicated } => {
                let answer = next.deliver(next.epoch, next.at)?;
                if duplicated {
                    next.budget.faults -= 1;
                    next.late = Some((next.epoch, next.at));
                }
                if answer_lost {
                    next.budget.faults -= 1;
                } else {
                    next.heard(&answer);
                }
            }
            Act::Late => {
                let (epoch, at) = next.late.take()?;
                next.deliver(epoch, at);
            }
            Act::Abort => {
                next.budget.aborts -= 1;
                let restoration = next.stage.restore("b");
                next.restored |= matches!(restoration, supervise::Restoration::Restored { .. });
            }
            Act::Takeover => {
                next.budget.faults -= 1;
                let claim = Claim { run: RunId::new("b"), control: String::new(), supersede: false };
                next.stage.tell(Event::Asked { n: 0, request: Request::Acquire { claim } });
                next.epoch = Epoch(next.epoch.0 + 1);
            }
            Act::Renew => {
                let request = Request::Renew { run: RunId::new("b"), epoch: next.epoch };
                next.stage.tell(Event::Asked { n: 0, request });
            }
            Act::Willing => {
                let event = next.stage.willing()?;
                next.stage.tell(event);
            }
            Act::Ready(at) => {
                let instance = next.stage.procs.get(at).filter(|p| p.running)?.id.clone();
                next.stage.tell(Event::Probed { instance, probe: ProbeKind::Ready, ok: true });
            }
            Act::Exit(at) => {
                next.budget.faults -= 1;
                next.stage.procs.get(at).filter(|p| p.running)?;
                let instance = next.stage.procs.remove(at).id;
                next.stage.tell(Event::Exited { instance, code: None });
            }
            Act::Wake => {
                let had = next.stage.routed(&new());
                next.stage.wake().then_some(())?;
                if next.stage.routed(&new()) > had {
                    next.broken = Some("a wake never raises a weight");
                }
            }
            Act::Crash { reboot } => {
                next.budget.faults -= 1;
                next.crashed = true;
                next.crash(reboot);
            }
        }
        next.broken = next.broken.or_else(|| next.stage.broken());
        if next.restored && !next.promoted && next.stage.routed(&new()) > 0 {
            next.broken = Some("i17 the new version has traffic after a restore");
        }
        next.normal_form();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("every line holds", |_, world: &World| world.broken.is_none()),
            Property::sometimes("promoted and the old one gone", |_, world: &World| {
                world.at == 5 && world.stage.procs.iter().all(|p| p.id.revision == new())
            }),
            Property::sometimes("restored after a crash", |_, world: &World| world.restored && world.crashed),
            Property::sometimes("the lease ran out by itself", |_, world: &World| {
                world.budget.aborts == 1 && world.stage.machine.view(world.stage.now).latched.is_some()
            }),
        ]
    }
}

#[test]
fn every_interleaving_of_orders_faults_and_one_crash_keeps_the_invariants() {
    let checker = Orders.checker().threads(2).target_state_count(STATES_MAX * 12).spawn_bfs().join();
    println!("supervise: {} states, depth {}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
    assert!(checker.unique_state_count() < STATES_MAX, "{} states", checker.unique_state_count());
}

#[test]
fn the_normal_form_leaves_no_time_behind() {
    struct Latest(Timestamp);
    impl Visit for Latest {
        fn time(&mut self, at: &mut Timestamp) {
            self.0 = self.0.max(*at);
        }
        fn number(&mut self, _n: &mut u32) {}
    }
    let mut world = World::first();
    let mut latest = Latest(Timestamp::ZERO);
    world.stage.machine.visit(&mut latest);
    assert!(
        latest.0 <= Timestamp::from_millis(60_000),
        "no time lies further ahead than a lease: {}",
        latest.0
    );
    let due = world.stage.machine.deadline().unwrap();
    world.stage.machine.handle(due, Input::Wake).unwrap();
    assert!(world.stage.machine.deadline().is_none_or(|next| next > due), "a wake moves the deadline on");
}
