//! The release over its target, with everything between them that can go wrong.

use delivery_tests::models::composed::{Budget, Composed};
use delivery_tests::models::judges::{AnyJudge, Code, TwoSamples};
use delivery_tests::models::walk::{every_path_can_end, walk};
use machine::{Machine, Progress};

/// A part of each walk, in seconds; `prove models` goes the whole way.
const WALK: usize = 100_000;

const NOTHING: Budget = Budget { crashes: 0, restarts: 0, aborts: 0, duplicates: 0, losses: 0, unready: 0 };

fn any(budget: Budget, codes: &[Code]) -> Composed<AnyJudge> {
    Composed {
        judge: AnyJudge,
        codes: codes.to_vec(),
        budget,
        steps: vec![50, 100],
        verify: false,
        drop_latch: false,
    }
}

#[test]
fn an_undisturbed_release_and_a_person_who_aborts() {
    let model = any(Budget { aborts: 1, ..NOTHING }, &[Code::Good, Code::Bad]);
    walk("composed: abort", model, Some(WALK)).assert();
}

#[test]
fn a_runner_that_dies_and_is_resumed_late_or_early() {
    let model = any(Budget { crashes: 1, ..NOTHING }, &[Code::Good, Code::Bad]);
    walk("composed: crash", model, Some(WALK)).assert();
}

#[test]
fn lost_late_and_duplicated_messages() {
    let model = any(Budget { losses: 1, duplicates: 1, ..NOTHING }, &[Code::Good]);
    walk("composed: messages", model, Some(WALK)).assert();
}

#[test]
fn the_literal_rules_over_two_samples() {
    let (judge, codes) = (TwoSamples::default(), vec![Code::Good, Code::Bad, Code::Few]);
    let budget = Budget { restarts: 1, ..NOTHING };
    let model = Composed { judge, codes, budget, steps: vec![50, 100], verify: false, drop_latch: false };
    walk("composed: literal rules", model, Some(WALK)).assert();
}

#[test]
fn l1_from_every_state_an_end_stays_in_reach() {
    let model = Composed { steps: vec![100], ..any(NOTHING, &[Code::Good]) };
    let ended = |world: &delivery_tests::models::composed::World<AnyJudge>| {
        world.release.progress() == Progress::Ended
    };
    println!("{} states", every_path_can_end(&model, ended).expect("a way to an end"));
}

#[test]
fn without_the_latch_the_walk_finds_traffic_after_a_return() {
    let model = Composed { drop_latch: true, ..any(NOTHING, &[Code::Good]) };
    let walked = walk("composed: without the latch", model, None);
    let found = walked.broken.iter().any(|broken| broken.contains("i15_i17"));
    assert!(found, "the walk must find it: {walked:?}");
}
