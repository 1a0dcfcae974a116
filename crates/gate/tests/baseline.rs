//! Whole gates that go by a baseline: without a stable revision, with a tiny one, and when the baseline is not used.

use gate::baseline::Basis;
use gate::{Decides, Observation, Pod, Report, Session, Setup, Verdict, render};
use health::Finite;
use health::baseline::{Baseline, HourOfWeek};
use health::sequential::Counts;

/// Requests and failed ones that an arm adds with every look.
type Pace = (u64, u64);

fn look(n: u64, canary: Pace, stable: Option<Pace>) -> Observation {
    let arm = |is_canary: bool, (requests, errors): Pace| Pod {
        canary: is_canary,
        name: (if is_canary { "new" } else { "old" }).to_owned(),
        requests: 1_000 + n * requests,
        errors: n * errors,
        ..Pod::default()
    };
    let pods = [Some(arm(true, canary)), stable.map(|stable| arm(false, stable))];
    Observation { at_ms: n * 15_000, pods: pods.into_iter().flatten().collect(), ..Observation::default() }
}

/// One in a thousand, of a million.
fn known() -> Baseline {
    let finite = |value| Finite::new(value).expect("finite");
    let (low, high) = (finite(0.00094), finite(0.00107));
    Baseline::Known {
        counts: Counts { requests: 1_000_000, bad: 1_000 },
        age_ms: 604_800_000,
        low,
        high,
        weeks: 3,
    }
}

fn gated(found: Option<Baseline>, canary: Pace, stable: Option<Pace>) -> Report {
    let mut setup = Setup { compared: stable.is_some(), ..Setup::new("api", 40) };
    if let Some(found) = found {
        setup.goes_by(Basis::new(HourOfWeek::of(0), found));
    }
    let json = serde_json::to_string(&setup).expect("JSON");
    assert_eq!(serde_json::from_str::<Setup>(&json).expect("JSON"), setup, "a record gives it again");
    let mut session = Session::new(setup);
    (0..40).for_each(|n| session.observe(&look(n, canary, stable)));
    let report = session.report();
    let json = serde_json::to_string(&report).expect("JSON");
    assert_eq!(serde_json::from_str::<Report>(&json).expect("JSON"), report);
    report
}

/// The words of a text, however its lines are broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn without_a_stable_revision_a_good_canary_passes_by_the_baseline() {
    let report = gated(Some(known()), (500, 0), None);
    assert_eq!((report.verdict, report.code), (Verdict::Healthy, 0), "{report:?}");
    assert!(report.headline.contains("the baseline allows 0.17 %"), "{}", report.headline);
    let smallest = report.smallest.expect("enough requests");
    assert!(smallest.recorded && (1.0..3.0).contains(&smallest.times.value()), "{smallest:?}");
    assert!(report.notes.iter().any(|note| note.contains("latency is not judged")), "{:?}", report.notes);
    assert!(
        (report.explanation.threshold.value() - libm::log(1.0 / 0.0098)).abs() < 1e-9,
        "its part of alpha is paid"
    );
}

#[test]
fn what_only_the_baseline_says_holds_and_does_not_send_back() {
    let report = gated(Some(known()), (500, 25), None);
    assert_eq!((report.verdict, report.code), (Verdict::Undecided, 12), "{report:?}");
    assert!(
        report.headline.contains("worse than the baseline of Thu 00:00 UTC (5.00 % failed"),
        "{}",
        report.headline
    );
    assert!(report.headline.contains("no stable revision serves"), "{}", report.headline);
    assert!(report.alert.as_ref().is_some_and(|alert| alert.contains("hold")), "{:?}", report.alert);
}

#[test]
fn a_tiny_stable_confirms_what_the_baseline_says_or_shares_it() {
    // As after a cut-over: stable keeps 5 % of the traffic.
    let worse = gated(Some(known()), (1_425, 43), Some((75, 0)));
    assert_eq!((worse.code, worse.metric.as_deref()), (10, Some("errors")), "{}", worse.headline);
    let blind = gated(None, (1_425, 43), Some((75, 0)));
    assert!(worse.decided < blind.decided, "sooner than without: {:?}, {:?}", worse.decided, blind.decided);
    let shared = gated(Some(known()), (1_425, 43), Some((75, 2)));
    assert_eq!(shared.code, 12, "{}", shared.headline);
    let idle = gated(Some(known()), (500, 0), Some((0, 0)));
    assert_eq!(idle.code, 0, "a stable that answers and serves nothing: {}", idle.headline);
    assert_eq!(gated(None, (500, 0), Some((0, 0))).verdict, Verdict::NoData);
}

#[test]
fn what_is_stale_thin_or_unknown_is_never_used_and_every_form_says_so() {
    for (found, state, words) in [
        (Baseline::Stale { age_ms: 6 * 604_800_000 }, "stale", "stale, 42.0 d old"),
        (
            Baseline::Thin { requests: 7, age_ms: 3_600_000 },
            "thin",
            "thin, 7 requests of the 1000 that are needed, 60 min old",
        ),
        (Baseline::Unknown, "unknown", "unknown, nothing is recorded of this hour"),
    ] {
        let alone = gated(Some(found), (500, 0), None);
        assert_eq!(
            (alone.verdict, alone.code),
            (Verdict::Undecided, 12),
            "never healthy: {}",
            alone.headline
        );
        assert!(alone.headline.contains(words), "{}", alone.headline);
        let beside = gated(Some(found), (500, 1), Some((500, 1)));
        let plain = gated(None, (500, 1), Some((500, 1)));
        assert_eq!(beside.explanation, plain.explanation, "the same as without");
        let text = flat(&render::text(&beside));
        assert!(text.contains(&format!("baseline Thu 00:00 UTC: {words}")), "{text}");
        assert!(render::html(&beside).contains(words) && render::summary(&beside).contains(words));
        assert!(render::annotations(&beside).contains(&format!("::warning title=baseline%3A {state}::")));
        let sarif = render::sarif(&beside, None).to_string();
        assert!(sarif.contains(&format!("baseline/{state}")) && sarif.contains(words), "{sarif}");
    }
    let known = gated(Some(known()), (500, 1), Some((500, 1)));
    let text = flat(&render::text(&known));
    assert!(text.contains("(0.094 % to 0.11 % with 95 %), 3 weeks, the newest part 7.0 d old"), "{text}");
    assert!(render::text(&known).lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn literal_rules_alone_need_neither() {
    let mut setup = Setup { compared: false, decides: Decides::Literal, ..Setup::new("api", 40) };
    setup.goes_by(Basis::new(HourOfWeek::of(0), Baseline::Unknown));
    let mut session = Session::new(setup);
    (0..40).for_each(|n| session.observe(&look(n, (500, 0), None)));
    assert_eq!(session.report().code, 0, "{}", session.report().headline);
}
