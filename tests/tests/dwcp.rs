//! The conformance harness from outside: skeletons of adapters, exit codes, replay, a baseline, a served adapter.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use delivery_tests::programs;
use serde_json::Value;

const WITHIN: Duration = Duration::from_secs(100);

struct Said {
    code: i32,
    text: String,
}

/// Runs the harness with these words.
fn harness(words: &[&str]) -> Said {
    let mut command = Command::new(programs::folder().unwrap().join("dwcp-conformance"));
    let output = programs::run(command.args(words), WITHIN).unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Said { code: output.status.code().unwrap_or(-1), text }
}

fn reference() -> String {
    programs::folder().unwrap().join("reference-sut").display().to_string()
}

fn example(path: &str) -> String {
    programs::root().join("examples").join(path).display().to_string()
}

/// A skeleton keeps to the protocol, passes its four requirements, and skips the others.
fn skeleton(adapter: &[&str]) {
    let words = |first: &[&'static str]| -> Vec<String> {
        first.iter().copied().chain(["--"]).chain(adapter.iter().copied()).map(str::to_owned).collect()
    };
    let ask = |first: &[&'static str]| {
        let words = words(first);
        harness(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let said = ask(&["check-adapter"]);
    assert_eq!(said.code, 0, "{}", said.text);
    let said = ask(&["run", "--profile", "amst", "--quick", "--allow-must-skips"]);
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("4 pass   0 fail  16 skip   0 error"), "{}", said.text);
    // Whoever skips a MUST does not conform unless that is allowed, and a profile that nobody declares is not assessed.
    assert_eq!(ask(&["run", "--profile", "amst", "--quick"]).code, 10);
    let said = ask(&["run", "--profile", "hde", "--quick", "--allow-must-skips"]);
    assert!(said.code == 10 && said.text.contains("hde             not assessed"), "{}", said.text);
}

#[test]
fn the_python_skeleton_is_sane() {
    skeleton(&["python3", &example("adapter-python/adapter.py")]);
}

#[test]
fn the_go_skeleton_is_sane() {
    if Command::new("go").arg("version").output().is_err() {
        println!("not run: there is no go");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("adapter");
    let mut build = Command::new("go");
    build.current_dir(example("adapter-go")).args(["build", "-o"]).arg(&built).arg(".");
    build.env("GOCACHE", folder.path().join("cache")).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    let output = programs::run(&mut build, WITHIN).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    skeleton(&[&built.display().to_string()]);
}

#[test]
fn a_reader_who_left_stops_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let mut command = Command::new(programs::folder().unwrap().join("dwcp-conformance"));
    command.args([
        "run",
        "--quick",
        "--profile",
        "amst",
        "--only",
        "AMST-012",
        "--only",
        "AMST-015",
        "--report",
    ]);
    command.arg(&report).args(["--", &reference()]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(programs::wait(&mut child, WITHIN).and_then(|status| status.code()), Some(0));
    assert!(report.is_file());
}

#[test]
fn wrong_words_are_2_and_name_the_mend() {
    for (words, mend) in [
        (&["run", "--profile", "none", "--", "true"][..], "there are: all amst"),
        (&["run", "--profile", "hde"], "put it after --"),
        (&["explain", "HDE-099"], "dwcp-conformance list names them"),
        (
            &["run", "--profile", "hde", "--report", "a.txt", "--", "true"],
            ".json, .xml, .sarif, .md or .html",
        ),
        (&["run", "--profile", "hde", "--only", "AMST-001", "--", "true"], "is of profile amst"),
        (&["diff", "Cargo.toml", "Cargo.toml"], "no report"),
        (&["run", "--profile", "hde", "--", "no-such-program"], "give its path, as in -- ./adapter"),
        (&["check-adapter", "--", "target/no-such-adapter"], "build it first"),
    ] {
        let said = harness(words);
        assert!(said.code == 2 && said.text.contains(mend), "{words:?}: {} {}", said.code, said.text);
    }
}

#[test]
fn what_cannot_be_started_is_an_error_and_does_not_conform() {
    let no_program = programs::root().join("Cargo.toml").display().to_string();
    let said = harness(&["run", "--profile", "hde", "--only", "HDE-010", "--", &no_program]);
    assert_eq!(said.code, 10, "{}", said.text);
    assert!(said.text.contains("ERROR") && said.text.contains("Cargo.toml"), "{}", said.text);
}

fn reports(folder: &tempfile::TempDir, name: &str, mutant: Option<&str>) -> (PathBuf, i32) {
    let file = folder.path().join(name);
    let (path, sut) = (file.display().to_string(), reference());
    let mut words = vec![
        "run",
        "--profile",
        "hde",
        "--quick",
        "--only",
        "HDE-005",
        "--only",
        "HDE-010",
        "--report",
        &path,
    ];
    words.extend(["--", sut.as_str()]);
    words.extend(mutant.iter().flat_map(|name| ["--mutant", name]));
    let said = harness(&words);
    (file, said.code)
}

#[test]
fn a_fault_is_10_and_worse_than_the_baseline_and_every_form_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (good, code) = reports(&folder, "good.json", None);
    assert_eq!(code, 0);
    let (bad, code) = reports(&folder, "bad.json", Some("hde-escapes"));
    assert_eq!(code, 10);
    let (good, bad) = (good.display().to_string(), bad.display().to_string());
    assert_eq!(harness(&["diff", &good, &good]).code, 0);
    let said = harness(&["diff", &good, &bad]);
    assert!(said.code == 10 && said.text.contains("HDE-010   worse  PASS -> FAIL"), "{}", said.text);
    assert_eq!(harness(&["diff", &bad, &good]).code, 0);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&bad).unwrap()).unwrap();
    assert_eq!(report["verdicts"]["cases"][1]["verdict"], "FAIL");
    for (name, mark) in
        [("r.xml", "<failure"), ("r.sarif", "\"2.1.0\""), ("r.md", "| HDE-010 |"), ("r.html", "<html")]
    {
        let (file, _) = reports(&folder, name, Some("hde-escapes"));
        assert!(std::fs::read_to_string(file).unwrap().contains(mark), "{name}");
    }
}

#[test]
fn a_replay_shows_the_smallest_part_that_fails_and_every_line_of_it() {
    let sut = reference();
    let said = harness(&["replay", "HDE-009", "--quick", "--", &sut, "--mutant", "hde-unsealed-none"]);
    assert_eq!(said.code, 10, "{}", said.text);
    assert!(said.text.contains("fails alone"), "{}", said.text);
    assert!(said.text.contains("> {\"id\":") && said.text.contains("hde.decode"), "{}", said.text);
    assert_eq!(harness(&["replay", "HDE-009", "--quick", "--", &sut]).code, 0);
}

#[test]
fn requirements_are_listed_and_explained() {
    let said = harness(&["list", "--profile", "amst"]);
    assert_eq!((said.code, said.text.lines().count()), (0, 20), "{}", said.text);
    let said = harness(&["explain", "hde-004"]);
    assert!(said.code == 0 && said.text.contains("baseline_missing"), "{}", said.text);
    let schema: Value = serde_json::from_str(&harness(&["schema"]).text).unwrap();
    assert_eq!(schema["properties"]["schema"]["const"], "dwcp-conformance-report/1");
}

/// Serves the reference there, runs one case over it, ends the server by its process id.
fn served(words: &[&str], connect: impl Fn(&str) -> String) {
    use std::io::{BufRead, BufReader};
    let mut server = Command::new(programs::folder().unwrap().join("dwcp-conformance"));
    server.arg("serve").args(words).arg("--").arg(reference()).stdout(std::process::Stdio::piped());
    let mut server = server.spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let place = connect(ready.trim());
    let said = harness(&[
        "run",
        "--profile",
        "hde",
        "--quick",
        "--only",
        "HDE-005",
        "--only",
        "HDE-013",
        "--connect",
        &place,
    ]);
    programs::signal(server.id(), "TERM", false);
    let ended = programs::wait(&mut server, Duration::from_secs(10));
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(ended.and_then(|status| status.code()), Some(130));
}

#[test]
fn an_adapter_is_served_over_a_socket_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s").display().to_string();
    let said = |ready: &str| ready.trim_start_matches("--connect ").to_owned();
    served(&["--socket", &path], said);
    served(&["--http", "127.0.0.1:0"], said);
}
