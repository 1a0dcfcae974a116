//! Both families at one table: which of them acts when, and what a breach tells of the other.

use health::{
    Arm, Instance, Judge, Latency, Literal, Panel, RuleName, Rules, Sample, Served, Tests, Verdict,
};
use machine::Timestamp;

const ALL: Tests =
    Tests { alpha_ppm: 10_000, scrapes: 100, error_rate: true, response_time: true, server_errors: true };

fn arm(requests: u64, server_errors: u64) -> Arm {
    Arm { requests, server_errors, ..Arm::default() }
}

/// Scrapes of 15 s; each adds requests and errors of both arms, (0, 0) of stable for none.
fn play(
    judge: &mut impl Judge,
    percent: u8,
    scrapes: u64,
    new: (u64, u64),
    stable: Option<(u64, u64)>,
) -> Vec<Verdict> {
    let at = |n: u64| Timestamp::from_millis(n * 15_000);
    judge.weighed(at(0), percent);
    let sample = |n: u64| Sample {
        taken: at(n),
        new: arm(n * new.0, n * new.1),
        stable: stable.map(|(requests, errors)| arm(n * requests, n * errors)),
    };
    (0..=scrapes).map(|n| judge.judge(at(n), Some(&sample(n)))).collect()
}

fn panel(tests: Option<Tests>) -> Panel {
    Panel::new(Rules { tests, ..Rules::design(None) })
}

#[test]
fn what_both_versions_do_sends_nothing_back_though_a_literal_rule_holds() {
    // 2 % of both fail: over the design's 1 % and over 10 a minute, and no worse than stable.
    let (new, stable) = ((1_000, 20), Some((1_000, 20)));
    let literal = play(&mut Literal::new(Rules::design(None)), 50, 40, new, stable);
    assert!(literal.iter().any(|verdict| matches!(verdict, Verdict::Regressed(_))));
    let both = play(&mut panel(Some(ALL)), 50, 40, new, stable);
    assert!(both.iter().all(|verdict| !matches!(verdict, Verdict::Regressed(_))), "{both:?}");
    assert!(
        matches!(both.last(), Some(Verdict::Shared(breach)) if breach.text.contains("on stable")),
        "{both:?}"
    );
}

#[test]
fn one_bad_instance_is_named_and_when_it_was_restarted_the_evidence_begins_anew() {
    let at = |n: u64| Timestamp::from_millis(n * 15_000);
    // Four instances; one in four requests of slot 2 fails until its restart.
    let sample = |n: u64, restarted: bool| {
        let bad = n.min(20);
        let instance = |slot: u32| Instance {
            slot,
            restarts: u32::from(restarted && slot == 2),
            served: Some(Served { requests: n * 100, errors: if slot == 2 { bad * 25 } else { 0 } }),
            ..Instance::default()
        };
        let new = Arm { instances: (0..4).map(instance).collect(), ..arm(n * 400, bad * 25) };
        Sample { taken: at(n), new, stable: Some(arm(n * 400, 0)) }
    };
    let mut judge = panel(Some(ALL));
    judge.weighed(at(0), 50);
    let slots: Vec<Option<u32>> = (0..=20)
        .filter_map(|n| match judge.judge(at(n), Some(&sample(n, false))) {
            Verdict::Regressed(breaches) => Some(breaches[0].slot),
            _ => None,
        })
        .collect();
    assert!(!slots.is_empty() && slots.iter().all(|slot| *slot == Some(2)), "{slots:?}");
    let after: Vec<Verdict> = (21..=60).map(|n| judge.judge(at(n), Some(&sample(n, true)))).collect();
    assert!(after.iter().all(|verdict| !matches!(verdict, Verdict::Regressed(_))), "{after:?}");
    assert_eq!(after.last(), Some(&Verdict::Healthy));
}

#[test]
fn a_worse_version_goes_back_and_the_breach_tells_of_both_families() {
    let found = play(&mut panel(Some(ALL)), 5, 40, (75, 4), Some((1_425, 1)));
    let breaches = found.iter().find_map(|verdict| match verdict {
        Verdict::Regressed(breaches) => Some(breaches),
        _ => None,
    });
    let breach = &breaches.unwrap()[0];
    assert_eq!(breach.rule, RuleName::ErrorRate);
    assert!(
        breach.text.starts_with("evidence ") && breach.text.contains("; literal rules: "),
        "{}",
        breach.text
    );
}

#[test]
fn a_rule_whose_limits_are_written_acts_beside_the_tests() {
    let tests = Tests { server_errors: false, error_rate: true, ..ALL };
    let found = play(&mut panel(Some(tests)), 50, 10, (1_000, 20), Some((1_000, 20)));
    let by = |verdict: &Verdict| match verdict {
        Verdict::Regressed(breaches) => breaches.first().map(|breach| breach.rule),
        _ => None,
    };
    assert_eq!(found.iter().find_map(by), Some(RuleName::ServerErrors));
}

#[test]
fn where_nothing_serves_at_the_same_time_the_literal_rules_act() {
    for (percent, stable) in [(100, Some((0, 0))), (100, None), (50, None)] {
        let both = play(&mut panel(Some(ALL)), percent, 10, (1_000, 20), stable);
        let literal = play(&mut panel(None), percent, 10, (1_000, 20), stable);
        assert_eq!(both, literal, "at {percent} % with {stable:?}");
        assert!(both.iter().any(|verdict| matches!(verdict, Verdict::Regressed(_))));
    }
}

#[test]
fn a_healthy_version_passes_and_one_without_requests_does_not() {
    let passed = play(&mut panel(Some(ALL)), 25, 4, (250, 0), Some((750, 0)));
    assert_eq!(passed.last(), Some(&Verdict::Healthy));
    let idle = play(&mut panel(Some(ALL)), 25, 4, (0, 0), Some((750, 0)));
    assert_eq!(idle.last(), Some(&Verdict::Undecided));
    let mut silent = panel(Some(ALL));
    silent.weighed(Timestamp::ZERO, 25);
    assert_eq!(silent.judge(Timestamp::from_millis(15_000), None), Verdict::NoData);
}

/// Durations around 1 ms, twice as long for the new version, or 150 ms for a tenth of its requests.
fn durations(judge: &mut Panel, slow: bool) -> Vec<Verdict> {
    let at = |n: u64| Timestamp::from_millis(n * 15_000);
    let of = |n: u64, under_1: u64, under_2: u64, under_100: u64| {
        let counts =
            vec![(1_000, n * under_1), (2_000, n * under_2), (100_000, n * under_100), (u64::MAX, n * 500)];
        Arm { requests: n * 500, latency: Latency::new(counts).unwrap(), ..Arm::default() }
    };
    judge.weighed(at(0), 50);
    let sample = |n: u64| Sample {
        taken: at(n),
        new: if slow { of(n, 400, 450, 450) } else { of(n, 100, 500, 500) },
        stable: Some(of(n, 400, 500, 500)),
    };
    (0..=20).map(|n| judge.judge(at(n), Some(&sample(n)))).collect()
}

#[test]
fn a_difference_that_nobody_feels_is_none_and_one_that_they_feel_is() {
    let felt = |verdicts: &[Verdict]| verdicts.iter().any(|verdict| matches!(verdict, Verdict::Regressed(_)));
    assert!(!felt(&durations(&mut panel(Some(ALL)), false)));
    assert!(felt(&durations(&mut panel(Some(ALL)), true)));
    let off = Rules { response_time: None, tests: Some(ALL), ..Rules::design(None) };
    assert!(!felt(&durations(&mut Panel::new(off), true)), "switched off");
}

#[test]
fn its_state_goes_through_json_and_decides_the_same() {
    let mut judge = panel(Some(ALL));
    play(&mut judge, 25, 4, (250, 1), Some((750, 1)));
    let text = serde_json::to_string(&judge).unwrap();
    let again: Panel = serde_json::from_str(&text).unwrap();
    assert_eq!(judge, again);
}
