//! Laws of the supervisor over arbitrary histories. The name of a test is the law that it proves.

mod stage;

use machine::Timestamp;
use proptest::prelude::*;
use stage::{Stage, spec, weight};
use supervise::{
    Answer, Desired, Epoch, Event, Generation, Order, ProbeKind, Reply, Request, Restoration, RunId,
    Supervisor,
};

/// Something that happens, by number; what does not fit is rejected or refused and must not matter.
#[derive(Clone, Debug)]
enum Act {
    Weight(u8),
    Running,
    Stable,
    StopOld,
    StopNew,
    Restarts(u32),
    Restore,
    Acquire,
    Other,
    Willing,
    Exit(usize),
    Probe(usize, bool, bool),
    Wake,
    Crash,
    Reboot,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..=100u8).prop_map(Act::Weight),
        2 => Just(Act::Running),
        1 => Just(Act::Stable),
        1 => Just(Act::StopOld),
        1 => Just(Act::StopNew),
        1 => (1..4u32).prop_map(Act::Restarts),
        1 => Just(Act::Restore),
        1 => Just(Act::Acquire),
        1 => Just(Act::Other),
        6 => Just(Act::Willing),
        1 => (0..8usize).prop_map(Act::Exit),
        4 => (0..8usize, any::<bool>(), any::<bool>()).prop_map(|(i, ready, ok)| Act::Probe(i, ready, ok)),
        1 => Just(Act::Wake),
        1 => Just(Act::Crash),
        1 => Just(Act::Reboot),
    ]
}

/// One history of run `b` against a target with a stable revision.
struct Walk {
    stage: Stage,
    epoch: Epoch,
    orders: u32,
    /// The last order that was accepted.
    accepted: Option<(Order, Generation)>,
}

impl Walk {
    /// With `shifting` the new revision is ready and has half of the traffic already.
    fn new(shifting: bool) -> Self {
        let mut stage = Stage::with_stable(&spec("1", 2));
        let epoch = stage.acquire("b", false).unwrap();
        let mut walk = Self { stage, epoch, orders: 0, accepted: None };
        if shifting {
            walk.act(&Act::Running);
            walk.stage.settle();
            walk.act(&Act::Weight(50));
        }
        walk
    }

    fn order(&mut self, desired: Desired) -> Answer {
        self.orders += 1;
        let key = format!("b/{}", self.orders);
        let order = Order { key, run: RunId::new("b"), epoch: self.epoch, expects: None, desired };
        let answer = self.stage.send(order.clone());
        if let Answer::Accepted { generation } = answer {
            self.accepted = Some((order, generation));
        }
        answer
    }

    fn restarted(&mut self, fresh: bool) {
        let bytes = serde_json::to_vec(&self.stage.machine).unwrap();
        self.stage.machine = serde_json::from_slice::<Supervisor>(&bytes).unwrap();
        if fresh {
            self.stage.procs.clear();
        }
        self.stage.fetches.clear();
        let found = self.stage.found();
        self.stage.procs.retain(|p| p.running);
        self.stage.tell(Event::Resumed { fresh, found });
    }

    fn act(&mut self, act: &Act) {
        let (old, new) = (spec("1", 2), spec("2", 2));
        let stopped = |revision| Desired::Stopped { revision, retain_ms: 1_000 };
        match act {
            Act::Weight(percent) => drop(self.order(weight(&new.id(), *percent))),
            Act::Running => drop(self.order(Desired::Running { spec: Box::new(new) })),
            Act::Stable => drop(self.order(Desired::Stable { revision: new.id() })),
            Act::StopOld => drop(self.order(stopped(old.id()))),
            Act::StopNew => drop(self.order(stopped(new.id()))),
            Act::Restarts(n) => {
                drop(self.order(Desired::Restarts { revision: old.id(), slot: 0, restarts: *n }));
            }
            Act::Restore => drop(self.stage.restore("b")),
            Act::Acquire => self.epoch = self.stage.acquire("b", false).unwrap_or(self.epoch),
            Act::Other => drop(self.stage.acquire("c", true)),
            Act::Willing => {
                if let Some(event) = self.stage.willing() {
                    self.stage.tell(event);
                }
            }
            Act::Exit(at) => {
                if self.stage.procs.get(*at).is_some_and(|p| p.running) {
                    let instance = self.stage.procs.remove(*at).id;
                    self.stage.tell(Event::Exited { instance, code: Some(1) });
                }
            }
            Act::Probe(at, ready, ok) => {
                if let Some(p) = self.stage.procs.get(*at).filter(|p| p.running) {
                    let probe = if *ready { ProbeKind::Ready } else { ProbeKind::Live };
                    self.stage.tell(Event::Probed { instance: p.id.clone(), probe, ok: *ok });
                }
            }
            Act::Wake => drop(self.stage.wake()),
            Act::Crash => self.restarted(false),
            Act::Reboot => self.restarted(true),
        }
    }
}

fn drop<T>(_: T) {}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(384) })]

    #[test]
    fn i04_i05_i07_i13_hold_after_every_step_of_every_history(
        acts in prop::collection::vec(act(), 1..60), shifting: bool,
    ) {
        let mut walk = Walk::new(shifting);
        for act in &acts {
            walk.act(act);
            prop_assert_eq!(walk.stage.broken(), None, "after {:?}", act);
        }
    }

    #[test]
    fn i03_no_order_raises_a_weight_above_the_ready_share(
        acts in prop::collection::vec(act(), 1..40), percent in 1..=100u8, shifting: bool,
    ) {
        let mut walk = Walk::new(shifting);
        for act in &acts {
            walk.act(act);
        }
        let new = spec("2", 2).id();
        let before = walk.stage.machine.view(walk.stage.now);
        let (had, ready) = (walk.stage.routed(&new), before.revisions.get(&new).map_or(0, supervise::RevisionView::ready));
        let answer = walk.order(weight(&new, percent));
        let raised = matches!(answer, Answer::Accepted { .. }) && walk.stage.routed(&new) > had;
        if raised && before.stable.as_ref() != Some(&new) {
            prop_assert!(u32::from(percent) * 2 <= 100 * ready, "{percent} % on {ready} of 2: {answer:?}");
        }
    }

    #[test]
    fn i14_i15_i17_a_restore_is_accepted_in_every_state_and_the_new_version_gets_nothing_afterwards(
        before in prop::collection::vec(act(), 0..40), after in prop::collection::vec(act(), 0..40),
        shifting: bool,
    ) {
        let mut walk = Walk::new(shifting);
        for act in &before {
            walk.act(act);
        }
        let new = spec("2", 2).id();
        let owner = walk.stage.routed(&new) > 0 && walk.stage.machine.view(walk.stage.now).lease_left_ms.is_some();
        match walk.stage.restore("b") {
            Restoration::Promoted { .. } => {
                prop_assert_eq!(walk.stage.machine.view(walk.stage.now).stable, Some(new));
            }
            Restoration::Restored { stable, .. } => {
                prop_assert!(stable);
                if owner {
                    prop_assert_eq!(walk.stage.routed(&spec("1", 2).id()), 100);
                }
                for act in &after {
                    walk.act(act);
                    let stable = walk.stage.machine.view(walk.stage.now).stable;
                    prop_assert!(stable.as_ref() == Some(&new) || walk.stage.routed(&new) == 0, "after {:?}", act);
                }
            }
        }
    }

    #[test]
    fn i44_an_order_that_arrives_twice_acts_once(
        acts in prop::collection::vec(act(), 1..40), shifting: bool,
    ) {
        let mut walk = Walk::new(shifting);
        for act in &acts {
            walk.act(act);
            let Some((order, generation)) = walk.accepted.clone() else { continue };
            let before = walk.stage.clone();
            let again = walk.stage.send(order);
            if let Answer::Accepted { generation: known } = again {
                prop_assert_eq!(known, generation);
            }
            prop_assert_eq!(&walk.stage.table, &before.table);
            prop_assert_eq!(&walk.stage.procs, &before.procs);
            prop_assert_eq!(walk.stage.machine.view(walk.stage.now), before.machine.view(before.now));
        }
    }

    #[test]
    fn l05_without_news_every_history_comes_to_rest_on_stable(
        acts in prop::collection::vec(act(), 1..60), shifting: bool,
    ) {
        let mut walk = Walk::new(shifting);
        for act in &acts {
            walk.act(act);
        }
        for _ in 0..200 {
            walk.stage.settle();
            let due = machine::Machine::deadline(&walk.stage.machine);
            if due.is_none_or(|due| due.since(walk.stage.now) > 120_000) {
                break;
            }
            walk.stage.wake();
        }
        let view = walk.stage.machine.view(walk.stage.now);
        prop_assert_eq!(view.lease_left_ms, None);
        let stable = view.stable.unwrap();
        prop_assert_eq!(walk.stage.routed(&stable), 100);
        prop_assert_eq!(view.revisions[&stable].ready(), 2);
    }
}

#[test]
fn i41_orders_renewals_and_releases_under_an_older_epoch_are_fenced() {
    let mut walk = Walk::new(true);
    let older = walk.epoch;
    walk.act(&Act::Acquire);
    let before = walk.stage.clone();
    let fenced = Answer::Fenced { epoch: walk.epoch };
    assert_eq!(walk.stage.order("b", older, "late", weight(&spec("2", 2).id(), 100)), fenced);
    assert_eq!(walk.stage.order("c", walk.epoch, "late", weight(&spec("2", 2).id(), 100)), fenced);
    let run = RunId::new("b");
    let renew = Request::Renew { run: run.clone(), epoch: older };
    let release = Request::Release { run, epoch: older };
    for request in [renew, release] {
        let reply = walk.stage.tell(Event::Asked { n: 0, request });
        assert_eq!(reply, Some(Reply::Answer(fenced.clone())));
    }
    assert_eq!(walk.stage, before, "nothing was changed");
}

#[test]
fn back_off_doubles_from_a_quarter_second_to_ten_and_is_reset_after_half_a_minute_of_ready() {
    let mut stage = Stage::with_stable(&spec("1", 1));
    let mut waits = Vec::new();
    for _ in 0..8 {
        let instance = stage.procs.remove(0).id;
        stage.tell(Event::Exited { instance, code: None });
        let before = stage.now;
        stage.wake();
        waits.push(stage.now.since(before));
        stage.settle();
    }
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    let rested = stage.now.after(30_000);
    while stage.now < rested {
        stage.wake();
    }
    let instance = stage.procs.remove(0).id;
    stage.tell(Event::Exited { instance, code: None });
    let before = stage.now;
    stage.wake();
    assert_eq!(stage.now.since(before), 250);
}

#[test]
fn a_success_sets_the_count_of_failed_checks_to_zero_and_an_exit_counts_as_one() {
    let mut stage = Stage::with_stable(&spec("1", 1));
    let id = spec("1", 1).id();
    let failed = |stage: &Stage| stage.machine.view(stage.now).revisions[&id].instances[0].failed_checks;
    let instance = stage.procs[0].id.clone();
    let live = |ok| Event::Probed { instance: instance.clone(), probe: ProbeKind::Live, ok };
    stage.tell(live(false));
    stage.tell(live(false));
    assert_eq!(failed(&stage), 2);
    stage.tell(live(true));
    assert_eq!(failed(&stage), 0);
    stage.procs.clear();
    stage.tell(Event::Exited { instance: instance.clone(), code: Some(1) });
    assert_eq!(failed(&stage), 1);
}

#[test]
fn a_replacement_that_is_not_ready_in_time_is_given_up_and_the_old_process_stays() {
    let mut stage = Stage::with_stable(&spec("1", 1));
    let id = spec("1", 1).id();
    let old = stage.procs[0].id.incarnation;
    let epoch = stage.acquire("b", false).unwrap();
    stage.order("b", epoch, "1", Desired::Restarts { revision: id.clone(), slot: 0, restarts: 1 });
    assert_eq!(stage.procs.len(), 2, "beside the old one");
    while stage.now < Timestamp::from_millis(supervise::REPLACEMENT_READY_MAX_MS) {
        stage.wake();
    }
    let routed = &stage.table.shares[0].upstreams;
    assert_eq!(routed.iter().map(|up| up.incarnation).collect::<Vec<_>>(), [old]);
    assert!(stage.procs.iter().any(|p| p.stopping && p.id.incarnation != old));
}

#[test]
fn a_promoted_run_that_is_superseded_is_not_latched() {
    let mut stage = Stage::with_stable(&spec("1", 1));
    let new = spec("2", 1);
    let epoch = stage.acquire("b", false).unwrap();
    stage.order("b", epoch, "run", Desired::Running { spec: Box::new(new.clone()) });
    stage.settle();
    stage.order("b", epoch, "all", weight(&new.id(), 100));
    stage.order("b", epoch, "stable", Desired::Stable { revision: new.id() });
    stage.acquire("c", true).unwrap();
    let view = stage.machine.view(stage.now);
    assert_eq!((view.stable, view.latched), (Some(new.id()), None), "what it moved is stable");
    assert!(matches!(stage.restore("b"), Restoration::Promoted { .. }));
}
