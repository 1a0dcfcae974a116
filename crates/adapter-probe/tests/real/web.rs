//! HTTP, TCP and metrics.

use health::checks::{Expect, Kind, Outcome, url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{named, once, probe};

/// Answers each connection with the next of these bytes and closes it; without one it keeps silent.
async fn server(answers: Vec<Option<Vec<u8>>>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let serving = tokio::spawn(async move {
        let mut silent = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            match answer {
                Some(answer) => drop(stream.write_all(&answer).await),
                None => silent.push(stream),
            }
        }
        std::future::pending::<()>().await;
    });
    (address, serving)
}

fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}", body.len());
    format!("{head}\r\n\r\n{body}").into_bytes()
}

fn http(address: &str, expect: Expect) -> Kind {
    Kind::Http { url: url::read(&format!("http://{address}/health"), "/").expect("a URL"), expect }
}

#[tokio::test]
async fn an_answer_is_compared_with_what_is_expected() {
    let ok = || answer("200 OK", "application/json", r#"{"status": "ok"}"#);
    let plain = Expect::default;
    let contains = |text: &str| Expect { contains: Some(text.into()), ..plain() };
    let json = |want: &str| Expect { json: vec![("/status".into(), want.into())], ..plain() };
    for (given, expect, name) in [
        (ok(), plain(), "passed"),
        (answer("204 No Content", "text/plain", ""), plain(), "passed"),
        (ok(), contains("\"ok\""), "passed"),
        (ok(), json("ok"), "passed"),
        (
            answer("503 Service Unavailable", "text/plain", ""),
            Expect { status: Some(503), ..plain() },
            "passed",
        ),
        (answer("503 Service Unavailable", "text/plain", ""), plain(), "status"),
        (answer("302 Found", "text/plain", ""), plain(), "status"),
        (answer("302 Found", "text/plain", ""), Expect { redirects: true, ..plain() }, "passed"),
        (answer("399 Last", "text/plain", ""), Expect { redirects: true, ..plain() }, "passed"),
        (answer("400 Bad Request", "text/plain", ""), Expect { redirects: true, ..plain() }, "status"),
        (
            answer("302 Found", "text/plain", ""),
            Expect { redirects: true, status: Some(200), ..plain() },
            "status",
        ),
        (ok(), Expect { status: Some(204), ..plain() }, "status"),
        (ok(), contains("green"), "body"),
        (ok(), json("degraded"), "json"),
        (answer("200 OK", "text/html", "<html>"), json("ok"), "json"),
        (answer("200 OK", "text/plain", &"x".repeat(2 << 20)), plain(), "too_large"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), plain(), "protocol"),
        (Vec::new(), plain(), "lost"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut".to_vec(), plain(), "lost"),
    ] {
        let (address, serving) = server(vec![Some(given.clone())]).await;
        let found = once(http(&address, expect), 3_000).await;
        let text: String = String::from_utf8_lossy(&given).chars().take(60).collect();
        assert_eq!(
            found.as_ref().map_or_else(adapter_probe::Reason::name, |()| "passed"),
            name,
            "{text:?}: {found:?}"
        );
        serving.abort();
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_a_closed_port_at_once() {
    let (address, serving) = server(vec![None, None, None]).await;
    assert_eq!(named(http(&address, Expect::default()), 150).await, "deadline");
    let metrics = url::read(&format!("http://{address}"), "/metrics").expect("a URL");
    assert_eq!(
        named(Kind::Metrics { url: metrics, prefix: "a".into(), must_move: false }, 150).await,
        "deadline"
    );
    assert_eq!(named(Kind::Grpc { address: address.clone(), service: String::new() }, 150).await, "deadline");
    serving.abort();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("bound").to_string()
    };
    for kind in [
        Kind::Tcp { address: closed.clone() },
        http(&closed, Expect::default()),
        Kind::Grpc { address: closed.clone(), service: String::new() },
        Kind::Tcp { address: "nowhere.invalid:80".into() },
    ] {
        assert_eq!(named(kind.clone(), 10_000).await, "unreachable", "{kind:?}");
    }
}

#[tokio::test]
async fn a_listener_passes_as_tcp() {
    let (address, serving) = server(vec![None]).await;
    assert_eq!(named(Kind::Tcp { address }, 3_000).await, "passed");
    serving.abort();
}

#[tokio::test]
async fn metrics_must_be_there_and_move_between_two_tries() {
    let shown = |value: u32| {
        answer(
            "200 OK",
            "text/plain; version=0.0.4",
            &format!("# TYPE dwcp_streams gauge\ndwcp_streams {value}\n"),
        )
    };
    let html = answer("200 OK", "text/html", "dwcp_streams 1\n");
    let (address, serving) = server([shown(4), shown(4), shown(5), html].map(Some).into()).await;
    let url = url::read(&format!("http://{address}"), "/metrics").expect("a URL");
    let mut probe = probe(Kind::Metrics { url, prefix: "dwcp_".into(), must_move: true }, 3_000);
    assert!(matches!(probe.attempt().await, Outcome::Unproven(why) if why.starts_with("first_look")));
    assert!(matches!(probe.attempt().await, Outcome::Failed(why) if why.starts_with("still")));
    assert_eq!(probe.attempt().await, Outcome::Passed);
    assert!(matches!(probe.attempt().await, Outcome::Failed(why) if why.starts_with("not_an_exposition")));
    serving.abort();
}
