//! Both programs as processes: how they end, what they print, what they refuse.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn load() -> Command {
    piped(env!("CARGO_BIN_EXE_load"))
}

fn sink() -> Command {
    piped(env!("CARGO_BIN_EXE_webhook-sink"))
}

fn piped(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn terminate(child: &Child) {
    let pid = i32::try_from(child.id().expect("running")).expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("signalled");
}

async fn output(mut command: Command) -> Output {
    timeout(PATIENCE, command.output()).await.expect("in time").expect("ended")
}

async fn summary(child: Child) -> Value {
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("in time").expect("ended");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// A server that answers everything; resolves when it has seen a request.
async fn server() -> (String, tokio::sync::oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (seen, saw) = tokio::sync::oneshot::channel();
    let mut seen = Some(seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.take().map(|seen| seen.send(()));
            tokio::spawn(async move {
                let mut part = [0; 4096];
                while stream.read(&mut part).await.is_ok_and(|count| count > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            });
        }
    });
    (url, saw)
}

#[tokio::test]
async fn sigterm_ends_the_load_with_a_summary() {
    let (url, saw) = server().await;
    let child = load().args(["--url", &url, "--rate", "100", "--for", "1h"]).spawn().expect("started");
    timeout(PATIENCE, saw).await.expect("in time").expect("a request");
    terminate(&child);
    let summary = summary(child).await;
    assert!(summary["sent"].as_u64() >= Some(1) && summary["failed"] == 0, "{summary}");
    assert_eq!(summary["sent"], summary["ok"]);
}

#[tokio::test]
async fn the_stop_file_ends_the_load() {
    let (url, saw) = server().await;
    let folder = tempfile::tempdir().expect("a folder");
    let stop = folder.path().join("stop");
    let mut command = load();
    command.args(["--url", &url, "--rate", "100", "--for", "1h", "--stop-file"]).arg(&stop);
    let child = command.spawn().expect("started");
    timeout(PATIENCE, saw).await.expect("in time").expect("a request");
    std::fs::write(&stop, "").expect("written");
    assert_eq!(summary(child).await["failed"], 0);
    let again = output(command).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));
}

#[tokio::test]
async fn bad_arguments_are_exit_2_with_the_reason() {
    for (arguments, told) in [
        (&["--url", "https://a", "--rate", "1"][..], "https is not supported"),
        (&["--url", "http://a", "--rate", "fast"], "requests per second"),
        (&["--url", "http://a"], "--rate"),
        (&["--url", "http://a", "--rate", "1", "--out", "/no/such/folder/f"], "--out /no/such/folder/f"),
    ] {
        let mut command = load();
        command.args(arguments);
        let output = output(command).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && text.contains(told), "{arguments:?}: {text}");
    }
    let mut command = sink();
    command.args(["--port", "0", "--out", "/no/such/folder/f"]);
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn help_has_examples() {
    for mut command in [load(), sink()] {
        command.arg("--help");
        let output = output(command).await;
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("Examples:"));
    }
}

async fn started_sink(out: &Path) -> (Child, String) {
    let mut child = sink().args(["--port", "0", "--out"]).arg(out).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    let address = line.strip_prefix("webhook-sink listening on http://").expect("an address").to_owned();
    (child, address)
}

async fn say(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let length = body.len();
    let request = format!("{head} / HTTP/1.1\r\nhost: sink\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("answered");
    answer
}

#[tokio::test]
async fn the_sink_keeps_each_notice_as_one_line_and_refuses_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("notices.jsonl");
    let (mut child, address) = started_sink(&out).await;
    let huge = format!("\"{}\"", "x".repeat(70_000));
    for (head, body, status) in [
        ("POST", "{\n  \"title\": \"one\\ntwo\"\n}", "204"),
        ("POST", "not JSON", "400"),
        ("POST", huge.as_str(), "413"),
        ("GET", "", "405"),
        ("POST", "[2]", "204"),
    ] {
        let answer = say(&address, head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
    terminate(&child);
    let status = timeout(PATIENCE, child.wait()).await.expect("in time").expect("ended");
    assert_eq!(status.code(), Some(0));
    let kept = std::fs::read_to_string(&out).expect("readable");
    let kept: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(kept, [json!({"title": "one\ntwo"}), json!([2])]);
}
