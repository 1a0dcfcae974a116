//! Silences against an Alertmanager of a few lines that keeps what is posted, and one that misbehaves by script.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_alertmanager::{AlertmanagerSilences, OWNER};
use ports::{PortError, SilenceMatcher, Silences, Window};
use promql::GuardingAlert;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Kept = Arc<Mutex<Vec<Value>>>;

/// Head and body of one request.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&read).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn answered(kept: &Kept, head: &str, body: &[u8]) -> (u16, String) {
    let mut kept = kept.lock().expect("not poisoned");
    let mut words = head.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some("/api/v2/silences")) => (200, Value::Array(kept.clone()).to_string()),
        (Some("POST"), Some("/api/v2/silences")) => {
            let mut silence: Value = serde_json::from_slice(body).expect("JSON");
            let id = format!("id-{}", kept.len());
            silence["id"] = json!(id);
            silence["status"] = json!({"state": "active"});
            kept.push(silence);
            (200, json!({"silenceID": id}).to_string())
        }
        (Some("DELETE"), Some(path)) => {
            let found = kept.iter_mut().find(|it| path.ends_with(it["id"].as_str().unwrap_or_default()));
            match found {
                Some(silence) => {
                    silence["status"]["state"] = json!("expired");
                    (200, String::new())
                }
                None => (404, String::new()),
            }
        }
        _ => (405, String::new()),
    }
}

async fn alertmanager() -> (String, Kept) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let kept = Kept::default();
    let state = kept.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some((head, body)) = request(&mut stream).await {
                let (status, body) = answered(&state, &head, &body);
                let text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(text.as_bytes()).await;
            }
        }
    });
    (address, kept)
}

fn now() -> i64 {
    1_700_000_000_000
}

fn silences(address: &str) -> AlertmanagerSilences<fn() -> i64> {
    AlertmanagerSilences::new(address, vec![GuardingAlert::named("HighErrorRate")], now)
}

fn window(run: &str) -> Window {
    let matcher =
        SilenceMatcher { label: "alertname".into(), value: "Slow".into(), regex: false, equal: true };
    Window { run: run.into(), matchers: vec![matcher], lasts_ms: 60_000, comment: "a deployment".into() }
}

fn states(kept: &Kept) -> Vec<String> {
    let kept = kept.lock().expect("not poisoned");
    kept.iter().map(|it| it["status"]["state"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn the_contract_of_silences_is_kept() {
    let (address, _) = alertmanager().await;
    let guard =
        SilenceMatcher { label: "alertname".into(), value: "High.*".into(), regex: true, equal: true };
    ports::contract::silences::silences(&silences(&address), guard).await.expect("kept");
}

#[tokio::test]
async fn a_silence_has_end_comment_and_owner() {
    let (address, kept) = alertmanager().await;
    silences(&address).place(&window("r-1")).await.expect("placed");
    let posted = kept.lock().expect("not poisoned")[0].clone();
    assert_eq!(posted["startsAt"], "2023-11-14T22:13:20.000Z");
    assert_eq!(posted["endsAt"], "2023-11-14T22:14:20.000Z");
    assert_eq!(posted["createdBy"], OWNER);
    assert_eq!(posted["comment"], "a deployment [novacron-delivery run=r-1]");
    assert_eq!(
        posted["matchers"],
        json!([{"name": "alertname", "value": "Slow", "isRegex": false, "isEqual": true}])
    );
}

#[tokio::test]
async fn what_a_crash_has_left_is_found_by_the_next_one_and_what_others_placed_is_left() {
    let (address, kept) = alertmanager().await;
    silences(&address).place(&window("r-1")).await.expect("placed");
    let mut foreign = kept.lock().expect("not poisoned")[0].clone();
    foreign["createdBy"] = json!("somebody");
    foreign["id"] = json!("foreign");
    kept.lock().expect("not poisoned").push(foreign);
    let next = silences(&address);
    let left: Vec<_> = next.standing().await.expect("listed").into_iter().map(|it| it.run).collect();
    assert_eq!(left, ["r-1"]);
    assert_eq!(next.lift("r-1").await, Ok(1));
    assert_eq!(states(&kept), ["expired", "active"]);
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_by_name() {
    let bad = json!([{"id": "1", "status": {"state": "active"}, "matchers": [], "endsAt": "soon",
                      "createdBy": OWNER, "comment": "x [novacron-delivery run=r]"}]);
    for (answer, unreachable, message) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_owned(),
            false,
            "alertmanager: expected value",
        ),
        ("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n".to_owned(), false, "answered 404"),
        (
            "HTTP/1.1 503 x\r\ncontent-length: 4\r\n\r\nbusy".to_owned(),
            true,
            "answered 503 Service Unavailable: busy",
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5 << 20)), false, "over 4194304 bytes"),
        (format!("HTTP/1.1 200 OK\r\n\r\n{bad}"), false, "\"soon\" is no time"),
        (String::new(), true, "alertmanager: send"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = request(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let error = silences(&address).place(&window("r")).await.expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(matches!(error, PortError::Unreachable(_)), unreachable, "{error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let hanging = silences(&address).with_deadline(Duration::from_millis(60));
    let error = hanging.standing().await.expect_err("hangs");
    assert!(error.to_string().contains("no whole answer in 60 ms"), "{error}");
}
