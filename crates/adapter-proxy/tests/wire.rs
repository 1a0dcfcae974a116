//! The splitter on real sockets: raw bytes in, raw bytes out, with instances that misbehave.

use std::time::Duration;

use adapter_proxy::{Counted, Limits, Splitter, serve};
use supervise::{Generation, RevisionId, Share, Table, Upstream, Weight};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// An instance that answers every request of every connection with these bytes; it closes after `per_connection`.
async fn instance(answer: &'static str, per_connection: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                for _ in 0..per_connection {
                    let head = read_head(&mut stream).await;
                    if head.is_empty() {
                        return;
                    }
                    let answer = answer.replace("ECHO", &format!("{:?}", head.to_lowercase()));
                    let answer = match answer.split_once("\r\n\r\n") {
                        Some((head, body)) => {
                            format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                        }
                        None => answer,
                    };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    port
}

async fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return String::new();
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A port on which nobody listens.
async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

fn table(shares: &[(&str, u8, &[u16])]) -> Table {
    let share = |(name, weight, ports): &(&str, u8, &[u16])| Share {
        revision: RevisionId::new(*name),
        weight: Weight::new(*weight).unwrap(),
        upstreams: ports
            .iter()
            .enumerate()
            .map(|(slot, port)| Upstream { slot: slot as u32, incarnation: u32::from(*port), port: *port })
            .collect(),
    };
    Table { generation: Generation(1), shares: shares.iter().map(share).collect() }
}

async fn splitter(limits: Limits, shares: &[(&str, u8, &[u16])]) -> (Splitter, u16) {
    let splitter = Splitter::new(limits);
    splitter.swap(&table(shares));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, splitter.clone(), std::future::pending()));
    (splitter, port)
}

/// Sends these bytes on a connection of their own and reads until it is closed.
async fn talk(port: u16, request: &str) -> String {
    let talked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    timeout(PATIENCE, talked)
        .await
        .unwrap_or_else(|_| panic!("the connection stays open after {request:.120}"))
}

async fn get(port: u16) -> String {
    talk(port, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await
}

fn counted(splitter: &Splitter, name: &str) -> Counted {
    let all = splitter.counted();
    all.into_iter().find(|(id, _)| id.as_str() == name).map(|(_, counted)| counted).unwrap_or_default()
}

#[tokio::test]
async fn headers_of_one_connection_end_here_and_the_client_is_named() {
    let up =
        instance("HTTP/1.1 200 OK\r\nconnection: x-own\r\nx-own: 1\r\nkeep-alive: timeout=5\r\n\r\nECHO", 9)
            .await;
    let (_, port) = splitter(Limits::default(), &[("r-a", 100, &[up])]).await;
    let request = "GET /p?q=1 HTTP/1.1\r\nhost: shop\r\nconnection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\nx-end: 2\r\n\r\n";
    let answer = talk(port, request).await;
    for there in [
        "get /p?q=1 http/1.1",
        "host: shop",
        "x-end: 2",
        "x-forwarded-for: 127.0.0.1",
        "x-nova-revision: r-a",
    ] {
        assert!(answer.contains(there), "{there} in {answer}");
    }
    for gone in ["x-hop: 1", "te: trailers", "x-own: 1", "keep-alive: timeout"] {
        assert!(!answer.contains(gone), "{gone} in {answer}");
    }
}

#[tokio::test]
async fn a_refused_connection_counts_against_its_revision_and_the_request_goes_on() {
    let (up, dead) = (instance("HTTP/1.1 200 OK\r\n\r\nfine", 9).await, nobody().await);
    let (splitter, port) = splitter(Limits::default(), &[("r-a", 50, &[up]), ("r-b", 50, &[dead])]).await;
    for _ in 0..10 {
        let answer = get(port).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-nova-revision: r-a"), "{answer}");
    }
    let (a, b) = (counted(&splitter, "r-a"), counted(&splitter, "r-b"));
    assert_eq!((a.requests, a.failures), (10, 0));
    assert_eq!((b.requests, b.failures, b.server_errors), (5, 5, 0));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_loses_no_request() {
    let up = instance("HTTP/1.1 200 OK\r\n\r\nfine", 1).await;
    let (splitter, port) = splitter(Limits::default(), &[("r-a", 100, &[up])]).await;
    for _ in 0..50 {
        assert!(get(port).await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(counted(&splitter, "r-a").failures, 0);
}

#[tokio::test]
async fn what_cannot_be_answered_gets_one_clear_line_and_is_counted() {
    let (broken, silent, bad) = (
        instance("", 1).await,
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        instance("HTTP/1.1 500 No\r\n\r\nbad", 9).await,
    );
    let limits = Limits { answer: Duration::from_millis(100), ..Limits::default() };
    let silent_port = silent.local_addr().unwrap().port();
    for (name, up, status) in [
        ("r-none", None, "503"),
        ("r-dead", Some(nobody().await), "502"),
        ("r-broken", Some(broken), "502"),
        ("r-silent", Some(silent_port), "504"),
        ("r-bad", Some(bad), "500"),
    ] {
        let ups: Vec<u16> = up.into_iter().collect();
        let (splitter, port) = splitter(limits, &[(name, 100, &ups)]).await;
        let answer = get(port).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
        let seen = counted(&splitter, name);
        let expected = match name {
            "r-none" => (0, 0, 0),
            "r-bad" => (1, 1, 0),
            _ => (1, 0, 1),
        };
        assert_eq!((seen.requests, seen.server_errors, seen.failures), expected, "{name}");
    }
}

#[tokio::test]
async fn smuggled_and_oversized_requests_are_refused() {
    let up = instance("HTTP/1.1 200 OK\r\n\r\nECHO", 9).await;
    let (splitter, port) = splitter(Limits::default(), &[("r-a", 100, &[up])]).await;
    let big = "x".repeat(100 * 1024);
    for request in [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\nabc".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\nabc".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {big}\r\n\r\n"),
    ] {
        let answer = talk(port, &request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(counted(&splitter, "r-a").requests, 0, "none of them reached an instance");
    let upgrade = "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n\r\n";
    assert!(talk(port, upgrade).await.starts_with("HTTP/1.1 501"));
}

#[tokio::test]
async fn a_body_is_passed_on_and_the_kept_connections_serve_many_requests() {
    let up = instance("HTTP/1.1 200 OK\r\n\r\nECHO", 1000).await;
    let (splitter, port) = splitter(Limits::default(), &[("r-a", 100, &[up])]).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for _ in 0..100 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let head = timeout(PATIENCE, read_head(&mut stream)).await.unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    assert_eq!(counted(&splitter, "r-a").requests, 100);
    assert!(splitter.rested(u32::from(up), PATIENCE).await);
}
