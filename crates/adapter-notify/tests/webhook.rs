//! The webhook against a server that answers by script.

use std::time::{Duration, Instant};

use adapter_notify::Webhook;
use ports::{Notice, Notices, PortError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

fn notice() -> Notice {
    Notice {
        severity: "critical".into(),
        title: "back to \"stable\"".into(),
        text: "rule error-rate\n12 % since 09:00".into(),
        run: "run-1".into(),
    }
}

/// Takes one connection, reads one whole request, answers, and gives back what it read.
async fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook?x=1", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).ends_with('}') {
            let mut part = [0; 1024];
            let count = stream.read(&mut part).await.expect("bytes");
            assert!(count > 0, "closed early");
            read.extend_from_slice(&part[..count]);
        }
        stream.write_all(answer.as_bytes()).await.expect("written");
        String::from_utf8(read).expect("text")
    });
    (url, task)
}

#[tokio::test]
async fn a_notice_is_posted_as_json() {
    let (url, task) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    Webhook::new(&url).expect("a URL").send(&notice()).await.expect("sent");
    let request = task.await.expect("served");
    let (head, body) = request.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let host = url.trim_start_matches("http://").trim_end_matches("/hook?x=1");
    assert!(head.contains(&format!("host: {host}")), "{head}");
    assert_eq!(serde_json::from_str::<Notice>(body).expect("JSON"), notice());
}

#[tokio::test]
async fn an_answer_other_than_2xx_is_an_error() {
    for (answer, refused) in [
        ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", false),
        ("what?\r\n\r\n", false),
    ] {
        let (url, task) = server(answer).await;
        let error = Webhook::new(&url).expect("a URL").send(&notice()).await.expect_err(answer);
        assert_eq!(matches!(error, PortError::Refused(_)), refused, "{answer}: {error}");
        task.await.expect("served");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_only_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let begun = Instant::now();
    let webhook = Webhook::new(&url).expect("a URL").with_deadline(Duration::from_millis(80));
    let error = webhook.send(&notice()).await.expect_err("no answer");
    assert!(matches!(&error, PortError::Unreachable(why) if why.contains("80 ms")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    drop(listener);
    let error = Webhook::new(&url).expect("a URL").send(&notice()).await.expect_err("nobody");
    assert!(matches!(error, PortError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn the_contract_of_notices_is_kept() {
    let (url, task) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    let hook = Webhook::new(&url).expect("a URL");
    let arrived = async || {
        let request = task.await.expect("served");
        serde_json::from_str(request.split_once("\r\n\r\n")?.1).ok()
    };
    ports::contract::notices::notices(&hook, arrived).await.expect("kept");
    ports::contract::notices::nobody_there(&Webhook::new("http://127.0.0.1:1/").expect("a URL"))
        .await
        .expect("kept");
}
