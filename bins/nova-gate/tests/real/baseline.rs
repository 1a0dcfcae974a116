//! `baseline record` and `show`, and gates that go by a baseline, as they are called.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::exporter::{Answer, Exporter};
use crate::{code, gate, stderr, stdout};

const HOUR_MS: u64 = 3_600_000;
const WEEK_MS: u64 = 168 * HOUR_MS;

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("in range")
}

/// A file of baselines in which every hour of the week was recorded so long ago.
fn written(folder: &Path, age_ms: u64, requests: u64, bad: u64) -> String {
    let hour = json!({"requests": requests, "bad": bad, "recorded_ms": now_ms() - age_ms, "weeks": 2});
    let hours: serde_json::Map<String, Value> = (0..168).map(|n| (n.to_string(), hour.clone())).collect();
    let file = folder.join("baselines.json");
    let text = json!({"version": 1, "services": {"api": hours}, "taken": {}}).to_string();
    std::fs::write(&file, text).expect("written");
    file.display().to_string()
}

/// A record of a watch of a good pair.
fn recorded(folder: &Path, name: &str, service: &str, errors: u64) -> String {
    let (canary, stable) =
        (Exporter::new(Answer::Counts(500, errors)), Exporter::new(Answer::Counts(500, errors)));
    let file = folder.join(name).display().to_string();
    let output = gate(&[
        "watch",
        "--canary",
        &canary.url(),
        "--stable",
        &stable.url(),
        "--service",
        service,
        "--for",
        "400ms",
        "--every",
        "20ms",
        "--record",
        &file,
    ]);
    assert!(matches!(code(&output), 0 | 12), "{}", stderr(&output));
    file
}

/// A folder, and the name of a file in it that is not there yet.
fn empty() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let baselines = folder.path().join("api.json").display().to_string();
    (folder, baselines)
}

fn record(baselines: &str, more: &[&str]) -> (i32, String, String) {
    let mut arguments = vec!["baseline", "record", "--service", "api", "--baselines", baselines];
    arguments.extend(more);
    let output = gate(&arguments);
    (code(&output), stdout(&output), stderr(&output))
}

#[test]
fn a_record_is_taken_in_once_and_shown() {
    let (folder, baselines) = empty();
    let watched = recorded(folder.path(), "a.jsonl", "api", 1);
    let (code, told, error) = record(&baselines, &[&watched]);
    assert_eq!(code, 0, "{error}");
    assert!(told.starts_with("api: ") && told.contains(" requests, "), "{told}");
    let first = std::fs::read_to_string(&baselines).expect("it is there");
    let (code, told, _) = record(&baselines, &[&watched]);
    assert_eq!((code, std::fs::read_to_string(&baselines).expect("still")), (0, first), "{told}");
    assert!(told.contains("not counted again, "), "{told}");
    let shown = stdout(&gate(&["baseline", "show", "--baselines", &baselines, "--service", "api"]));
    let row = shown.lines().find(|line| line.starts_with('>')).unwrap_or_else(|| panic!("{shown}"));
    assert!(row.contains(":00 UTC") && row.ends_with("1  known"), "{shown}");
    assert!(shown.contains("hour of week") && shown.contains("95 % interval"), "{shown}");
    let data = stdout(&gate(&["baseline", "show", "--baselines", &baselines, "--format", "json"]));
    let data: Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!((&data[0]["service"], &data[0]["state"]), (&"api".into(), &"known".into()));
    let later =
        stdout(&gate(&["baseline", "show", "--baselines", &baselines, "--at", "2099-01-01T00:00:00Z"]));
    assert!(later.contains("stale"), "{later}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|it| it.file_name()).collect();
    assert_eq!(left.len(), 2, "nothing is left beside: {left:?}");
}

#[test]
fn targets_are_scraped_for_a_while_and_an_incident_is_left_out() {
    let (folder, baselines) = empty();
    let bad = recorded(folder.path(), "bad.jsonl", "api", 100);
    let (code, told, error) = record(&baselines, &[&bad]);
    assert!(code == 0 && told.contains("is of an incident"), "{told}{error}");
    let stable = Exporter::new(Answer::Counts(500, 1));
    let (code, told, error) =
        record(&baselines, &["--stable", &stable.url(), "--for", "300ms", "--every", "20ms"]);
    assert!(code == 0 && told.contains(&stable.url()), "{told}{error}");
    assert!(told.contains(" failed, in "), "{told}");
}

#[test]
fn two_that_write_at_once_both_count() {
    let (folder, baselines) = empty();
    let watched = recorded(folder.path(), "a.jsonl", "canary", 1);
    let start = |service: &String| {
        Command::new(env!("CARGO_BIN_EXE_nova-gate"))
            .args(["baseline", "record", "--baselines", &baselines, "--service", service, &watched])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it can be started")
    };
    let services: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    let children: Vec<_> = services.iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let shown = stdout(&gate(&["baseline", "show", "--baselines", &baselines]));
    assert!(
        services.iter().all(|service| shown.contains(&format!("\n{service}: 1 of 168 hours"))),
        "{shown}"
    );
}

/// A check without a stable revision.
fn alone(baselines: &str, canary: &Exporter, more: &[&str]) -> (i32, Value, String) {
    let url = canary.url();
    let mut arguments = vec!["check", "--canary", &url, "--baselines", baselines, "--service", "api"];
    arguments.extend(["--every", "20ms", "--deadline", "600ms", "--format", "json"]);
    arguments.extend(more);
    let output = gate(&arguments);
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (code(&output), value, stderr(&output))
}

#[test]
fn a_check_without_stable_goes_by_the_baseline() {
    let folder = tempfile::tempdir().expect("a folder");
    let baselines = written(folder.path(), WEEK_MS, 1_000_000, 1_000);
    let (code, value, error) = alone(&baselines, &Exporter::new(Answer::Counts(500, 0)), &[]);
    assert_eq!(code, 0, "{}{error}", value["headline"]);
    assert_eq!((&value["baseline"]["used"], &value["baseline"]["known"]["weeks"]), (&true.into(), &2.into()));
    let (code, value, error) = alone(&baselines, &Exporter::new(Answer::Counts(500, 50)), &[]);
    assert_eq!(code, 12, "{}{error}", value["headline"]);
    assert!(
        value["headline"].as_str().is_some_and(|it| it.contains("worse than the baseline")),
        "{}",
        value["headline"]
    );
    let stale = written(folder.path(), 6 * WEEK_MS, 1_000_000, 1_000);
    let (code, value, error) = alone(&stale, &Exporter::new(Answer::Counts(500, 0)), &[]);
    assert_eq!((code, &value["baseline"]["used"]), (12, &false.into()), "{error}");
    assert!(
        value["headline"].as_str().is_some_and(|it| it.contains("stale, 42.0 d old")),
        "{}",
        value["headline"]
    );
    let exporter = Exporter::new(Answer::Counts(500, 0));
    let file = folder.path().join("gate.yaml");
    let text = format!(
        "service: api\ncanary: {{from: ['{}']}}\nbaselines: baselines.json\nevery: 20ms\n",
        exporter.url()
    );
    std::fs::write(&file, text).expect("written");
    written(folder.path(), WEEK_MS, 1_000_000, 1_000);
    let by_file = gate(&["check", &file.display().to_string(), "--deadline", "600ms"]);
    assert_eq!(by_file.status.code(), Some(0), "{}{}", stdout(&by_file), stderr(&by_file));
    assert!(stdout(&by_file).contains("  baseline "), "{}", stdout(&by_file));
}

#[test]
fn what_cannot_be_used_says_where_and_the_mend_and_ends_in_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("b.json");
    let path = file.display().to_string();
    let exporter = Exporter::new(Answer::Counts(500, 0));
    let good = std::fs::read_to_string(written(folder.path(), 0, 5_000, 1)).expect("it is there");
    let ahead = good.replace("\"recorded_ms\":", "\"recorded_ms\":9");
    for (text, place, message) in [
        ("{\n \"version\": 1,\n".to_owned(), ":3:", "EOF"),
        ("{\n \"version\": 2}".to_owned(), ":2:", "use the nova-gate that wrote it"),
        (good.replace("api", "web"), "", "there are those of: web"),
        (ahead, "", "a clock went back"),
    ] {
        std::fs::write(&file, text).expect("written");
        let (code, _, error) = alone(&path, &exporter, &[]);
        assert!(
            code == 2 && error.contains(message) && error.contains("mend: "),
            "{message}: {code} {error}"
        );
        assert!(error.starts_with(&format!("{path}{place}")), "{error}");
    }
    std::fs::remove_file(&file).expect("removed");
    let (code, _, error) = alone(&path, &exporter, &[]);
    assert!(code == 2 && error.contains("there is no such file"), "{error}");
    let other = recorded(folder.path(), "web.jsonl", "web", 1);
    let (code, _, error) = record(&path, &[&other]);
    assert!(code == 2 && error.contains("record of the service \"web\", not of \"api\""), "{error}");
    let future =
        std::fs::read_to_string(&other).expect("it is there").replace("\"began_ms\":", "\"began_ms\":9");
    std::fs::write(&other, future.replace("\"service\":\"web\"", "\"service\":\"api\"")).expect("written");
    let (code, _, error) = record(&path, &[&other]);
    assert!(code == 2 && error.contains("a clock went back"), "{error}");
    for (more, message) in [
        (vec![], "nothing to record"),
        (vec!["Cargo.toml"], "Cargo.toml:1:"),
        (vec!["--stable", "http://127.0.0.1:1/metrics"], "scraped for a while"),
        (vec!["--prometheus", "http://127.0.0.1:1", "--stable", "job"], "write labels"),
    ] {
        let (code, _, error) = record(&path, &more);
        assert!(code == 2 && error.contains(message), "{more:?}: {error}");
    }
    assert!(!file.exists(), "nothing was changed");
}
