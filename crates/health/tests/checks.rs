//! Laws of a check: rows decide and nothing else does, the grace protects, the jitter stays in its bounds.

use health::checks::{Check, Checked, Kind, Outcome, Pace, Status};
use machine::Timestamp;
use proptest::prelude::*;

const fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn check(name: &str, pace: Pace) -> Check {
    Check { name: name.to_owned(), kind: Kind::Tcp { address: "localhost:1".into() }, pace }
}

prop_compose! {
    fn paces()(
        every_ms in 1_u64..100_000, failures in 1_u32..5, successes in 1_u32..5,
        grace_ms in prop_oneof![Just(0), 1_u64..300_000], jitter_percent in 0_u32..=100,
    ) -> Pace {
        Pace { timeout_ms: 1_000, every_ms, failures, successes, grace_ms, jitter_percent }
    }
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let one = prop_oneof![
        4 => Just(Outcome::Passed),
        4 => "[a-z]{1,8}".prop_map(Outcome::Failed),
        1 => Just(Outcome::Unproven("first look".into())),
    ];
    prop::collection::vec(one, 0..60)
}

/// The last outcomes that count, newest first, all satisfy `is`: how many.
fn row(heard: &[(u64, Outcome)], is: impl Fn(&(u64, Outcome)) -> bool) -> usize {
    heard.iter().rev().filter(|(_, it)| !matches!(it, Outcome::Unproven(_))).take_while(|it| is(it)).count()
}

/// Plays the outcomes at the times that the check asks for, and hands every step to `law`.
fn play(
    pace: Pace,
    all: Vec<Outcome>,
    mut law: impl FnMut(&Status, &Checked, &[(u64, Outcome)]) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut checked = Checked::new(check("api", pace), at(500));
    let mut heard = Vec::new();
    for outcome in all {
        let now = checked.due();
        heard.push((now.as_millis(), outcome.clone()));
        let before = checked.status().clone();
        checked.hear(now, outcome);
        law(&before, &checked, &heard)?;
    }
    Ok(())
}

fn good(it: &(u64, Outcome)) -> bool {
    it.1 == Outcome::Passed
}

proptest! {
    #[test]
    fn it_passes_exactly_when_enough_succeed_in_a_row(pace in paces(), all in outcomes()) {
        play(pace, all, |before, checked, heard| {
            let row = row(heard, good);
            let passing = matches!(checked.status(), Status::Passing { .. });
            let begins = passing && !matches!(before, Status::Passing { .. });
            prop_assert!(!begins || row >= pace.successes as usize);
            prop_assert!(row < pace.successes as usize || passing);
            Ok(())
        })?;
    }

    #[test]
    fn it_fails_exactly_when_enough_fail_in_a_row_outside_the_grace(pace in paces(), all in outcomes()) {
        play(pace, all, |before, checked, heard| {
            let started = |at: u64| heard.iter().any(|it| good(it) && it.0 <= at);
            let counts = |it: &(u64, Outcome)| !good(it) && (started(it.0) || it.0 >= 500 + pace.grace_ms);
            let row = row(heard, counts);
            prop_assert_eq!(checked.bad_in_row() as usize, row);
            let failing = matches!(checked.status(), Status::Failing { .. });
            let begins = failing && !matches!(before, Status::Failing { .. });
            prop_assert!(!begins || row >= pace.failures as usize);
            prop_assert!(row < pace.failures as usize || failing);
            Ok(())
        })?;
    }

    #[test]
    fn a_success_resets_the_row_of_failures_and_a_failure_that_of_successes(pace in paces(), all in outcomes()) {
        play(pace, all, |_, checked, heard| {
            match heard.last() {
                Some((_, Outcome::Passed)) => prop_assert_eq!(checked.bad_in_row(), 0),
                Some((_, Outcome::Failed(_))) => prop_assert_eq!(checked.good_in_row(), 0),
                _ => {}
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_next_try_is_due_within_the_jitter_and_always_at_the_same_time(
        pace in paces(), name in "[a-z]{1,12}", tried in any::<u32>(), now in 0_u64..u64::MAX / 2,
    ) {
        let check = check(&name, pace);
        let wait = check.due(tried, at(now)).since(at(now));
        let spread = pace.every_ms * u64::from(pace.jitter_percent) / 100;
        prop_assert!((pace.every_ms - spread..=pace.every_ms + spread).contains(&wait), "{wait}");
        prop_assert_eq!(check.due(tried, at(now)).since(at(now)), wait);
    }

    #[test]
    fn it_is_the_same_after_it_was_written_and_read(pace in paces(), all in outcomes(), more in outcomes()) {
        let mut one = Checked::new(check("api", pace), at(0));
        for outcome in all {
            one.hear(one.due(), outcome);
        }
        let text = serde_json::to_string(&one).expect("written");
        let mut other: Checked = serde_json::from_str(&text).expect("read");
        prop_assert_eq!(&one, &other);
        for outcome in more {
            one.hear(one.due(), outcome.clone());
            other.hear(other.due(), outcome);
        }
        prop_assert_eq!(one, other);
    }
}

#[test]
fn jitter_spreads_the_tries_of_one_check_and_those_of_two() {
    let pace = Pace { every_ms: 10_000, jitter_percent: 50, ..Pace::default() };
    let waits =
        |name: &str| -> Vec<u64> { (0..200).map(|n| check(name, pace).due(n, at(0)).as_millis()).collect() };
    let (one, other) = (waits("one"), waits("other"));
    assert_ne!(one, other);
    let (least, most) = (one.iter().min().expect("some"), one.iter().max().expect("some"));
    assert!(*least < 6_000 && *most > 14_000, "{least} to {most}");
}

#[test]
fn a_slow_start_is_forgiven_and_what_fails_after_the_first_success_is_not() {
    let pace = Pace { every_ms: 5_000, failures: 2, grace_ms: 60_000, jitter_percent: 0, ..Pace::default() };
    let mut checked = Checked::new(check("api", pace), at(0));
    for _ in 0..5 {
        assert_eq!(*checked.hear(checked.due(), Outcome::Failed("refused".into())), Status::Pending);
    }
    assert_eq!((checked.bad_in_row(), checked.last_why()), (0, Some("refused")));
    assert_eq!(*checked.hear(at(25_000), Outcome::Passed), Status::Passing { since: at(25_000) });
    checked.hear(at(30_000), Outcome::Failed("refused".into()));
    let failing = Status::Failing { since: at(30_000) };
    assert_eq!(*checked.hear(at(35_000), Outcome::Failed("refused".into())), failing);
}
