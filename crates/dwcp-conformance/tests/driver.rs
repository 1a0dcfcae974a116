//! The driver at a scripted implementation: every way of breaking the boundary is its verdict, and never a pass.

mod scripted;

use dwcp_conformance::bench::{Bench, Settings};
use dwcp_conformance::driver::{self, Verdict};
use dwcp_conformance::report::{About, Report, Tried, diff, html, junit, markdown, sarif};
use dwcp_conformance::requirement::{Case, Check, Level, Profile, Requirement};
use dwcp_conformance::stop::{Stop, ensure};
use dwcp_conformance::world::Broken;
use scripted::{Scripted, ok};
use serde_json::{Value, json};

/// What an implementation says to a request: its number and operation.
type Answer = fn(u64, &str) -> Vec<Result<String, Broken>>;

fn scripted(answer: Answer) -> Scripted {
    let hello = json!({"name": "s", "version": "1", "components": {"amst": []}, "clock": "virtual"});
    Scripted::new(hello, 1, answer)
}

fn good(id: u64, _op: &str) -> Vec<Result<String, Broken>> {
    vec![Ok(ok(id, json!({"n": 1})))]
}

fn case(check: Check) -> Case {
    let requirement = Requirement {
        id: "AMST-001",
        level: Level::Must,
        when: "",
        profile: Profile::Amst,
        sentence: "a <sentence> & more",
        source: "-",
        error_probability: 0.0,
        attempts: 1,
    };
    Case { requirement, check }
}

fn ask_once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.call("amst.x", json!({})).map(|_| ()).map_err(Stop::from)
}

fn settings() -> Settings {
    Settings { seed: 1, quick: false, only: None, full_transcript: false }
}

fn refuse(id: u64, code: &str) -> Vec<Result<String, Broken>> {
    vec![Ok(json!({"id": id, "ok": false, "error": {"code": code, "message": "m"}}).to_string())]
}

#[test]
fn every_way_of_answering_has_its_verdict() {
    let rows: [(&str, Answer, Verdict); 11] = [
        ("good", good, Verdict::Pass),
        ("unsupported", |id, _| refuse(id, "unsupported"), Verdict::Skip),
        ("internal", |id, _| refuse(id, "internal"), Verdict::Fail),
        ("no code", |id, _| refuse(id, "whatever"), Verdict::Error),
        ("silence", |_, _| vec![], Verdict::Error),
        ("wrong id", |id, op| good(id + 7, op), Verdict::Error),
        ("earlier id", |id, op| good(id - 1, op), Verdict::Error),
        // The second answer comes to light at shutdown at the latest.
        ("twice", |id, op| [good(id, op), good(id, op)].concat(), Verdict::Error),
        ("no JSON", |_, _| vec![Ok("{".to_owned())], Verdict::Error),
        ("died", |_, _| vec![Err(Broken::Died("signal 9".to_owned()))], Verdict::Error),
        ("too long", |_, _| vec![Err(Broken::LineTooLong(1))], Verdict::Error),
    ];
    for (name, answer, verdict) in rows {
        let run = driver::run(&case(ask_once), &mut scripted(answer), &settings());
        assert_eq!(run.verdict, verdict, "{name}: {} {}", run.reason, run.seen);
    }
}

#[test]
fn a_profile_that_is_not_declared_is_skipped_and_a_check_that_panics_is_an_error() {
    let mut other = case(ask_once);
    other.requirement.profile = Profile::Hde;
    assert_eq!(driver::run(&other, &mut scripted(good), &settings()).verdict, Verdict::Skip);
    let panics = case(|_| panic!("a fault of the harness"));
    assert_eq!(driver::run(&panics, &mut scripted(good), &settings()).verdict, Verdict::Error);
}

#[test]
fn a_failure_is_tried_again_only_where_a_clock_decides() {
    let mut timed = case(|bench| {
        let early = bench.now_us() < 50;
        ensure(!early, "it is late", String::new)
    });
    assert_eq!(driver::run(&timed, &mut scripted(good), &settings()).attempts, 1);
    timed.requirement.attempts = 3;
    let run = driver::run(&timed, &mut scripted(good), &settings());
    assert!(run.verdict == Verdict::Pass && run.attempts > 1 || run.attempts == 3);
}

fn fails_in_round_37(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for round in bench.rounds(100, 100) {
        bench.begin_round(round);
        bench.call("amst.x", json!({"round": round}))?;
        ensure(round != 37, "every round but one holds", String::new)?;
    }
    Ok(())
}

fn fails_after_rounds_3_and_8(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut seen = Vec::new();
    for round in bench.rounds(100, 100) {
        bench.begin_round(round);
        seen.push(round);
        ensure(!(seen.contains(&3) && round == 8), "two rounds do not meet", String::new)?;
    }
    Ok(())
}

#[test]
fn a_replay_is_as_small_as_the_case_still_fails() {
    let found = driver::minimise(&case(fails_in_round_37), &mut scripted(good), &settings());
    assert_eq!(found.rounds, Some(vec![37]));
    assert_eq!(found.run.verdict, Verdict::Fail);
    assert!(found.run.record.transcript.iter().any(|entry| entry.line.contains("\"round\":37")));
    let found = driver::minimise(&case(fails_after_rounds_3_and_8), &mut scripted(good), &settings());
    assert_eq!(found.rounds, Some(vec![3, 8]));
}

fn report(verdicts: fn(u64, &str) -> Vec<Result<String, Broken>>, must_skips_block: bool) -> Report {
    let case = case(ask_once);
    let run = driver::run(&case, &mut scripted(verdicts), &settings());
    let about = About {
        sut: ("<s>".to_owned(), "1".to_owned()),
        seed: 1,
        quick: false,
        repeat: 1,
        must_skips_block,
        requested: vec![Profile::Amst, Profile::Hde],
        machine: "m".to_owned(),
        elapsed_ms: 1,
    };
    let mut whole = Report::of(&About { requested: vec![Profile::Amst], ..about.clone() }, &[]);
    assert!(!whole.verdicts.conforms, "nothing ran");
    whole = Report::of(&about, &[Tried { requirement: case.requirement, runs: vec![run.clone()] }]);
    assert!(!whole.verdicts.conforms, "HDE was asked for and not assessed");
    let about = About { requested: vec![Profile::Amst], ..about };
    Report::of(&about, &[Tried { requirement: case.requirement, runs: vec![run] }])
}

#[test]
fn a_report_claims_only_what_ran() {
    let claim = |report: &Report| (report.verdicts.profiles[0].claim.clone(), report.verdicts.conforms);
    assert_eq!(claim(&report(good, true)), ("conforms".to_owned(), true));
    assert_eq!(claim(&report(|id, _| refuse(id, "internal"), true)), ("does not conform".to_owned(), false));
    // All skipped is not assessed, whatever the policy says.
    assert_eq!(claim(&report(|id, _| refuse(id, "unsupported"), false)), ("not assessed".to_owned(), false));
    assert_eq!(claim(&report(|_, _| vec![], false)), ("does not conform".to_owned(), false));
}

#[test]
fn reports_survive_their_forms_and_a_worse_one_is_seen() {
    let (before, after) = (report(good, true), report(|id, _| refuse(id, "internal"), true));
    let again = Report::from_json(&before.to_json().unwrap()).unwrap();
    assert_eq!(again, before);
    assert!(Report::from_json("{}").is_err());
    let worse = |old, new| diff::changes(old, new, 0.25).iter().filter(|change| change.worse).count();
    assert_eq!((worse(&before, &after), worse(&after, &before), worse(&before, &before)), (1, 0, 0));
    for text in [html::render(&after), junit::render(&after)] {
        assert!(text.contains("a &lt;sentence&gt; &amp; more") && !text.contains("a <sentence>"), "{text}");
    }
    assert!(markdown::render(&after).contains("| AMST-001 | MUST | FAIL |"));
    let sarif: Value = serde_json::from_str(&sarif::render(&after)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
}
