//! The query API, the port over a server, JSON by HTTP and scraped targets, against a server that answers by script.

use std::time::{Duration, Instant};

use adapter_prometheus::Source;
use adapter_prometheus::answer::AnswerError;
use adapter_prometheus::collect::{Keeper, collect};
use adapter_prometheus::config::Config;
use adapter_prometheus::query::{QueryClient, QueryError};
use adapter_prometheus::server::{Family, ServerMetrics};
use adapter_prometheus::web::{Pointers, WebMetrics};
use exposition::Limits;
use ports::{Metrics, PortError};
use promql::{Labels, Options, Store, evaluate, parse};
use supervise::RevisionId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

fn http(status: &str, head: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}", body.len())
}

const ONE: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[5,"7"]}]}}"#;

/// Serves the answers in order, one a connection, and gives back the paths that were asked for. An empty answer hangs up.
async fn serving(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let server = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                read.push(stream.read_u8().await.expect("a request"));
            }
            let head = String::from_utf8_lossy(&read).into_owned();
            asked.push(head.split(' ').nth(1).unwrap_or_default().to_owned());
            // The client may hang up as soon as it has seen enough.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        asked
    });
    (address, server)
}

async fn ask(answers: Vec<String>) -> (Result<f64, QueryError>, Vec<String>) {
    let (address, server) = serving(answers).await;
    let client = QueryClient::new(Source::Tcp(address)).with_bytes(10_000);
    let answer = client.instant("a{b=\"c d\"} + 1", Some(1_500)).await;
    (answer.map(|answer| answer.series[0].samples[0].1), server.await.expect("served"))
}

#[tokio::test]
async fn a_query_is_encoded_and_answered() {
    let (answer, asked) = ask(vec![http("200 OK", "", ONE)]).await;
    assert_eq!(answer, Ok(7.0));
    assert_eq!(asked, ["/api/v1/query?query=a%7Bb%3D%22c%20d%22%7D%20%2B%201&time=1.5&timeout=5s"]);
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_the_pause_is_obeyed() {
    for first in [
        http("503 Service Unavailable", "", "busy"),
        http("429 Too Many Requests", "retry-after: 0\r\n", ""),
        http("504 Gateway Timeout", "", "<html>"),
        String::new(),
    ] {
        let (answer, asked) = ask(vec![first, http("200 OK", "", ONE)]).await;
        assert_eq!((answer, asked.len()), (Ok(7.0), 2));
    }
    let busy = http("503 Service Unavailable", "", "");
    let (answer, _) = ask(vec![busy.clone(), busy.clone(), busy]).await;
    assert_eq!(answer, Err(QueryError::Busy { status: 503, tries: 3 }));
    let long = http("503 Service Unavailable", "retry-after: 18446744073709551615\r\n", "");
    let begun = Instant::now();
    let (answer, _) = ask(vec![long]).await;
    assert!(
        matches!(&answer, Err(QueryError::TimedOut { tries: 1, last, .. }) if last.contains("503")),
        "{answer:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(2), "a pause past the deadline is not waited for");
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once_and_named() {
    let said = |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"why"}}"#);
    let error = |kind: &str| {
        QueryError::Answer(AnswerError::Said { kind: kind.to_owned(), message: "why".to_owned() })
    };
    for (answer, expected) in [
        (http("400 Bad Request", "", &said("bad_data")), error("bad_data")),
        (http("422 Unprocessable", "", &said("execution")), error("execution")),
        (http("200 OK", "", &said("timeout")), error("timeout")),
        (http("404 Not Found", "", "nothing"), QueryError::Status(404)),
        (http("302 Found", "location: /\r\n", ""), QueryError::Status(302)),
    ] {
        let (got, asked) = ask(vec![answer]).await;
        assert_eq!((got, asked.len()), (Err(expected), 1));
    }
    let (html, _) = ask(vec![http("200 OK", "content-type: text/html\r\n", "<html>sign in</html>")]).await;
    assert!(matches!(html, Err(QueryError::Answer(AnswerError::Malformed(_)))), "{html:?}");
    let (huge, _) = ask(vec![http("200 OK", "", &"x".repeat(10_001))]).await;
    assert!(matches!(&huge, Err(QueryError::TooLarge(why)) if why.contains("`bytes`")), "{huge:?}");
    let client = QueryClient::new(Source::Tcp("127.0.0.1:1".into()));
    assert_eq!(client.instant(&"a".repeat(20_000), None).await, Err(QueryError::LongQuery(16_384)));
}

#[tokio::test]
async fn a_server_that_hangs_costs_only_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let client = QueryClient::new(Source::Tcp(address)).with_patience(Duration::from_millis(80), 3);
    let begun = Instant::now();
    let answer = client.range("a", 0, 1_000, 500).await;
    assert!(matches!(answer, Err(QueryError::TimedOut { ms: 80, tries: 1, .. })), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(1));
    let nobody = QueryClient::new(Source::Unix("none.sock".into())).with_patience(Duration::from_secs(2), 2);
    let answer = nobody.instant("a", None).await;
    assert!(matches!(answer, Err(QueryError::Unreachable(_))), "{answer:?}");
}

fn raw(counts: [u64; 2]) -> String {
    let series = |revision: &str, status: &str, count: u64| {
        format!(
            r#"{{"metric":{{"revision":"{revision}","status":"{status}"}},"values":[[4,"0"],[5,"{count}"]]}}"#
        )
    };
    let all = [series("r-a", "200", counts[0]), series("r-b", "500", counts[1])].join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{all}]}}}}"#)
}

#[tokio::test]
async fn the_contract_of_metrics_is_kept_over_a_server() {
    let (address, server) =
        serving(vec![http("200 OK", "", &raw([5, 1])), http("200 OK", "", &raw([9, 1]))]).await;
    let family = Family::new("http_requests_total", &["r-a", "r-b"]);
    let metrics = ServerMetrics::new(QueryClient::new(Source::Tcp(address)), family, || 6_000);
    ports::contract::metrics::metrics(&metrics, async || {}).await.expect("kept");
    let asked = server.await.expect("served");
    assert!(asked[0].contains("%5B120s%5D"), "{asked:?}");
}

#[tokio::test]
async fn the_contract_of_metrics_is_kept_over_json() {
    let document = |n: u64| format!(r#"{{"canary":{{"requests":{n},"errors":1}}}}"#);
    let (address, server) =
        serving(vec![http("200 OK", "", &document(5)), http("200 OK", "", &document(8))]).await;
    let pointers = Pointers {
        revision: RevisionId::new("r-a"),
        requests: "/canary/requests".into(),
        server_errors: "/canary/errors".into(),
        failures: None,
    };
    let metrics = WebMetrics::new(Source::Tcp(address), "/stats", vec![pointers.clone()]);
    ports::contract::metrics::metrics(&metrics, async || {}).await.expect("kept");
    assert_eq!(server.await.expect("served"), ["/stats", "/stats"]);
    for (answer, message) in [
        (http("200 OK", "", "<html>"), "not JSON"),
        (http("500 Oops", "", "{}"), "answered 500"),
        (http("200 OK", "", &"x".repeat(2 << 20)), "over 1048576 bytes"),
    ] {
        let (address, _server) = serving(vec![answer]).await;
        let metrics = WebMetrics::new(Source::Tcp(address), "/stats", vec![pointers.clone()]);
        let error = metrics.scrape().await.expect_err(message).to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let metrics =
        WebMetrics::new(Source::Tcp(address), "/", vec![pointers]).with_deadline(Duration::from_millis(50));
    assert!(matches!(metrics.scrape().await, Err(PortError::Unreachable(_))));
}

const JOB: &str =
    "scrape_configs:\n- job_name: api\n  metric_relabel_configs:\n  - {regex: secret, action: labeldrop}\n";

#[tokio::test]
async fn a_target_is_scraped_relabelled_and_kept_and_its_end_is_marked() {
    let open = "# TYPE r counter\nr_total{secret=\"x\"} 3 # {id=\"1\"} 1\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.5\n# EOF\n";
    let kind = "content-type: application/openmetrics-text; version=1.0.0\r\n";
    let twice = "a{secret=\"1\"} 1\na{secret=\"2\"} 1\n";
    let (address, _server) = serving(vec![
        http("200 OK", kind, open),
        http("200 OK", kind, "# EOF\n"),
        http("200 OK", "content-type: text/plain\r\n", twice),
        http("200 OK", "content-type: application/json\r\n", "{}"),
    ])
    .await;
    let config = Config::read(JOB).expect("legal");
    let job = &config.jobs[0];
    let target = job.target(&Labels::new([("__address__", address)])).expect("a target");
    let (mut keeper, mut store) = (Keeper::default(), Store::default());
    let scrape = async |now| collect(job, &target, now, Duration::from_secs(2), &Limits::default()).await;
    let value = |store: &Store, text: &str, at| {
        let expr = parse(text).expect("legal");
        evaluate(&expr, at, store, &Options::default()).expect("a value").into_points()
    };
    let first = scrape(1_000).await.expect("good");
    assert_eq!(first.process_started_ms, Some(1_500));
    assert_eq!(keeper.keep(&mut store, &target, Ok(&first), 1_000), 0);
    let found = value(&store, "r_total", 1_000);
    assert_eq!((found.len(), found[0].value, found[0].labels.value("secret")), (1, 3.0, ""));
    let second = scrape(2_000).await.expect("good");
    assert_eq!(keeper.keep(&mut store, &target, Ok(&second), 2_000), 0);
    assert_eq!(value(&store, "r_total", 2_000), [], "its end is marked");
    assert_eq!(value(&store, "up", 2_000)[0].value.to_bits(), 1.0_f64.to_bits());
    let twin = scrape(3_000).await.expect_err("twice");
    assert!(twin.to_string().contains("stand twice"), "{twin}");
    assert_eq!(keeper.keep(&mut store, &target, Err(&twin), 3_000), 0);
    assert_eq!(value(&store, "up == 0", 3_000).len(), 1);
    let json = scrape(4_000).await.expect_err("no exposition").to_string();
    assert!(json.contains("content type \"application/json\""), "{json}");
    let later = adapter_prometheus::collect::Collected { samples: first.samples.clone(), ..first };
    assert_eq!(keeper.keep(&mut store, &target, Ok(&later), 4_000), 2, "older samples are refused");
}

#[tokio::test]
async fn a_scrape_that_never_ends_is_refused_within_bounds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let endless = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&b"a{x=\"1\"} 1\n".repeat(1_000)).await.is_ok() {}
        }
    });
    let job = &Config::read(JOB).expect("legal").jobs[0];
    let target = job.target(&Labels::new([("__address__", address)])).expect("a target");
    let begun = Instant::now();
    let error =
        collect(job, &target, 0, Duration::from_secs(30), &Limits::default()).await.expect_err("endless");
    assert!(error.to_string().contains("over 16777216 bytes"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    endless.abort();
}
