//! Gates whose looks are planned: nothing before the first, a verdict at a boundary or the end, and nothing after it.

mod replayed;

use gate::{Decides, Observation, Pod, Report, Setup, Verdict, Why};
use health::planned::{PlannedLooks, Spending};

use replayed::replayed;

fn setup(decides: Decides) -> Setup {
    let planned = PlannedLooks::new(10_000, 5, Spending::ObrienFleming);
    Setup { decides, planned, ..Setup::new("api", 40) }
}

/// So many looks, each with 500 more requests of either and these failed ones.
fn gated(decides: Decides, looks: u64, bad: (u64, u64)) -> Report {
    let looks = (0..looks).map(|n| {
        let pod = |canary, bad| Pod { canary, requests: 500 * n, errors: bad * n, ..Pod::default() };
        let pods = vec![pod(true, bad.0), pod(false, bad.1)];
        Observation { at_ms: 15_000 * n, pods, ..Observation::default() }
    });
    replayed(setup(decides), looks)
}

#[test]
fn before_the_last_look_nothing_is_promised_and_what_is_bad_ends_at_a_planned_look() {
    let few = gated(Decides::Planned, 4, (50, 5));
    assert_eq!((few.verdict, few.code), (Verdict::Undecided, 12), "{}", few.headline);
    assert!(few.headline.contains("1500 of the 10000 planned requests"), "{}", few.headline);
    assert!(few.change.iter().any(|line| line.contains("at 2000 requests")), "{:?}", few.change);
    assert_eq!(few.planned.expect("planned").taken, [], "the first look is at 2 000");
    let bad = gated(Decides::Planned, 30, (50, 5));
    assert_eq!((bad.code, bad.metric.as_deref(), bad.looks), (10, Some("errors"), 5), "{}", bad.headline);
    let look = bad.planned.expect("planned").taken[0];
    assert_eq!((look.pair.canary.requests, look.worse), (2_000, true));
    assert_eq!(gated(Decides::Sequential, 4, (50, 5)).code, 10, "the default needs no plan to end");
}

#[test]
fn at_its_end_a_good_canary_is_healthy_and_what_comes_after_is_refused_by_name() {
    let half = gated(Decides::Planned, 15, (5, 5));
    assert_eq!(half.code, 12, "{}", half.headline);
    let good = gated(Decides::Planned, 21, (5, 5));
    assert_eq!((good.verdict, good.code), (Verdict::Healthy, 0), "{}", good.headline);
    assert!(good.refused.is_empty() && good.smallest.is_some_and(|it| it.times.value() < 2.5));
    let planned = good.planned.as_ref().expect("planned");
    assert_eq!((planned.taken.len(), planned.next_at), (5, None));
    for page in [gate::render::text(&good), gate::render::html(&good)] {
        assert!(page.contains("5 taken of 5 looks at 10000 requests"), "{page}");
    }
    let after = gated(Decides::Planned, 25, (5, 5));
    assert_eq!((after.code, after.planned), (0, good.planned));
    let refused = &after.refused[0];
    assert_eq!((refused.refusal.why, refused.looks), (Why::PastThePlan, 4));
    assert!(refused.refusal.text.contains("10500 requests of the canary, 10000 were planned"));
}
