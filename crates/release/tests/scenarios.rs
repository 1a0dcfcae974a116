//! Scenarios that once went wrong, each told in the order in which it happened.

use machine::{Machine, Timestamp, step};
use release::{
    Arm, Event, Judge, Latency, Literal, Outcome, Phase, Plan, Policy, Release, Rules, Sample, Setup,
    Sighting, Stage, Step,
};

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
        failing: None,
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

/// An empty target on which the new revision has this share, with both instances ready.
fn first(ms: u64, generation: u64, percent: u8, latched: bool) -> Event {
    let (ready, wanted) = if latched { (0, 0) } else { (2, 2) };
    Event::Seen(Box::new(Sighting {
        taken: Timestamp::from_millis(ms),
        generation,
        stable: None,
        new: "r-new".to_owned(),
        percent,
        ready,
        wanted,
        running_new: wanted,
        running_old: 0,
        latched,
        sample: None,
        failing: None,
    }))
}

fn accept(release: &mut Release<Literal>, ms: u64, generation: u64) {
    let key = release.pending().first().and_then(|keyed| keyed.key.clone()).expect("an order");
    tell(release, ms, Event::Accepted { key, generation });
}

/// A first release, all traffic ordered and observed.
fn first_release_at_all_traffic() -> Release<Literal> {
    let steps = vec![Step { percent: 5, pause_ms: 60_000 }, Step { percent: 100, pause_ms: 0 }];
    let plan = Plan::new(steps, 1_000, 10_000, 500).unwrap();
    let setup = Setup { plan, policy: Policy::design(), only_when_empty: false };
    let mut release = Release::new(setup, Literal::new(Rules::none()));
    tell(&mut release, 0, Event::Acquired { restored: false });
    tell(&mut release, 10, first(10, 1, 0, false));
    accept(&mut release, 20, 2);
    tell(&mut release, 30, first(30, 2, 0, false));
    assert_eq!(release.strategy().ordered(), 100, "with nothing to compare with, all traffic at once");
    accept(&mut release, 40, 3);
    tell(&mut release, 50, first(50, 3, 100, false));
    assert!(matches!(release.phase(), Phase::Baking(_)));
    release
}

#[test]
fn a_first_release_that_is_aborted_empties_the_target_and_is_no_success() {
    let mut release = first_release_at_all_traffic();
    tell(&mut release, 60, Event::Abort { reason: "a person".to_owned() });
    tell(&mut release, 70, Event::RestoreAccepted { generation: 4 });
    tell(&mut release, 80, first(80, 4, 0, true));
    accept(&mut release, 90, 5);
    tell(&mut release, 100, first(100, 5, 0, true));
    let outcome = release.outcome().cloned();
    assert_eq!(outcome, Some(Outcome::Aborted { reason: "a person".to_owned(), stable: false }));
    assert_eq!(outcome.map(|outcome| outcome.code()), Some(10), "nothing stable is intact");
}

#[test]
fn a_lone_revision_is_not_compared_with_a_baseline() {
    // A thousand requests a second: all fast, or all slow after the first second.
    let arm = |second: u64, fast: bool| {
        let (requests, quick) = (second * 1_000, if fast { second * 1_000 } else { 1_000 });
        let latency = Latency::new(vec![(1_000, quick), (900_000, requests), (u64::MAX, requests)]).unwrap();
        Arm { requests, latency, ..Arm::default() }
    };
    let regressed = |stable: bool| {
        let mut judge = Literal::new(Rules::design(None));
        (1..=4).any(|second| {
            let taken = Timestamp::from_millis(second * 1_000);
            let sample = Sample { taken, new: arm(second, false), stable: stable.then(|| arm(second, true)) };
            matches!(judge.judge(taken, Some(&sample)), health::Verdict::Regressed(_))
        })
    };
    assert!(regressed(true), "beside a fast stable revision it is slow");
    assert!(!regressed(false), "alone it is neither");
}
