//! Walks small pipelines under every order of answers, losses, cancels and crashes.
// The walk is shared with the composed models, which use more of it.
#![allow(unreachable_pub, dead_code)]

use machine::Name;
use pipeline_core::{EffectClass, Plan};

#[path = "../../../tests/src/models/walk.rs"]
mod walk;
#[path = "model/world.rs"]
mod world;

use world::{Pipelines, approval, cleanup, command, deploy, service};

const REPEATABLE: EffectClass = EffectClass::Repeatable;

fn pipeline(jobs: Vec<pipeline_core::Job<String>>, workers: u32, crashes: u8) -> Pipelines {
    let plan = Plan::new(vec![Name::from("only")], jobs, workers).expect("a plan");
    Pipelines { plan, crashes, cancels: 2 }
}

fn check(name: &'static str, pipelines: Pipelines) {
    let walked = walk::walk(name, pipelines.clone(), None);
    walked.assert();
    assert!(walked.whole, "{walked:?}");
    let states =
        walk::every_path_can_end(&pipelines, |state| state.machine.ended()).expect("a way to an end");
    assert_eq!(states, walked.states);
}

#[test]
fn a_retried_command_an_approval_a_release_and_cleanup() {
    let jobs = vec![
        command("build", &[], REPEATABLE, 2),
        approval("ask", &[0]),
        deploy("release", &[1]),
        cleanup(command("tidy", &[2], REPEATABLE, 1)),
    ];
    check("pipeline: retry, ask, release", pipeline(jobs, 1, 1));
}

#[test]
fn a_once_effect_with_a_probe_beside_a_command() {
    let jobs = vec![
        command("backup", &[], EffectClass::Once { probe: true }, 1),
        command("other", &[], REPEATABLE, 1),
        command("after", &[0, 1], REPEATABLE, 1),
    ];
    check("pipeline: once with a probe", pipeline(jobs, 1, 1));
}

#[test]
fn a_once_effect_that_only_a_person_knows_about() {
    let jobs = vec![
        command("mail", &[], EffectClass::Once { probe: false }, 1),
        cleanup(command("tidy", &[0], REPEATABLE, 1)),
    ];
    check("pipeline: once, a person knows", pipeline(jobs, 2, 2));
}

#[test]
fn a_service_that_is_started_again_and_its_dependants() {
    let jobs = vec![service("base", &[], 2), command("load", &[0], REPEATABLE, 1)];
    check("pipeline: service", pipeline(jobs, 1, 1));
}
