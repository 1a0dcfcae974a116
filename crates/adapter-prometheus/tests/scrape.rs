//! The scrape against a server that answers by script: what fits is mapped, all else is an error by name.

use std::time::{Duration, Instant};

use adapter_prometheus::{PrometheusMetrics, Source};
use exposition::Limits;
use ports::{Metrics, PortError, Scrape};
use supervise::RevisionId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

const GOOD: &str = r#"# HELP nova_requests_total Requests that have ended.
# TYPE nova_requests_total counter
nova_requests_total{revision="r-a"} 100
nova_requests_total{revision="r-b"} 7
# TYPE nova_server_errors_total counter
nova_server_errors_total{revision="r-a"} 2
nova_server_errors_total{revision="r-b"} 0
# TYPE nova_failures_total counter
nova_failures_total{revision="r-a"} 1
nova_failures_total{revision="r-b"} 0
# TYPE nova_request_duration_seconds histogram
nova_request_duration_seconds_bucket{revision="r-a",le="0.005"} 40
nova_request_duration_seconds_bucket{revision="r-a",le="0.1"} 90
nova_request_duration_seconds_bucket{revision="r-a",le="+Inf"} 100
nova_request_duration_seconds_sum{revision="r-a"} 1.25
nova_request_duration_seconds_count{revision="r-a"} 100
nova_request_duration_seconds_bucket{revision="r-b",le="+Inf"} 7
nova_request_duration_seconds_sum{revision="r-b"} 0.5
nova_request_duration_seconds_count{revision="r-b"} 7
# TYPE nova_instance_failed_checks gauge
nova_instance_failed_checks{revision="r-a",slot="0"} 0
nova_instance_failed_checks{revision="r-a",slot="1"} 3
nova_instance_failed_checks{revision="r-c",slot="0"} 1
# TYPE nova_instance_resident_bytes gauge
nova_instance_resident_bytes{revision="r-a",slot="0"} 1.048576e+06
# TYPE nova_instance_restarts_total counter
nova_instance_restarts_total{revision="r-a",slot="0"} 0
nova_instance_restarts_total{revision="r-a",slot="1"} 2
nova_instance_restarts_total{revision="r-c",slot="0"} 0
"#;

fn http(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Reads one request head and writes the answer.
async fn answer_once<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &[u8]) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.expect("a request");
        read.push(byte);
    }
    assert!(read.starts_with(b"GET /metrics HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&read));
    // The client may hang up as soon as it has seen enough.
    let _ = stream.write_all(answer).await;
}

async fn scrape_of(answer: Vec<u8>, limits: Limits) -> Result<Scrape, PortError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        answer_once(stream, &answer).await;
    });
    let scrape = PrometheusMetrics::new(Source::Tcp(address)).with_limits(limits).scrape().await;
    server.await.expect("served");
    scrape
}

async fn scrape_text(body: &str) -> Result<Scrape, PortError> {
    scrape_of(http("200 OK", "text/plain; version=0.0.4", body), Limits::default()).await
}

fn assert_good(scrape: &Scrape) {
    assert!(scrape.age_ms < 2_000);
    let [a, b, c] = &scrape.arms[..] else { panic!("{:?}", scrape.arms) };
    assert_eq!((a.revision.as_str(), a.requests, a.server_errors, a.failures), ("r-a", 100, 2, 1));
    assert_eq!(a.latency_us, [(5_000, 40), (100_000, 90), (u64::MAX, 100)]);
    let instances: Vec<_> =
        a.instances.iter().map(|i| (i.slot, i.failed_checks, i.resident_bytes, i.restarts)).collect();
    assert_eq!(instances, [(0, 0, Some(1_048_576), 0), (1, 3, None, 2)]);
    assert_eq!((&b.revision, b.requests, b.instances.len()), (&RevisionId::new("r-b"), 7, 0));
    assert_eq!((c.revision.as_str(), c.requests, c.latency_us.len(), c.instances.len()), ("r-c", 0, 0, 1));
}

#[tokio::test]
async fn a_scrape_over_tcp_is_mapped() {
    assert_good(&scrape_text(GOOD).await.expect("good"));
}

#[tokio::test]
async fn a_scrape_over_a_unix_socket_is_mapped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        answer_once(stream, &http("200 OK", "text/plain", GOOD)).await;
    });
    assert_good(&PrometheusMetrics::new(Source::Unix(path)).scrape().await.expect("good"));
    server.await.expect("served");
}

#[tokio::test]
async fn families_that_are_declared_and_empty_are_no_arms() {
    let empty: String =
        GOOD.lines().filter(|line| line.starts_with("# TYPE")).map(|l| format!("{l}\n")).collect();
    assert_eq!(scrape_text(&empty).await.expect("good").arms, []);
}

/// What is replaced in the good text, by what, and what the error must say.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "{revision=\"r-a\"} 2\n",
        "{revision=\"r-a\"} NaN\n",
        "nova_server_errors_total{revision=\"r-a\"} is NaN",
    ),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\"} +Inf\n", "is infinite"),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\"} -2\n", "is negative"),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\"} 2.5\n", "is fractional"),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\"} 1e300\n", "is too large"),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\"} 2 1395066363000\n", "a timestamp of its own"),
    (
        "{revision=\"r-a\"} 2\n",
        "{revision=\"r-a\"} 2\nnova_server_errors_total{revision=\"r-a\"} 2\n",
        "stands twice",
    ),
    ("{revision=\"r-a\"} 2\n", "{revision=\"r-a\",code=\"500\"} 2\n", "exactly the labels revision"),
    ("{revision=\"r-a\"} 2\n", "{revision=\"\"} 2\n", "exactly the labels revision"),
    ("nova_server_errors_total{revision=\"r-a\"} 2\n", "", "nova_server_errors_total has no series for r-a"),
    ("nova_requests_total{revision=\"r-a\"} 100\n", "", "nova_requests_total has no series for r-a"),
    ("# TYPE nova_failures_total counter", "# TYPE nova_failures_total gauge", "is a gauge, not a counter"),
    ("# TYPE nova_failures_total counter\n", "", "nova_failures_total is a untyped"),
    ("le=\"0.1\"} 90", "le=\"0.1\"} 30", "not cumulative"),
    ("le=\"0.1\"} 90", "le=\"0.005000\"} 90", "stands twice"),
    ("le=\"0.1\"} 90", "le=\"0.1\"} 90.5", "is fractional"),
    ("le=\"0.1\"} 90", "le=\"-0.1\"} 90", "is negative"),
    ("le=\"0.1\"} 90", "le=\"0.1\"} NaN", "is NaN"),
    ("le=\"0.1\"}", "le=\"much\"}", "does not fit a histogram"),
    ("_bucket{revision=\"r-b\",le=\"+Inf\"} 7", "_bucket{revision=\"r-b\",le=\"1\"} 7", "no +Inf bucket"),
    ("_count{revision=\"r-b\"} 7", "_count{revision=\"r-b\"} 8", "the +Inf bucket is not the count"),
    ("nova_request_duration_seconds_sum{revision=\"r-b\"} 0.5\n", "", "_sum has no series for r-b"),
    ("nova_request_duration_seconds_count{revision=\"r-b\"} 7\n", "", "_count has no series for r-b"),
    ("nova_request_duration_seconds_bucket{revision=\"r-b\",le=\"+Inf\"} 7\n", "", "there are no buckets"),
    ("_sum{revision=\"r-b\"} 0.5", "_sum{revision=\"r-b\"} NaN", "is NaN"),
    ("slot=\"1\"} 3", "slot=\"one\"} 3", "a slot that is not a number"),
    ("slot=\"1\"} 3", "slot=\"01\"} 3", "a slot that is not a number"),
    ("slot=\"1\"} 3", "slot=\"1\"} 0.3", "is fractional"),
    ("slot=\"1\"} 3", "slot=\"1\"} 5000000000", "is too large"),
    ("1.048576e+06", "NaN", "nova_instance_resident_bytes{revision=\"r-a\",slot=\"0\"} is NaN"),
    ("nova_instance_restarts_total{revision=\"r-a\",slot=\"1\"} 2\n", "", "no series for r-a, slot 1"),
    ("nova_instance_failed_checks{revision=\"r-a\",slot=\"0\"} 0\n", "", "no series for r-a, slot 0"),
];

#[tokio::test]
async fn whatever_does_not_fit_the_contract_is_an_error_by_name() {
    for (good, broken, message) in BROKEN {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let error = scrape_text(&GOOD.replace(good, broken)).await.expect_err(message);
        assert!(
            matches!(&error, PortError::Malformed(why) if why.contains(message)),
            "{broken:?}: wanted {message:?}, got {error}"
        );
    }
}

#[tokio::test]
async fn each_missing_family_is_named() {
    for family in [
        "nova_requests_total",
        "nova_server_errors_total",
        "nova_failures_total",
        "nova_request_duration_seconds",
        "nova_instance_failed_checks",
        "nova_instance_resident_bytes",
        "nova_instance_restarts_total",
    ] {
        let without: String =
            GOOD.lines().filter(|line| !line.contains(family)).map(|line| format!("{line}\n")).collect();
        let error = scrape_text(&without).await.expect_err(family);
        assert_eq!(error, PortError::Malformed(format!("family {family} is missing")));
    }
    let error = scrape_text("").await.expect_err("an empty body");
    assert!(error.to_string().contains("is missing"), "{error}");
}

#[tokio::test]
async fn what_is_no_exposition_is_an_error_by_name() {
    let html = "<!doctype html><p>sign in</p>\n";
    let cases = [
        (http("200 OK", "text/html", html), "content type \"text/html\""),
        (http("200 OK", "text/plain", html), "expected a metric name, found '<'"),
        (http("200 OK", "text/plain", &GOOD[..GOOD.len() - 3]), "the input was cut"),
        (http("503 Service Unavailable", "text/plain", GOOD), "answered 503"),
        (http("302 Found", "text/plain", GOOD), "answered 302"),
        (http("204 No Content", "text/plain", ""), "answered 204"),
    ];
    for (answer, message) in cases {
        let error = scrape_of(answer, Limits::default()).await.expect_err(message);
        assert!(matches!(&error, PortError::Malformed(why) if why.contains(message)), "{message}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_or_never_begins_is_no_answer() {
    let mut cut = http("200 OK", "text/plain", GOOD);
    cut.truncate(cut.len() - 100);
    for answer in [cut, Vec::new(), b"HTTP/1.1 2".to_vec()] {
        let error = scrape_of(answer, Limits::default()).await.expect_err("cut");
        assert!(matches!(error, PortError::Unreachable(_)), "{error}");
    }
}

#[tokio::test]
async fn a_huge_body_is_refused_whether_announced_or_not() {
    let limits = Limits { bytes: 1000, ..Limits::default() };
    let big = format!("#{}\n", "x".repeat(100_000));
    let mut unannounced = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n".to_vec();
    unannounced.extend_from_slice(big.as_bytes());
    for answer in [http("200 OK", "text/plain", &big), unannounced] {
        let error = scrape_of(answer, limits).await.expect_err("huge");
        assert!(
            error.to_string().contains("the body is over 1000 bytes: raise the limit `bytes`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_exporter_that_hangs_costs_only_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let begun = Instant::now();
    let metrics = PrometheusMetrics::new(Source::Tcp(address)).with_deadline(Duration::from_millis(80));
    let error = metrics.scrape().await.expect_err("no answer");
    assert!(matches!(&error, PortError::Unreachable(why) if why.contains("80 ms")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Source::Unix(folder.path().join("none.sock"));
    let error = PrometheusMetrics::new(source).scrape().await.expect_err("nobody");
    assert!(matches!(error, PortError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn the_contract_of_metrics_is_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let more = GOOD.replace("} 7\n", "} 9\n");
    let server = tokio::spawn(async move {
        for body in [GOOD, &more] {
            let (stream, _) = listener.accept().await.expect("a connection");
            answer_once(stream, &http("200 OK", "text/plain; version=0.0.4", body)).await;
        }
    });
    let metrics = PrometheusMetrics::new(Source::Tcp(address));
    ports::contract::metrics::metrics(&metrics, async || {}).await.expect("kept");
    server.await.expect("served");
}
