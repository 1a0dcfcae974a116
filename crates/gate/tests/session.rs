//! Whole gates over made-up services: each verdict with its exit code, its blame, and the same report from the record.

mod replayed;

use std::collections::BTreeMap;

use gate::{Answer, Decides, Line, Observation, Pod, Refusal, Report, Setup, Verdict, Why, read_record};
use health::Latency;
use health::sequential::Counts;

use replayed::replayed;

/// Requests and failed ones that an instance adds with every look.
type Pace = (u64, u64);

fn look(n: u64, canary: &[Pace], stable: &[Pace]) -> Observation {
    let arm = |is_canary: bool, paces: &[Pace]| -> Vec<Pod> {
        let pod = |(at, (requests, errors)): (usize, &Pace)| Pod {
            canary: is_canary,
            pod: at as u32,
            name: format!("{}-{at}", if is_canary { "new" } else { "old" }),
            requests: 1_000 + n * requests,
            errors: n * errors,
            ..Pod::default()
        };
        paces.iter().enumerate().map(pod).collect()
    };
    Observation {
        at_ms: n * 15_000,
        pods: [arm(true, canary), arm(false, stable)].concat(),
        ..Observation::default()
    }
}

fn steady(canary: &[Pace], stable: &[Pace]) -> Report {
    replayed(Setup::new("api", 40), (0..40).map(|n| look(n, canary, stable)))
}

#[test]
fn a_healthy_canary_passes_and_the_report_says_what_it_could_have_seen() {
    let report = steady(&[(500, 1)], &[(500, 1), (500, 1)]);
    assert_eq!((report.verdict, report.code), (Verdict::Healthy, 0), "{report:?}");
    let smallest = report.smallest.expect("enough requests");
    assert!(smallest.times.value() > 1.0 && smallest.times.value() < 2.5, "{smallest:?}");
    assert!(report.change.iter().any(|line| line.contains("more failed requests")), "{:?}", report.change);
}

#[test]
fn a_bad_canary_ends_the_gate_with_metric_arm_and_time() {
    let report = steady(&[(500, 25)], &[(500, 1), (500, 1)]);
    assert_eq!((report.verdict, report.code), (Verdict::Regressed, 10));
    assert_eq!((report.metric.as_deref(), report.arm.as_deref()), (Some("errors"), Some("canary")));
    assert!(report.since.is_some() && report.decided.is_some() && report.looks < 40, "{report:?}");
    assert!(report.literal.iter().all(|rule| !rule.acts), "{:?}", report.literal);
}

#[test]
fn what_strikes_both_is_an_incident_and_not_the_release() {
    let report = steady(&[(500, 25)], &[(500, 25), (500, 25)]);
    assert_eq!((report.verdict, report.code, report.arm.as_deref()), (Verdict::Undecided, 12, Some("both")));
    assert!(report.alert.is_some_and(|alert| alert.contains("both revisions")));
}

#[test]
fn one_bad_instance_of_many_and_one_bad_endpoint_are_named() {
    let report = steady(&[(200, 0), (200, 0), (200, 0), (200, 60)], &[(500, 1), (500, 1)]);
    assert_eq!((report.code, report.instance.as_deref()), (12, Some("new-3")), "{report:?}");
    let paths = |n: u64, bad: u64| -> BTreeMap<String, Counts> {
        let at = |path: usize| Counts { requests: n * 100, bad: if path == 2 { n * bad } else { 0 } };
        (0..5).map(|path| (format!("/{path}"), at(path))).collect()
    };
    let looks = (0..40).map(|n| {
        let mut look = look(n, &[(500, 20)], &[(500, 1)]);
        look.pods[0].endpoints = paths(n, 20);
        look.pods[1].endpoints = paths(n, 1);
        look
    });
    let report = replayed(Setup::new("api", 40), looks);
    assert_eq!((report.code, report.endpoint.as_deref()), (10, Some("/2")), "{}", report.headline);
}

#[test]
fn i25_no_data_too_little_data_and_refused_data_never_pass() {
    let setup = || Setup::new("api", 40);
    let silent = replayed(
        setup(),
        (0..10).map(|n| {
            let mut look = look(n, &[], &[(500, 1)]);
            look.pods.push(Pod::lost(true, 0, "new-0"));
            look.refused.push(Refusal::new("new-0", Why::Unreachable, "refused").of(true));
            look
        }),
    );
    assert_eq!((silent.verdict, silent.code), (Verdict::NoData, 12));
    assert!(silent.headline.contains("refused"), "{}", silent.headline);
    assert_eq!(silent.refused[0].looks, 10);
    let few = replayed(setup(), (0..10).map(|n| look(n, &[(5, 0)], &[(500, 1)])));
    assert_eq!((few.verdict, few.code), (Verdict::Undecided, 12));
    let refused = replayed(
        setup(),
        (0..10).map(|n| {
            let mut look = look(n, &[(500, 1)], &[(500, 1)]);
            look.pods[0].answer = Answer::Refused;
            look
        }),
    );
    assert_eq!(refused.verdict, Verdict::NoData);
    let blind = replayed(
        setup(),
        (0..10).map(|n| {
            let mut look = look(n, &[(500, 1), (500, 1)], &[(500, 1)]);
            look.pods[1].answer = Answer::Refused;
            look
        }),
    );
    assert_eq!(blind.code, 12, "an instance that never gave evidence: {}", blind.headline);
    let none = replayed(setup(), (0..10).map(|n| look(n, &[(500, 1)], &[])));
    assert_eq!(none.verdict, Verdict::NoData, "nothing to compare with");
    assert_eq!(replayed(setup(), std::iter::empty()).code, 12);
}

#[test]
fn literal_rules_decide_only_when_they_are_asked_to() {
    let shift = |decides| Setup { decides, ..Setup::new("api", 40) };
    let looks = || (0..40).map(|n| look(n, &[(500, 10)], &[(500, 10)]));
    let literal = replayed(shift(Decides::Literal), looks());
    assert_eq!((literal.code, literal.metric.as_deref()), (10, Some("error_rate")), "{}", literal.headline);
    assert_eq!(replayed(shift(Decides::Sequential), looks()).code, 12);
    assert_eq!(replayed(shift(Decides::Both), looks()).code, 10);
    let alone = Setup { decides: Decides::Literal, compared: false, ..Setup::new("api", 40) };
    assert_eq!(replayed(alone, (0..40).map(|n| look(n, &[(500, 0)], &[]))).code, 0);
}

#[test]
fn every_renderer_says_the_verdict_and_lets_no_markup_through() {
    let mut looks: Vec<Observation> = (0..10).map(|n| look(n, &[(500, 25)], &[(500, 1)])).collect();
    looks[0].refused.push(Refusal::new("<script>", Why::Malformed, "a\n::error::b | c \u{1b}[31m").of(true));
    let report = replayed(Setup::new("a<b>", 40), looks);
    let text = gate::render::text(&report);
    assert!(text.starts_with("REGRESSED  the canary is worse"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\u{1b}'), "no order to the terminal");
    let html = gate::render::html(&report);
    assert!(html.contains("<svg") && !html.contains("<script") && html.contains("a&lt;b&gt;: regressed"));
    let commands = gate::render::annotations(&report);
    assert!(commands.starts_with("::error title=a<b>%3A regressed::"), "{commands}");
    assert!(
        commands
            .lines()
            .all(|line| line.starts_with("::error title=") || line.starts_with("::warning title="))
    );
    let sarif = gate::render::sarif(&report, Some("gate.yaml"));
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "gate/errors");
    assert_eq!(sarif["runs"][0]["results"][1]["ruleId"], "evidence/malformed");
    assert!(gate::render::summary(&report).contains("\\<script\\>"));
}

/// Durations of `n` looks: requests at or below 50, 100 and 200 ms, and all of them.
fn timed(n: u64, each: [u64; 4]) -> Latency {
    let bounds = [50_000, 100_000, 200_000, u64::MAX];
    Latency::new(bounds.into_iter().zip(each.map(|count| n * count)).collect()).expect("rising")
}

#[test]
fn a_slower_canary_is_told_with_proven_bounds_in_every_form() {
    let report = |canary: [u64; 4]| {
        let looks = (0..40).map(|n| {
            let mut look = look(n, &[(500, 0)], &[(500, 0)]);
            look.pods[0].latency = timed(n, canary);
            look.pods[1].latency = timed(n, [400, 495, 499, 500]);
            look
        });
        replayed(Setup::new("api", 40), looks)
    };
    let same = report([400, 495, 499, 500]);
    let durations = same.explanation.durations.as_ref().expect("both have a histogram");
    assert_eq!((same.code, durations.slower, durations.apart), (0, None, None));
    assert_eq!(durations.canary.counted.total(), 39 * 500, "from the first look on");
    assert!(gate::render::text(&same).contains("p50") && durations.told().starts_with("no bound"));
    let slow = report([100, 200, 490, 500]);
    assert_eq!((slow.code, slow.metric.as_deref()), (10, Some("latency")), "{}", slow.headline);
    let durations = slow.explanation.durations.as_ref().expect("both have a histogram");
    assert!(durations.apart.is_some(), "{durations:?}");
    let told = durations.told();
    for page in [gate::render::text(&slow), gate::render::html(&slow), gate::render::summary(&slow)] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&page).contains(&words(&told)), "{told}: {page}");
    }
    let picture = health::sequential::svg(&slow.explanation);
    assert_eq!(picture.matches("<polygon").count(), 4, "rates and durations of both arms");
    assert!(picture.contains("took no longer") && !picture.contains("NaN"), "{picture}");
    assert!(gate::render::text(&slow).lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_record_that_is_damaged_says_where() {
    let setup = serde_json::to_string(&Line::Gate(Setup::new("api", 1))).expect("a line");
    let one = serde_json::to_string(&Line::Look(look(0, &[], &[]))).expect("a line");
    let read = read_record(&format!("{setup}\n{one}\n{}", &one[..9])).expect("cut at its end");
    assert_eq!(read.looks.len(), 1);
    assert_eq!(read.notes, ["line 3 of the record was cut and is left out"]);
    assert_eq!(read_record(&format!("{setup}\n{{\n{one}\n")).expect_err("broken").line, 2);
    assert_eq!(read_record(&one).expect_err("no beginning").line, 1);
    assert_eq!(read_record("").expect_err("nothing").line, 1);
}
