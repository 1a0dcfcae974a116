//! Walks every state of a blue-green rollout under every event in every order, and every property of it.
// The walk is shared with the composed models, which use more of it.
#![allow(unreachable_pub, dead_code)]

use machine::{Machine, Progress};

#[path = "../../../tests/src/models/walk.rs"]
mod walk;
#[path = "model/world.rs"]
mod world;

use world::AnyWorld;

#[test]
fn every_rule_holds_in_every_state_without_checks() {
    let walked = walk::walk("blue-green", AnyWorld { checks: false }, None);
    walked.assert();
    assert!(walked.whole && walked.states > 500, "{walked:?}");
}

#[test]
fn every_rule_holds_in_every_state_with_checks() {
    let walked = walk::walk("blue-green with checks", AnyWorld { checks: true }, None);
    walked.assert();
    assert!(walked.whole, "{walked:?}");
}

#[test]
fn l1_from_every_state_an_end_stays_in_reach() {
    let ended = |state: &world::State| state.machine.progress() == Progress::Ended;
    let states = walk::every_path_can_end(&AnyWorld { checks: true }, ended).expect("a way to an end");
    println!("{states} states");
}
