//! The generator against servers that answer by script.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use load::generate::generate;
use load::options::Options;
use load::summary::Summary;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with one connection.
#[derive(Clone, Copy)]
enum Script {
    /// Answers each request after a while.
    After(Duration, &'static str),
    /// Answers the first request of a connection and hangs up on the second.
    HangUpOnSecond,
    /// Never answers.
    Silent,
}

const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-nova-revision: r-a\r\nx-novacron-version: 1.6.0\r\n\r\nhi";
const BAD: &str = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nx-nova-revision: r-b\r\n\r\n";
const CLOSE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Reads one whole request; false when the client has hung up.
async fn request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| length.parse() == Ok(body.len())) {
                return true;
            }
        }
        let mut part = [0; 1024];
        match stream.read(&mut part).await {
            Ok(count) if count > 0 => read.extend_from_slice(&part[..count]),
            _ => return false,
        }
    }
}

async fn serve(mut stream: TcpStream, script: Script) {
    let mut served = 0;
    while request(&mut stream).await {
        let (pause, answer) = match script {
            Script::After(pause, answer) => (pause, answer),
            Script::HangUpOnSecond if served > 0 => return,
            Script::HangUpOnSecond => (Duration::ZERO, OK),
            Script::Silent => std::future::pending().await,
        };
        // No wait of the test: this server is as slow as its script says.
        tokio::time::sleep(pause).await;
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        served += 1;
    }
}

async fn server(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, script));
        }
    });
    url
}

async fn run(url: &str, arguments: &[&str]) -> Summary {
    let base = ["load", "--url", url];
    let options = Options::try_parse_from(base.iter().chain(arguments)).expect("options");
    generate(options, std::future::pending()).await.expect("a run")
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn slow_answers_do_not_slow_the_rate() {
    let url = server(Script::After(Duration::from_millis(600), OK)).await;
    let begun = Instant::now();
    let summary = run(&url, &["--rate", "200", "--for", "1s"]).await;
    assert_eq!((summary.sent, summary.ok, summary.failed), (200, 200, 0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(summary.p50_ms.is_some_and(|ms| ms >= 590.0), "{summary:?}");
    assert_eq!((summary.by_revision["r-a"], summary.by_version["1.6.0"]), (200, 200));
}

#[tokio::test]
async fn what_cannot_be_sent_and_what_is_not_answered_is_recorded() {
    let url = server(Script::Silent).await;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("failed.jsonl");
    let out = out.to_str().expect("text");
    let arguments = ["--rate", "100", "--for", "200ms", "--in-flight", "5", "--timeout", "3s", "--out", out];
    let summary = run(&url, &arguments).await;
    assert_eq!((summary.sent, summary.not_sent, summary.failed, summary.ok), (5, 15, 20, 0));
    let lines = lines(Path::new(out));
    let errors = |begins: &str| {
        lines
            .iter()
            .filter(|line| line["error"].as_str().is_some_and(|error| error.starts_with(begins)))
            .count()
    };
    assert_eq!((errors("not sent"), errors("timeout")), (15, 5));
    assert_eq!(summary.first_failure, lines.iter().map(|line| line["due_ms"].as_u64()).min().flatten());
    assert!(
        lines
            .iter()
            .all(|line| line["path"] == "/api/v1/vms/1" && line["at_ms"].as_u64() >= line["due_ms"].as_u64())
    );
}

#[tokio::test]
async fn a_read_on_a_connection_that_was_just_closed_is_sent_once_more() {
    let url = server(Script::HangUpOnSecond).await;
    let summary = run(&url, &["--rate", "50", "--for", "400ms"]).await;
    assert_eq!((summary.sent, summary.ok, summary.failed), (20, 20, 0), "{summary:?}");
    assert!(summary.retried > 0, "{summary:?}");
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let url = server(Script::HangUpOnSecond).await;
    let summary = run(&url, &["--rate", "50", "--for", "400ms", "--writes", "1"]).await;
    assert_eq!((summary.sent, summary.retried), (20, 0));
    assert!(summary.failed > 0 && summary.failed + summary.ok == 20, "{summary:?}");
}

#[tokio::test]
async fn server_errors_are_recorded_with_who_answered() {
    let url = server(Script::After(Duration::ZERO, BAD)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("failed.jsonl");
    let arguments =
        ["--rate", "100", "--for", "100ms", "--path", "/a?b=1", "--out", out.to_str().expect("text")];
    let summary = run(&url, &arguments).await;
    assert_eq!((summary.failed, summary.by_revision["r-b"]), (10, 10));
    for line in lines(&out) {
        assert_eq!(
            (&line["status"], &line["revision"], &line["path"]),
            (&500.into(), &"r-b".into(), &"/a?b=1".into())
        );
        assert!(line.get("error").is_none());
    }
}

#[tokio::test]
async fn a_server_that_closes_each_connection_costs_no_request() {
    let url = server(Script::After(Duration::ZERO, CLOSE)).await;
    let summary = run(&url, &["--rate", "200", "--for", "500ms", "--writes", "0.5"]).await;
    assert_eq!((summary.ok, summary.failed), (100, 0), "{summary:?}");
}

#[tokio::test]
async fn nobody_there_is_a_failure_of_every_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let summary = run(&url, &["--rate", "100", "--for", "100ms"]).await;
    assert_eq!((summary.sent, summary.failed, summary.ok), (10, 10, 0));
}
