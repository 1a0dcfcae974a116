//! Bounded metrics in whole gates: over a limit, out of range, never heard, and their part of alpha.

mod replayed;

use gate::bounded::{Bounded, PART};
use gate::{Decides, Observation, Pod, Report, Session, Setup, Verdict, Why};
use health::Finite;

use replayed::replayed;

fn number(value: f64) -> Finite {
    Finite::new(value).expect("finite")
}

fn setup(decides: Decides) -> Setup {
    let asked = |name: &str, at_most: f64, scale: f64| Bounded {
        name: name.into(),
        from: "/x".into(),
        at_most: number(at_most),
        scale: number(scale),
    };
    let bounded = vec![asked("misses", 0.3, 1.0), asked("queue", 60.0, 200.0)];
    Setup { decides, bounded, ..Setup::new("api", 60) }
}

/// A healthy pair of revisions over 60 looks, with these values; `None` where there is none.
fn gated(setup: Setup, values: impl Fn(u64) -> [Option<f64>; 2]) -> Report {
    let looks = (0..60).map(|n| {
        let pod = |canary| Pod { canary, requests: 500 * n, errors: n / 2, ..Pod::default() };
        let named = ["misses", "queue"].map(str::to_owned).into_iter().zip(values(n));
        let values = named.filter_map(|(name, value)| Some((name, number(value?)))).collect();
        let pods = vec![pod(true), pod(false)];
        Observation { at_ms: 15_000 * n, pods, values, ..Observation::default() }
    });
    replayed(setup, looks)
}

#[test]
fn within_its_limits_it_is_healthy_and_alpha_is_shared() {
    let report = gated(setup(Decides::Sequential), |n| [Some(0.1 + 0.2 * (n % 2) as f64), Some(50.0)]);
    assert_eq!(report.code, 0, "{}", report.headline);
    let own: f64 = report.bounded.iter().map(|bound| bound.alpha.value()).sum();
    let whole = own + report.explanation.alpha.value();
    assert!((whole - 0.01).abs() < 1e-12 && (own - 0.01 * PART).abs() < 1e-12, "{own} of {whole}");
    assert!((report.explanation.threshold.value() + report.explanation.alpha.value().ln()).abs() < 1e-9);
    assert_eq!(report.bounded[0].values, 60);
    let alone = Session::new(Setup::new("api", 60)).report();
    assert!((alone.explanation.alpha.value() - 0.01).abs() < 1e-15, "without them it is all the engine's");
}

#[test]
fn over_a_limit_it_is_called_worse_with_name_mean_and_evidence() {
    let report = gated(setup(Decides::Sequential), |_| [Some(0.2), Some(160.0)]);
    assert_eq!((report.verdict, report.code), (Verdict::Regressed, 10), "{}", report.headline);
    assert_eq!((report.metric.as_deref(), report.arm.as_deref()), (Some("bounded queue"), Some("canary")));
    assert!(
        report.headline.contains("queue is 160.000 on average") && report.looks < 40,
        "{}",
        report.headline
    );
    for page in [gate::render::text(&report), gate::render::html(&report), gate::render::summary(&report)] {
        assert!(page.contains("queue") && page.contains("misses"), "{page}");
    }
    // A threshold of its own: 1 in 2 000 for each of the two.
    assert!((report.bounded[1].threshold.value() - f64::ln(2_000.0)).abs() < 1e-9);
    let literal = gated(setup(Decides::Literal), |_| [Some(0.2), Some(160.0)]);
    assert_eq!(literal.code, 0, "shown, and it does not decide: {}", literal.headline);
    assert!(literal.bounded[1].over());
}

#[test]
fn i25_what_is_out_of_range_or_never_heard_never_passes() {
    let outside = gated(setup(Decides::Sequential), |_| [Some(30.0), Some(50.0)]);
    assert_eq!((outside.verdict, outside.code), (Verdict::Undecided, 12));
    assert_eq!(outside.headline, "no look gave a value of misses");
    let refused = &outside.refused[0];
    assert_eq!(
        (refused.refusal.source.as_str(), refused.refusal.why, refused.looks),
        ("misses", Why::OutOfRange, 60)
    );
    assert!(refused.refusal.text.contains("30 is not between 0 and 1"), "{}", refused.refusal.text);
    let silent = gated(setup(Decides::Both), |_| [Some(0.1), None]);
    assert_eq!((silent.code, silent.headline.as_str()), (12, "no look gave a value of queue"));
    let sometimes = gated(setup(Decides::Sequential), |n| [Some(0.1), (n % 3 == 0).then_some(50.0)]);
    assert_eq!((sometimes.code, sometimes.bounded[1].values), (0, 20), "{}", sometimes.headline);
}
