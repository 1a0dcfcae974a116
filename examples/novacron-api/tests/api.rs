//! The service in this process: routes, faults, metrics, the database.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use exposition::{Exposition, Kind, Limits};
use http_body_util::BodyExt;
use novacron_api::app::{App, router};
use novacron_api::config::{Config, Labels};
use novacron_api::fault::{Fault, FaultKind};
use novacron_api::lifecycle::Lifecycle;
use novacron_api::serve::{open, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(20);

struct Service {
    app: Arc<App>,
    router: Router,
    folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

fn app(database: &Path, kind: FaultKind, strength: f64) -> Arc<App> {
    let labels = Labels { version: "1.6.0".into(), revision: "r-1".into(), slot: 1 };
    let fault = Fault { kind, strength, after: Duration::ZERO };
    open(Config { port: 0, database: database.to_owned(), fault, labels }, Instant::now()).expect("opened")
}

fn service_with(kind: FaultKind, strength: f64) -> Service {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(&folder.path().join("vms.db"), kind, strength);
    Service { router: router(Arc::clone(&app)), app, folder }
}

fn service() -> Service {
    service_with(FaultKind::None, 0.0)
}

impl Service {
    async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.expect("never fails");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        Answer { status: head.status, headers: head.headers, body }
    }

    async fn fetch(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, body: &str) -> Answer {
        let request = Request::post("/api/v1/vms").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    async fn exposition(&self) -> Exposition<'static> {
        let answer = self.fetch("/metrics").await;
        assert!(
            answer.headers["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4")
        );
        exposition::parse(&answer.body, &Limits::default())
            .unwrap_or_else(|error| panic!("{error}\n{}", answer.body))
            .into_owned()
    }
}

const HEALTH: [&str; 4] = ["", "/ready", "/db", "/cache"];

#[tokio::test]
async fn every_health_path_answers_under_both_prefixes() {
    let service = service();
    for prefix in ["/health", "/api/v1/health"] {
        for path in HEALTH {
            let answer = service.fetch(&format!("{prefix}{path}")).await;
            assert_eq!(answer.status, 200, "{prefix}{path}: {}", answer.body);
            assert_eq!(answer.json()["status"], "ok");
        }
    }
    service.app.metrics.advance_stream();
    let dwcp = service.fetch("/api/v1/dwcp/status").await;
    assert_eq!((dwcp.status, &dwcp.json()["simulated"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn every_answer_says_who_gave_it() {
    let service = service();
    for path in ["/health", "/api/v1/vms/1", "/metrics", "/nowhere"] {
        let answer = service.fetch(path).await;
        assert_eq!(answer.headers["x-novacron-version"], "1.6.0", "{path}");
        assert_eq!(answer.headers["x-nova-revision"], "r-1", "{path}");
        assert!(!answer.headers.contains_key("connection"));
    }
}

#[tokio::test]
async fn virtual_machines_are_written_and_read() {
    let service = service();
    let created = service.post(r#"{"name":"web"}"#).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_i64().expect("an id");
    let read = service.fetch(&format!("/api/v1/vms/{id}")).await;
    assert_eq!(read.json(), json!({"id": id, "name": "web", "state": "requested", "written_by": "1.6.0"}));
    assert_eq!(service.fetch("/api/v1/vms").await.json()[0], read.json());
    assert_eq!(service.fetch("/api/v1/vms/1").await.json()["state"], "running");
}

#[tokio::test]
async fn bad_requests_are_told_why() {
    let service = service();
    assert_eq!(service.fetch("/api/v1/vms/999999").await.status, 404);
    assert_eq!(service.fetch("/api/v1/vms/one").await.status, 400);
    assert_eq!(service.fetch("/nowhere").await.status, 404);
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(65));
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(70_000));
    for (body, status) in [
        (r#"{"name":" "}"#, 422),
        (long.as_str(), 422),
        (r#"{"nom":"a"}"#, 422),
        ("{", 400),
        (huge.as_str(), 413),
    ] {
        let answer = service.post(body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(answer.json()["error"].is_string());
    }
}

#[tokio::test]
async fn the_table_stays_bounded() {
    let service = service();
    for _ in 0..5 {
        service.post(r#"{"name":"first"}"#).await;
    }
    let database = rusqlite::Connection::open(service.folder.path().join("vms.db")).expect("opened");
    database.execute("UPDATE sqlite_sequence SET seq = seq + 10002", []).expect("moved");
    service.post(r#"{"name":"much later"}"#).await;
    let rows: i64 = database.query_row("SELECT count(*) FROM vms", [], |row| row.get(0)).expect("counted");
    assert_eq!(rows, 21, "the seed and the newest");
}

#[tokio::test]
async fn a_writer_that_must_wait_holds_up_neither_health_nor_reads() {
    let service = service();
    let other = rusqlite::Connection::open(service.folder.path().join("vms.db")).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let write = service.post(r#"{"name":"waits"}"#);
    tokio::pin!(write);
    let reads = async {
        for path in ["/health", "/health/ready", "/api/v1/vms/1", "/api/v1/vms"] {
            assert_eq!(service.fetch(path).await.status, 200, "{path}");
        }
    };
    tokio::select! {
        biased;
        _ = &mut write => panic!("the write did not wait"),
        () = reads => {}
    }
    other.execute_batch("COMMIT").expect("given back");
    assert_eq!(write.await.status, 201);
}

#[tokio::test]
async fn two_instances_share_one_database() {
    let one = service();
    let app = app(&one.folder.path().join("vms.db"), FaultKind::None, 0.0);
    let other =
        Service { router: router(Arc::clone(&app)), app, folder: tempfile::tempdir().expect("a folder") };
    for round in 0..20 {
        let name = format!(r#"{{"name":"n{round}"}}"#);
        let (a, b) = tokio::join!(one.post(&name), other.post(&name));
        assert_eq!((a.status.as_u16(), b.status.as_u16()), (201, 201));
    }
}

#[tokio::test]
async fn the_metrics_are_strict_text_in_four_groups() {
    let service = service();
    service.app.metrics.advance_stream();
    service.fetch("/api/v1/vms/1").await;
    service.fetch("/api/v1/vms/2").await;
    service.fetch("/health").await;
    service.post("{}").await;
    let exposition = service.exposition().await;
    for (family, kind) in [
        ("http_requests_total", Kind::Counter),
        ("http_request_duration_seconds", Kind::Histogram),
        ("http_request_size_bytes", Kind::Histogram),
        ("http_response_size_bytes", Kind::Histogram),
        ("dwcp_streams_active", Kind::Gauge),
        ("dwcp_bandwidth_allocated_bytes", Kind::Gauge),
        ("dwcp_compression_ratio", Kind::Gauge),
        ("dwcp_packet_loss_rate", Kind::Gauge),
        ("dwcp_latency_milliseconds", Kind::Gauge),
        ("process_cpu_seconds_total", Kind::Counter),
        ("process_resident_memory_bytes", Kind::Gauge),
        ("db_connections_active", Kind::Gauge),
        ("db_query_duration_seconds", Kind::Histogram),
        ("db_errors_total", Kind::Counter),
        ("novacron_build_info", Kind::Gauge),
    ] {
        let found = exposition.family(family).unwrap_or_else(|| panic!("{family} is missing"));
        assert_eq!(found.kind, kind, "{family}");
        assert!(!found.samples.is_empty() && found.help.is_some(), "{family}");
    }
    let count = |path: &str, status: &str| {
        let mut found = exposition.samples("http_requests_total");
        found.find(|s| s.label("path") == Some(path) && s.label("status") == Some(status)).map(|s| s.value)
    };
    assert_eq!(count("/api/v1/vms/{id}", "200"), Some(2.0));
    assert_eq!(count("/health", "200"), Some(1.0));
    assert_eq!(count("/api/v1/vms", "422"), Some(1.0));
}

#[tokio::test]
async fn errors_hit_their_share_of_the_api_and_nothing_else() {
    let service = service_with(FaultKind::Errors, 0.2);
    let mut failed = 0;
    for _ in 0..50 {
        failed += u32::from(service.fetch("/api/v1/vms/1").await.status == 500);
        assert_eq!(service.fetch("/health").await.status, 200);
    }
    assert_eq!(failed, 10);
}

#[tokio::test]
async fn probe_and_never_ready_each_fail_only_their_path() {
    let statuses = async |kind| {
        let service = service_with(kind, 1.0);
        let mut found = Vec::new();
        for path in ["/health", "/api/v1/health", "/health/ready", "/health/db", "/api/v1/vms/1"] {
            found.push(service.fetch(path).await.status.as_u16());
        }
        found
    };
    assert_eq!(statuses(FaultKind::Probe).await, [503, 503, 200, 200, 200]);
    assert_eq!(statuses(FaultKind::NeverReady).await, [200, 200, 503, 200, 200]);
}

#[tokio::test]
async fn latency_slows_the_api_and_nothing_else() {
    let service = service_with(FaultKind::Latency, 120.0);
    let took = async |path| {
        let begun = Instant::now();
        assert_eq!(service.fetch(path).await.status, 200);
        begun.elapsed()
    };
    assert!(took("/api/v1/vms/1").await >= Duration::from_millis(120));
    assert!(took("/health").await < Duration::from_millis(100));
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_every_answer_closes() {
    let service = service();
    service.app.lifecycle.drain();
    assert_eq!(service.fetch("/health/ready").await.status, 503);
    let answer = service.fetch("/api/v1/vms/1").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["connection"], "close");
}

#[tokio::test]
async fn serving_ends_only_after_every_connection_has_ended() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let done = Arc::new(AtomicBool::new(false));
    let slow = {
        let (begun, go_on, done) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
        async move || {
            begun.notify_one();
            go_on.notified().await;
            done.store(true, Ordering::SeqCst);
        }
    };
    // No request of this router is counted as in flight, so that only the connection itself can hold up the end.
    let router = Router::new().route("/", axum::routing::get(slow));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let client = tokio::spawn(async move {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    });
    let lifecycle = Lifecycle::default();
    let mut ended = std::pin::pin!(serve(listener, router, &lifecycle, begun.notified()));
    // Longer than it lingers for new connections, so that it would have ended without this one.
    assert!(
        tokio::time::timeout(Duration::from_millis(600), &mut ended).await.is_err(),
        "it ended too early"
    );
    assert!(lifecycle.is_draining());
    go_on.notify_one();
    assert!(tokio::time::timeout(PATIENCE, ended).await.expect("in time"));
    assert!(done.load(Ordering::SeqCst));
    assert!(client.await.expect("a client").starts_with("HTTP/1.1 200"));
}
