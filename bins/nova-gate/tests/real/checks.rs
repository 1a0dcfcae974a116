//! Health checks against a real NovaCron API, against what flaps and what hangs, and a newcomer's mistakes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::exporter::{Answer, Exporter};
use crate::{code, gate, stderr, stdout};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The API of the examples, built once beside this program.
fn api_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = Path::new(env!("CARGO_BIN_EXE_nova-gate"));
        let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        // Not by its package: then all that it shares with others would be built once more, with fewer features.
        build.current_dir(root()).args(["build", "--quiet", "--bin", "novacron-api-1-6-0"]);
        if own.parent().is_some_and(|folder| folder.ends_with("release")) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo can be started").success());
        own.with_file_name("novacron-api-1-6-0")
    })
}

/// A running API; killed with the test.
struct Api {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Api {
    fn start(fault: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(api_program());
        command.env_clear().env("PORT", "0").env("NOVACRON_DB", folder.path().join("vms.db"));
        command
            .env("NOVACRON_FAULT", fault)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address, folder }
    }

    /// The file of the examples, with the address of this one.
    fn file(&self) -> String {
        let text =
            std::fs::read_to_string(root().join("examples/novacron/checks.yaml")).expect("the example");
        let text = text.replace("localhost:8080", &self.address).replace("every: 1s", "every: 300ms");
        let path = self.folder.path().join("checks.yaml");
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_checks_of_the_design_pass_on_the_api_and_keep_passing() {
    let api = Api::start("none");
    let output = gate(&["checks", &api.file(), "--within", "40s", "--format", "json"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["verdict"], "passing");
    let rows = report["checks"].as_array().expect("a list");
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["application", "database", "cache", "dwcp", "metrics"]);
    assert!(rows.iter().all(|row| row["good_in_row"].as_u64() >= Some(2)), "{report}");
    let output = gate(&["checks", &api.file(), "--for", "5s"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).starts_with("PASSING  5 of 5 checks pass, after 5."), "{}", stdout(&output));
    assert!(stderr(&output).contains("first_look"), "{}", stderr(&output));
}

#[test]
fn an_api_that_fails_its_probe_fails_by_the_name_of_the_check() {
    let api = Api::start("probe");
    let output = gate(&["checks", &api.file(), "--for", "60s", "--grace", "0s", "--format", "junit"]);
    assert_eq!(code(&output), 10, "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("answered 503, 200 to 299 is expected"), "{}", stdout(&output));
    assert!(stdout(&output).contains("name=\"application\""), "{}", stdout(&output));
}

#[test]
fn what_is_not_there_fails_or_is_not_proven_within_its_grace() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").to_string();
    let fast = ["--every", "20ms", "--within", "600ms"];
    let output = gate(&[&["checks", "--tcp", &closed], &fast[..]].concat());
    assert_eq!(code(&output), 10, "{}", stdout(&output));
    assert!(stdout(&output).contains("unreachable: no connection"), "{}", stdout(&output));
    let output = gate(&[&["checks", "--tcp", &closed, "--grace", "1m"], &fast[..]].concat());
    assert_eq!(code(&output), 12, "{}", stdout(&output));
    assert!(stderr(&output).contains("in its grace, not counted"), "{}", stderr(&output));
}

/// A server that answers every second request with 503. It ends with the tests.
fn flapping() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/health", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for (at, mut stream) in listener.incoming().flatten().enumerate() {
            let _ = stream.read(&mut [0; 1024]);
            let status = if at % 2 == 0 { "200 OK" } else { "503 Service Unavailable" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    url
}

#[test]
fn what_flaps_never_passes_a_row_and_what_breaks_later_ends_a_watch() {
    let url = flapping();
    let asked = ["checks", "--http", &url, "--successes", "3", "--failures", "3"];
    let output = gate(&[&asked[..], &["--every", "30ms", "--within", "1500ms"]].concat());
    assert_eq!(code(&output), 12, "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("status: answered 503"), "{}", stderr(&output));
    let exporter = Exporter::new(Answer::Counts(500, 1));
    let (url, breaking) = (exporter.url(), exporter.clone());
    let breaker = std::thread::spawn(move || {
        breaking.scraped(5);
        breaking.becomes(Answer::Status(500));
    });
    let output = gate(&["checks", "--http", &url, "--every", "50ms", "--for", "60s"]);
    assert_eq!(code(&output), 10, "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("status: answered 500"), "{}", stdout(&output));
    breaker.join().expect("no panic");
}

#[test]
fn a_watch_that_is_interrupted_proves_nothing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-gate"));
    command.args(["checks", "--command", "true", "--every", "50ms", "--for", "60s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.contains("pass  command true"), "{line}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("sent").success());
    let output = child.wait_with_output().expect("ended");
    assert_eq!(code(&output), 12, "{}", stdout(&output));
    assert!(stdout(&output).contains("note  ended by an interruption"), "{}", stdout(&output));
}

#[test]
fn a_command_passes_or_says_its_exit_code() {
    let output = gate(&["checks", "--command", "true", "--within", "20s"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let output = gate(&["checks", "--command", "false", "--every", "10ms", "--within", "2s"]);
    assert_eq!(code(&output), 10, "{}", stdout(&output));
    assert!(stdout(&output).contains("exit: ended with exit code 1"), "{}", stdout(&output));
}

#[test]
fn the_likeliest_mistakes_on_the_line_say_the_mend() {
    for (arguments, message) in [
        (vec!["checks"], "nothing to check: give a file"),
        (vec!["checks", "--http", "https://a/health"], "https is not spoken"),
        (vec!["checks", "--http", "localhost:8080/health"], "begins with http://"),
        (vec!["checks", "--tcp", "http://localhost:80"], "without a scheme"),
        (vec!["checks", "--grpc", "localhost"], "has a port"),
        (vec!["checks", "--command", "curl a | grep b"], "no shell reads a command"),
        (vec!["checks", "--tcp", "a:1", "--within", "30"], "such as 15s"),
        (vec!["checks", "--tcp", "a:1", "--within", "3s", "--for", "3s"], "cannot be used with"),
        (vec!["checks", "--tcp", "a:1", "a:1"], "twice"),
        (vec!["checks", "nowhere.yaml"], "nowhere.yaml"),
    ] {
        let output = gate(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn the_likeliest_mistakes_in_a_file_have_their_place_and_mend() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.yaml");
    for (text, place, message) in [
        ("checks:\n  - name: a\n    htp: http://a/\n", ":3:5", "unknown field"),
        ("checks:\n  - name: a\n    http: https://a/\n", ":3:11", "https is not spoken"),
        ("checks:\n  - name: a\n    tcp: a:1\n    every: 5\n", ":4:12", "cannot be read"),
        ("checks:\n  - name: a\n    tcp: a:1\n    http: http://a/\n", ":2:5", "exactly one of"),
        ("checks:\n  - name: a\n    tcp: a:1\n  - name: a\n    tcp: a:2\n", ":4:11", "stands twice"),
        ("checks:\n  - name: a\n    tcp: a:1\n    prefix: dwcp_\n", ":4:13", "prefix is asked of metrics"),
        ("checks:\n  - name: a\n    tcp: a:1\n    failures: 0\n", ":4:15", "decide nothing"),
        ("checks:\n  - name: a\n    http: http://a/\n    json: {status: ok}\n", ":4:11", "begins with /"),
        ("checks:\n  - name: a\n", ":2:5", "exactly one of"),
        ("checks: []\n", ":1:9", "0 checks"),
    ] {
        std::fs::write(&path, text).expect("written");
        let output = gate(&["checks", &path.display().to_string()]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{text}: {}{said}", stdout(&output));
        assert!(said.contains(&format!("c.yaml{place}")), "{text}: {said}");
        assert!(said.contains(message) && said.contains("mend: "), "{text}: {said}");
    }
}
