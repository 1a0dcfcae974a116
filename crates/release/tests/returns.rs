//! Ways back and on that once went wrong, each found by a walk or by reading with one in mind.

use health::{Arm, Latency, Literal, Rules, Sample};
use machine::{Machine, Timestamp, step};
use release::{Effect, Event, Outcome, Phase, Plan, Policy, Release, Setup, Sighting, Stage, Step, Wish};

const fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn release() -> Release<Literal> {
    let steps = vec![Step { percent: 50, pause_ms: 10 }, Step { percent: 100, pause_ms: 10 }];
    let plan = Plan::new(steps, 10, 500, 10).unwrap();
    let setup = Setup { plan, policy: Policy::design(), only_when_empty: false };
    let mut release = Release::new(setup, Literal::new(Rules::none()));
    release.begin(at(0));
    step(&mut release, at(1), Some(Event::Acquired { restored: false }));
    release
}

/// The target as it is before anything was ordered.
fn before(taken: u64) -> Sighting {
    Sighting {
        taken: at(taken),
        generation: 0,
        stable: Some("old".to_owned()),
        new: "new".to_owned(),
        percent: 0,
        ready: 0,
        wanted: 0,
        running_new: 0,
        running_old: 0,
        latched: false,
        sample: None,
        failing: None,
    }
}

fn with_counters(sighting: Sighting, taken: u64) -> Sighting {
    let latency = Latency::new(vec![(u64::MAX, 100)]).unwrap();
    let new = Arm { requests: 100, latency, ..Arm::default() };
    Sighting { sample: Some(Sample { taken: at(taken), new, stable: None }), ..sighting }
}

fn see(release: &mut Release<Literal>, now: u64, sighting: Sighting) -> Vec<Effect> {
    let stepped = step(release, at(now), Some(Event::Seen(Box::new(sighting))));
    stepped.effects.into_iter().map(|keyed| keyed.effect).collect()
}

/// With half of the traffic on the new revision, seen at 30.
fn at_half() -> Release<Literal> {
    let mut release = release();
    see(&mut release, 2, before(2));
    let running = |taken| Sighting { ready: 1, wanted: 1, running_new: 1, ..before(taken) };
    see(&mut release, 20, running(20));
    see(&mut release, 30, Sighting { percent: 50, ..running(30) });
    assert!(matches!(release.phase(), Phase::Pausing(0, _)), "{:?}", release.phase());
    release
}

#[test]
fn s4_old_counters_under_a_new_look_are_no_evidence() {
    let shown = |taken| Sighting { percent: 50, ready: 1, wanted: 1, running_new: 1, ..before(taken) };
    let mut release = at_half();
    for now in (40..=90).step_by(10) {
        // The page of counters hangs: it is as it was at 30.
        let effects = see(&mut release, now, with_counters(shown(now), 30));
        assert!(effects.is_empty(), "{now}: {effects:?}");
    }
    see(&mut release, 100, with_counters(shown(100), 100));
    let effects = see(&mut release, 110, with_counters(shown(110), 110));
    assert_eq!(effects, vec![Effect::Order(Wish::Weight(100))]);
}

#[test]
fn i15_a_fence_is_not_taken_for_a_return() {
    let mut release = at_half();
    let fenced = step(&mut release, at(40), Some(Event::Fenced));
    assert_eq!(fenced.effects[0].effect, Effect::Restore, "the return is taken at any epoch");
    assert_eq!(*release.phase(), Phase::Restoring);
    let again = step(&mut release, at(41), Some(Event::Fenced));
    assert!(again.effects.is_empty() && *release.phase() == Phase::Restoring);
}

#[test]
fn a_new_revision_that_is_wanted_and_has_no_instance_yet_is_not_stopped() {
    let mut release = release();
    see(&mut release, 2, before(2));
    step(&mut release, at(3), Some(Event::Abort { reason: "somebody".to_owned() }));
    step(&mut release, at(4), Some(Event::RestoreAccepted { generation: 2 }));
    let wanted = |taken| Sighting { wanted: 1, generation: 2, latched: true, ..before(taken) };
    see(&mut release, 5, wanted(5));
    see(&mut release, 6, wanted(6));
    assert_eq!(*release.phase(), Phase::Clearing);
    see(&mut release, 7, Sighting { wanted: 0, ..wanted(7) });
    assert!(matches!(release.stage(), Stage::Closing(Outcome::Aborted { stable: true, .. })));
}

#[test]
fn l5_a_target_that_never_answers_does_not_hold_a_release_that_was_aborted() {
    let mut release = release();
    step(&mut release, at(3), Some(Event::Abort { reason: "somebody".to_owned() }));
    assert_eq!(release.deadline(), Some(at(503)));
    step(&mut release, at(503), None);
    assert!(matches!(release.stage(), Stage::Ended(Outcome::Aborted { .. })));
}

#[test]
fn the_reason_of_a_failing_check_is_the_last_before_the_way_back_and_decides_nothing() {
    let running = |taken, failing: Option<&str>| Sighting {
        percent: 50,
        ready: 1,
        wanted: 1,
        running_new: 1,
        failing: failing.map(ToOwned::to_owned),
        ..before(taken)
    };
    let (mut with, mut without) = (at_half(), at_half());
    for (now, failing) in [(32, Some("a")), (33, None), (34, Some("b"))] {
        assert_eq!(see(&mut with, now, running(now, failing)), see(&mut without, now, running(now, None)));
        assert_eq!(with.cost().failing.as_deref(), failing);
        assert_eq!(with.phase(), without.phase());
    }
    step(&mut with, at(40), Some(Event::Abort { reason: "somebody".to_owned() }));
    see(&mut with, 41, running(41, Some("it ends, of course")));
    see(&mut with, 42, running(42, None));
    assert_eq!(with.cost().failing.as_deref(), Some("b"));
}
