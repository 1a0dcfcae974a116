//! One line for anyone's pipeline: healthy 0, regressed 10, undecided or no data 12.

use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::exporter::{Answer, Exporter, exposition};
use crate::{code, gate, stderr, stdout};

/// A check of a canary against a healthy stable; the result as data.
fn checked(canary: &[&Exporter], stable: &[&Exporter], more: &[&str]) -> (i32, Value) {
    let canary: Vec<String> = canary.iter().map(|it| it.url()).collect();
    let stable: Vec<String> = stable.iter().map(|it| it.url()).collect();
    let deadline = if more.contains(&"--deadline") { vec![] } else { vec!["--deadline", "2s"] };
    let mut arguments = vec!["check", "--every", "50ms", "--format", "json"];
    arguments.extend(deadline);
    arguments.push("--canary");
    arguments.extend(canary.iter().map(String::as_str));
    arguments.push("--stable");
    arguments.extend(stable.iter().map(String::as_str));
    arguments.extend(more);
    let output = gate(&arguments);
    let value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", stderr(&output)));
    (code(&output), value)
}

fn good() -> Exporter {
    Exporter::new(Answer::Counts(500, 1))
}

#[test]
fn a_healthy_canary_ends_in_0_and_a_bad_one_in_10_with_metric_and_arm() {
    let (code, value) = checked(&[&good()], &[&good()], &[]);
    assert_eq!((code, &value["verdict"]), (0, &"healthy".into()), "{}", value["headline"]);
    assert!(value["smallest"]["times"].as_f64().is_some_and(|times| times < 5.0), "{}", value["smallest"]);
    let (code, value) = checked(&[&Exporter::new(Answer::Counts(500, 25))], &[&good()], &[]);
    assert_eq!(code, 10, "{}", value["headline"]);
    assert_eq!((&value["metric"], &value["arm"]), (&"errors".into(), &"canary".into()));
    assert!(value["explanation"]["metrics"][0]["p_value"].as_f64().is_some_and(|p| p < 0.01));
    let (code, value) = checked(&[&Exporter::new(Answer::Slow(500, 30))], &[&good()], &[]);
    assert_eq!((code, &value["metric"]), (10, &"latency".into()), "{}", value["headline"]);
}

#[test]
fn an_incident_is_not_blamed_and_one_bad_instance_is_named() {
    let bad = || Exporter::new(Answer::Counts(500, 25));
    let (code, value) = checked(&[&bad()], &[&bad()], &[]);
    assert_eq!((code, &value["arm"]), (12, &"both".into()), "{}", value["headline"]);
    assert!(value["alert"].as_str().is_some_and(|alert| alert.contains("both revisions")));
    let (worst, others) = (Exporter::new(Answer::Counts(500, 150)), [good(), good(), good()]);
    let (code, value) = checked(&[&others[0], &worst, &others[1], &others[2]], &[&good(), &good()], &[]);
    assert_eq!((code, &value["instance"]), (12, &worst.address.clone().into()), "{}", value["headline"]);
}

#[test]
fn planned_looks_end_at_their_number_of_requests() {
    let plan = ["--decides", "planned", "--requests", "5000", "--looks", "2"];
    let (code, value) = checked(&[&good()], &[&good()], &plan);
    assert_eq!((code, &value["verdict"]), (0, &"healthy".into()), "{}", value["headline"]);
    assert_eq!(value["planned"]["taken"][1]["pair"]["canary"]["requests"], 5_000);
    let (code, value) = checked(&[&Exporter::new(Answer::Counts(500, 25))], &[&good()], &plan);
    assert_eq!((code, &value["metric"]), (10, &"errors".into()), "{}", value["headline"]);
    let (code, value) = checked(&[&good()], &[&good()], &[&plan[..], &["--deadline", "200ms"]].concat());
    assert_eq!(code, 12, "{}", value["headline"]);
}

#[test]
fn silence_and_too_little_end_in_12() {
    let (code, value) = checked(&[&Exporter::new(Answer::Nothing)], &[&good()], &["--deadline", "500ms"]);
    assert_eq!((code, &value["verdict"]), (12, &"no_data".into()));
    assert_eq!(value["refused"][0]["refusal"]["why"], "unreachable");
    let (code, value) =
        checked(&[&Exporter::new(Answer::Counts(2, 0))], &[&good()], &["--deadline", "500ms"]);
    assert_eq!((code, &value["verdict"]), (12, &"undecided".into()), "{}", value["headline"]);
}

/// A canary that was good for twelve scrapes, then answers so.
fn turned(answer: Answer, deadline: &str) -> (i32, Value) {
    let canary = Exporter::new(Answer::Counts(20, 0));
    let later = canary.clone();
    let turning = std::thread::spawn(move || {
        later.scraped(12);
        later.becomes(answer);
    });
    let checked = checked(&[&canary], &[&good()], &["--min-requests", "100000", "--deadline", deadline]);
    turning.join().expect("it turned");
    checked
}

#[test]
fn a_canary_that_dies_is_found_and_one_that_is_no_evidence_any_more_is_no_data() {
    let (code, value) = turned(Answer::Status(503), "20s");
    assert_eq!((code, &value["metric"]), (10, &"scrapes".into()), "{}", value["headline"]);
    let (code, value) = turned(Answer::Text("http_requests_total{code=\"200\"} NaN\n".into()), "4s");
    assert_eq!((code, &value["verdict"]), (12, &"no_data".into()), "{}", value["headline"]);
}

#[test]
fn a_firing_alert_ends_in_10_and_an_unknown_function_in_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.yml");
    let write = |expr: &str| {
        let rule = format!("{{alert: Full, expr: '{expr}', annotations: {{summary: disk full}}}}");
        std::fs::write(&rules, format!("groups: [{{name: g, rules: [{rule}]}}]")).expect("written");
    };
    let path = rules.display().to_string();
    write("process_resident_memory_bytes > 1e6");
    let (code, value) = checked(&[&good()], &[&good()], &["--alerts", &path]);
    assert_eq!((code, &value["metric"]), (10, &"alert Full".into()), "{}", value["headline"]);
    write("ln(process_resident_memory_bytes) > 1");
    let output = gate(&["check", "--canary", &good().url(), "--stable", &good().url(), "--alerts", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(":1:") && stderr(&output).contains("ln"), "{}", stderr(&output));
}

#[test]
fn a_watch_is_recorded_and_explain_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (record, result) = (at("watch.jsonl"), at("result.json"));
    let bad = Exporter::new(Answer::Counts(500, 25));
    let watched = gate(&[
        "watch",
        "--canary",
        &bad.url(),
        "--stable",
        &good().url(),
        "--for",
        "3s",
        "--every",
        "50ms",
        "--record",
        &record,
        "--output",
        &result,
    ]);
    assert_eq!(code(&watched), 10, "{}", stderr(&watched));
    assert!(
        stderr(&watched)
            .lines()
            .next()
            .is_some_and(|line| line.contains("canary") && line.contains("of 100"))
    );
    for file in [&record, &result] {
        let told = gate(&["explain", file, "--picture", &at("a.svg"), "--html", &at("a.html")]);
        assert_eq!((code(&told), stdout(&told)), (10, stdout(&watched)), "{file}");
    }
    assert!(std::fs::read_to_string(at("a.svg")).expect("a picture").contains("back at 100"));
    assert!(stdout(&watched).lines().all(|line| line.chars().count() <= 80), "{}", stdout(&watched));
}

#[test]
fn an_interruption_ends_a_watch_with_the_verdict_so_far() {
    let (canary, stable) = (good(), good());
    let mut child = Command::new(env!("CARGO_BIN_EXE_nova-gate"))
        .args([
            "watch",
            "--canary",
            &canary.url(),
            "--stable",
            &stable.url(),
            "--for",
            "60s",
            "--every",
            "20ms",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be started");
    canary.scraped(20);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let mut text = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{text}");
    assert!(text.contains("ended by an interruption"), "{text}");
}

#[test]
fn every_form_is_written_at_once_and_the_job_summary_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let bad = Exporter::new(Answer::Counts(500, 25));
    let output = Command::new(env!("CARGO_BIN_EXE_nova-gate"))
        .args([
            "check",
            "--every",
            "50ms",
            "--format",
            "github",
            "--canary",
            &bad.url(),
            "--stable",
            &good().url(),
        ])
        .arg("--output")
        .arg(at("all"))
        .env("GITHUB_STEP_SUMMARY", at("summary.md"))
        .output()
        .expect("it can be started");
    assert_eq!(code(&output), 10);
    assert!(
        stdout(&output).starts_with("::error title=canary%3A regressed::the canary is worse"),
        "{}",
        stdout(&output)
    );
    let read =
        |name: &str| std::fs::read_to_string(at(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read("summary.md").starts_with("## \u{274c} canary: regressed"));
    let sarif: Value = serde_json::from_str(&read("all/gate.sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
    let junit = read("all/junit.xml");
    assert!(junit.contains("failures=\"3\"") && junit.contains("sequential test of errors"), "{junit}");
    for name in ["gate.txt", "gate.json", "gate.html", "gate.svg"] {
        assert!(!read(&format!("all/{name}")).is_empty(), "{name}");
    }
}

#[test]
fn files_are_scrapes_in_their_order_and_one_of_each_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arm, errors) in [("good", 1), ("bad", 25), ("old", 1)] {
        std::fs::create_dir(folder.path().join(arm)).expect("a folder");
        for n in 0..12 {
            let path = folder.path().join(arm).join(format!("{n:02}.prom"));
            std::fs::write(path, exposition(n + 1, 500, errors, 5)).expect("written");
        }
    }
    let at = |name: &str| folder.path().join(name).display().to_string();
    let asked =
        |canary: &str, stable: &str| gate(&["check", "--canary", &at(canary), "--stable", &at(stable)]);
    assert_eq!(code(&asked("good", "old")), 0);
    assert_eq!(code(&asked("bad", "old")), 10);
    let single = asked("bad/11.prom", "old/11.prom");
    assert_eq!(code(&single), 10, "{}", stdout(&single));
    let text = stdout(&asked("good/11.prom", "old/11.prom"));
    assert!(text.contains("one scrape of each"), "{text}");
}

#[test]
fn a_json_document_is_looked_at_by_pointers() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = Exporter::new(Answer::Text("{\"new\": {\"all\": 7, \"bad\": 9}}".into()));
    let file = folder.path().join("gate.yaml");
    let pointers = "canary: {requests: /new/all, server_errors: /new/bad}, stable: {requests: /old/all, server_errors: /old/bad}";
    std::fs::write(
        &file,
        format!("service: api\nevery: 50ms\nweb: {{url: 'http://{}/x', {pointers}}}\n", document.address),
    )
    .expect("written");
    let output = gate(&["check", &file.display().to_string(), "--deadline", "300ms"]);
    assert_eq!(code(&output), 12);
    assert!(stdout(&output).contains("more bad requests than requests"), "{}", stdout(&output));
}
