//! Laws of a blue-green rollout under random plans and random events, and the scenarios behind its repairs.

use deploy_strategies::{BlueGreen, Effect, Event, Finding, Phase, Plan, Step};
use machine::{Input, Keyed, Machine, Timestamp, step};
use proptest::prelude::*;

const fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn plan(percents: &[u8], verify: bool) -> Plan {
    let steps = percents.iter().map(|&percent| Step { percent, pause_ms: 3 }).collect();
    Plan::new(steps, 5, 40, 2).expect("a plan").with_checks(false, verify, 40)
}

fn weights(effects: &[Keyed<Effect>]) -> Vec<u8> {
    let weight = |keyed: &Keyed<Effect>| match keyed.effect {
        Effect::SetWeight(percent) => Some(percent),
        _ => None,
    };
    effects.iter().filter_map(weight).collect()
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Ready),
        6 => (0_u64..4).prop_map(|ago| Event::WeightObserved { percent: 0, taken: at(ago) }),
        12 => (0_u64..6).prop_map(|ago| Event::Analysed { finding: Finding::Passed, taken: at(ago) }),
        2 => Just(Event::Analysed { finding: Finding::Inconclusive, taken: at(0) }),
        2 => Just(Event::Analysed { finding: Finding::NoData, taken: at(0) }),
        1 => Just(Event::Hold),
        2 => Just(Event::Continue),
        1 => Just(Event::RestoreTooLate),
        1 => Just(Event::Abort { reason: "somebody".to_owned() }),
    ]
}

/// The event as it arrives at `now`: ages become times, and the observed weight is the one that is ordered.
fn arriving(event: Event, now: Timestamp, ordered: u8) -> Event {
    let ago = |ms: Timestamp| at(now.since(ms));
    match event {
        Event::WeightObserved { taken, .. } => Event::WeightObserved { percent: ordered, taken: ago(taken) },
        Event::Analysed { finding, taken } => Event::Analysed { finding, taken: ago(taken) },
        other => other,
    }
}

proptest! {
    #[test]
    fn i36_the_weights_are_the_steps_of_the_plan_in_their_order(
        mut percents in proptest::collection::btree_set(1_u8..100, 0..5).prop_map(Vec::from_iter),
        heard in proptest::collection::vec((events(), 1_u64..4), 0..200),
    ) {
        percents.push(100);
        let mut rollout = BlueGreen::new(plan(&percents, false));
        let mut now = at(10);
        let opened = step(&mut rollout, now, Some(Event::Opened { stable: true }));
        let mut ordered = weights(&opened.effects);
        for (event, later) in heard {
            now = now.after(later);
            let event = arriving(event, now, rollout.ordered());
            ordered.extend(weights(&step(&mut rollout, now, Some(event)).effects));
        }
        prop_assert_eq!(&ordered[..], &percents[..ordered.len()]);
    }

    #[test]
    fn s11_a_rollout_that_was_written_and_read_goes_on_the_same(
        heard in proptest::collection::vec((events(), 0_u64..4), 0..60),
    ) {
        let mut rollout = BlueGreen::new(plan(&[20, 100], true));
        let mut now = at(10);
        step(&mut rollout, now, Some(Event::Opened { stable: true }));
        for (event, later) in heard {
            now = now.after(later);
            let text = serde_json::to_string(&rollout).unwrap();
            let mut read: BlueGreen = serde_json::from_str(&text).unwrap();
            let event = arriving(event, now, rollout.ordered());
            prop_assert_eq!(step(&mut read, now, Some(event.clone())), step(&mut rollout, now, Some(event)));
            prop_assert_eq!(&read, &rollout);
        }
    }
}

/// At 100 % with the bake over, the last checks under way; gives the time and the number of the checks.
fn verifying() -> (BlueGreen, Timestamp, u32) {
    let mut rollout = BlueGreen::new(plan(&[100], true));
    let mut now = at(10);
    step(&mut rollout, now, Some(Event::Opened { stable: true }));
    step(&mut rollout, now, Some(Event::Ready));
    step(&mut rollout, now, Some(Event::WeightObserved { percent: 100, taken: now }));
    while *rollout.phase() != Phase::Verifying {
        now = now.after(1);
        step(&mut rollout, now, Some(Event::Analysed { finding: Finding::Passed, taken: now }));
    }
    let n = rollout.pending()[0].key.as_ref().unwrap().n;
    (rollout, now, n)
}

#[test]
fn s4_checks_that_pass_while_there_is_no_data_do_not_promote() {
    let (mut rollout, now, n) = verifying();
    let nothing = Event::Analysed { finding: Finding::NoData, taken: now };
    step(&mut rollout, now, Some(nothing));
    let ended = step(&mut rollout, now.after(1), Some(Event::ChecksEnded { n, failed: None }));
    assert_eq!((ended.effects, rollout.phase()), (vec![], &Phase::Verifying));
    let passed = Event::Analysed { finding: Finding::Passed, taken: now.after(2) };
    let promoted = step(&mut rollout, now.after(2), Some(passed));
    assert_eq!(promoted.effects[0].effect, Effect::Promote);
}

#[test]
fn s2_an_answer_that_silence_gave_does_not_promote() {
    let (mut rollout, now, n) = verifying();
    rollout.handle(now, Input::Event(Event::Hold)).unwrap();
    rollout.handle(now, Input::Event(Event::ChecksEnded { n, failed: None })).unwrap();
    assert_eq!(rollout.handle(now.after(5), Input::Event(Event::Continue)), Ok(vec![]));
    assert_eq!(*rollout.phase(), Phase::Verifying);
}

#[test]
fn an_earlier_promotion_of_the_same_run_is_not_taken_for_ours() {
    let mut rollout = BlueGreen::new(plan(&[100], false));
    step(&mut rollout, at(1), Some(Event::Opened { stable: true }));
    step(&mut rollout, at(2), Some(Event::Abort { reason: "somebody".to_owned() }));
    let late = step(&mut rollout, at(3), Some(Event::RestoreTooLate));
    assert_eq!((late.effects[0].effect.clone(), rollout.phase()), (Effect::StopNew, &Phase::Clearing));
}
