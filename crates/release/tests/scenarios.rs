//! Scenarios that once went wrong, each told in the order in which it happened.

use machine::{Machine, Timestamp, step};
use release::{Event, Judge, Literal, Outcome, Plan, Policy, Release, Rules, Setup, Sighting, Stage, Step};

fn release() -> Release<Literal> {
    let plan = Plan::new(vec![Step { percent: 100, pause_ms: 0 }], 1_000, 10_000, 500).unwrap();
    let mut release = Release::new(
        Setup { plan, policy: Policy::design(), only_when_empty: false },
        Literal::new(Rules::none()),
    );
    tell(&mut release, 0, Event::Acquired { restored: false });
    release
}

fn tell<J: Judge>(release: &mut Release<J>, ms: u64, event: Event) {
    let stepped = step(release, Timestamp::from_millis(ms), Some(event));
    assert_eq!(stepped.rejected, None);
}

/// The target serves `new` already, with this many of its two instances ready.
fn stable_already(ms: u64, ready: u32) -> Event {
    Event::Seen(Box::new(Sighting {
        taken: Timestamp::from_millis(ms),
        generation: 1,
        stable: Some("r-new".to_owned()),
        new: "r-new".to_owned(),
        percent: 100,
        ready,
        wanted: 2,
        running_new: 2,
        running_old: 0,
        latched: false,
        sample: None,
    }))
}

#[test]
fn nothing_to_do_is_said_only_when_the_stable_revision_serves() {
    let mut release = release();
    tell(&mut release, 10, stable_already(10, 0));
    assert_eq!(release.stage(), &Stage::Looking, "a target that was just started again does not serve yet");
    tell(&mut release, 200, stable_already(200, 2));
    assert!(matches!(release.outcome(), Some(Outcome::Unchanged { .. })));
}

#[test]
fn a_stable_revision_that_never_serves_is_not_waited_for_without_end() {
    let mut release = release();
    tell(&mut release, 10, stable_already(10, 1));
    let due = release.deadline().expect("a deadline");
    step(&mut release, due, None);
    assert!(release.outcome().is_some_and(|outcome| outcome.code() != 0), "{:?}", release.stage());
}
