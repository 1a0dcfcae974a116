//! Random graphs against a slow and obvious oracle: what each job's end must be, given how each command ends.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Key, Machine, Name, Timestamp, step};
use pipeline_core::{
    Body, Command, Effect, EffectClass, Ended, Event, Job, Need, Pipeline, Plan, Retry, SkipReason, Status,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Node {
    needs: Vec<(usize, u8)>,
    succeeds: bool,
    cleanup: bool,
    left_out: bool,
}

/// Needs with their policy, succeeds, cleanup, left out.
type Row = (Vec<(prop::sample::Index, u8)>, bool, bool, bool);

fn node((at, (needs, succeeds, cleanup, left_out)): (usize, Row)) -> Node {
    let earlier = needs.into_iter().filter(|_| at > 0).map(|(of, how)| (of.index(at), how));
    let needs: BTreeMap<usize, u8> = earlier.collect();
    Node { needs: needs.into_iter().collect(), succeeds, cleanup, left_out }
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let row = (
        proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..4), 0..4),
        prop::bool::weighted(0.75),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.1),
    );
    proptest::collection::vec(row, 1..14).prop_map(|rows| rows.into_iter().enumerate().map(node).collect())
}

fn job(at: usize, node: &Node) -> Job<()> {
    let need =
        |&(job, how): &(usize, u8)| Need { job: job as u32, accept_skipped: how == 1, accept_any: how == 2 };
    Job {
        name: name(at),
        stage: 0,
        needs: node.needs.iter().map(need).collect(),
        body: Body::Command(Command { effect: EffectClass::Repeatable, service: false }),
        retry: Retry::default(),
        timeout_ms: 1_000,
        tolerated: false,
        cleanup: node.cleanup,
        reads: BTreeSet::new(),
        reused: None,
        left_out: node.left_out,
    }
}

fn name(at: usize) -> Name {
    Name::new(format!("j{at}"))
}

/// The end of every job, from the first to the last; needs come before.
fn oracle(nodes: &[Node]) -> Vec<Status> {
    let mut ends: Vec<Status> = Vec::new();
    for node in nodes {
        let ran = |of: usize| matches!(ends[of], Status::Succeeded | Status::Failed);
        let bad = |&&(of, how): &&(usize, u8)| {
            let skipped = matches!(ends[of], Status::Skipped(_));
            !(ends[of] == Status::Succeeded || how == 2 || (how == 1 && skipped))
        };
        let end = if node.succeeds { Status::Succeeded } else { Status::Failed };
        let status = if node.left_out {
            Status::Skipped(SkipReason::LeftOut)
        } else if node.cleanup {
            let begun = node.needs.is_empty() || node.needs.iter().any(|&(of, _)| ran(of));
            if begun { end } else { Status::Skipped(SkipReason::UpstreamSkipped) }
        } else if node.needs.iter().filter(bad).any(|&(of, _)| ends[of] == Status::Failed) {
            Status::Skipped(SkipReason::UpstreamFailed)
        } else if node.needs.iter().any(|need| bad(&need)) {
            Status::Skipped(SkipReason::UpstreamSkipped)
        } else {
            end
        };
        ends.push(status);
    }
    ends
}

proptest! {
    #[test]
    fn s15_every_job_ends_as_the_oracle_says_in_whatever_order_commands_end(
        nodes in nodes(),
        workers in 1_u32..4,
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let jobs = nodes.iter().enumerate().map(|(at, node)| job(at, node)).collect();
        let mut run = Pipeline::new(Plan::new(vec![], jobs, workers).unwrap());
        let mut running: Vec<(Name, u32)> = Vec::new();
        let mut ever: BTreeSet<(Name, u32)> = BTreeSet::new();
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        let mut picks = picks.into_iter();
        let mut effects = step(&mut run, Timestamp::ZERO, Some(Event::Opened)).effects;
        loop {
            for keyed in effects {
                let Effect::RunJob { job, attempt, .. } = keyed.effect else { panic!("only commands") };
                prop_assert!(keys.insert(keyed.key.unwrap()), "a key twice");
                prop_assert!(ever.insert((job.clone(), attempt)), "an attempt twice");
                running.push((job, attempt));
            }
            prop_assert!(running.len() <= workers as usize);
            if running.is_empty() {
                break;
            }
            let (job, attempt) = running.swap_remove(picks.next().unwrap().index(running.len()));
            let at: usize = job.as_str()[1..].parse().unwrap();
            let ended = Ended { code: Some(i32::from(!nodes[at].succeeds)), ..Ended::default() };
            effects = step(&mut run, Timestamp::ZERO, Some(Event::Ended { job, attempt, ended })).effects;
        }
        prop_assert!(run.ended());
        let ends: Vec<Status> = run.states().iter().map(|state| state.status.clone()).collect();
        prop_assert_eq!(ends, oracle(&nodes));
        prop_assert!(run.pending().is_empty());
    }
}

fn service(attempts: u32) -> Pipeline<()> {
    let node = Node { needs: vec![], succeeds: true, cleanup: false, left_out: false };
    let body = Body::Command(Command { effect: EffectClass::Repeatable, service: true });
    let retry = Retry { attempts, backoff_ms: 5, on_timeout: false };
    let load =
        Job { needs: vec![Need { job: 0, accept_skipped: false, accept_any: false }], ..job(1, &node) };
    let jobs = vec![Job { body, retry, ..job(0, &node) }, load];
    let mut run = Pipeline::new(Plan::new(vec![], jobs, 1).unwrap());
    step(&mut run, Timestamp::ZERO, Some(Event::Opened));
    step(&mut run, Timestamp::ZERO, Some(Event::ServiceReady { job: name(0), attempt: 1 }));
    run
}

#[test]
fn a_service_that_is_ready_again_after_a_crash_is_not_ended_by_its_timeout() {
    let mut run = service(1);
    let at = Timestamp::from_millis;
    step(&mut run, at(10), Some(Event::Resumed));
    step(&mut run, at(20), Some(Event::ServiceReady { job: name(0), attempt: 2 }));
    let late = step(&mut run, at(1_015), None);
    assert!(
        late.effects
            .iter()
            .all(|keyed| !matches!(&keyed.effect, Effect::StopJob { job, .. } if *job == name(0)))
    );
}

#[test]
fn l1_a_service_that_waits_for_its_next_attempt_ends_with_the_run() {
    let mut run = service(3);
    let ended =
        |job, code| Event::Ended { job, attempt: 1, ended: Ended { code: Some(code), ..Ended::default() } };
    step(&mut run, Timestamp::ZERO, Some(ended(name(0), 1)));
    step(&mut run, Timestamp::ZERO, Some(ended(name(1), 0)));
    assert!(run.ended() && run.states().iter().all(|state| state.status.settled()));
    assert_eq!(run.deadline(), None);
}

#[test]
fn after_a_crash_what_needs_a_service_waits_until_it_is_ready_again() {
    let mut run = service(1);
    let at = Timestamp::from_millis;
    let started = |effects: &[machine::Keyed<Effect>]| -> Vec<Name> {
        let job = |keyed: &machine::Keyed<Effect>| match &keyed.effect {
            Effect::RunJob { job, .. } => Some(job.clone()),
            _ => None,
        };
        effects.iter().filter_map(job).collect()
    };
    let resumed = step(&mut run, at(10), Some(Event::Resumed));
    assert_eq!(started(&resumed.effects), [name(0)], "the service alone");
    let ready = step(&mut run, at(20), Some(Event::ServiceReady { job: name(0), attempt: 2 }));
    assert_eq!(started(&ready.effects), [name(1)]);
}

#[test]
fn l1_a_service_that_is_never_ready_again_does_not_hold_the_run_for_ever() {
    let mut run = service(1);
    let at = Timestamp::from_millis;
    step(&mut run, at(10), Some(Event::Resumed));
    let late = step(&mut run, at(1_010), None);
    let stops = |keyed: &machine::Keyed<Effect>| matches!(&keyed.effect, Effect::StopJob { job, .. } if *job == name(0));
    assert!(late.effects.iter().any(stops), "its time is over");
    let ended = Event::Ended { job: name(0), attempt: 2, ended: Ended { code: None, ..Ended::default() } };
    let gone = step(&mut run, at(1_020), Some(ended));
    let starts = |keyed: &machine::Keyed<Effect>| matches!(&keyed.effect, Effect::RunJob { job, .. } if *job == name(1));
    assert!(gone.effects.iter().any(starts), "it was let go the first time, and finds out by itself");
}
