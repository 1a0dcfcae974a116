//! The routes, and what surrounds every answer: the faults, the counting, the labels, the closing while draining.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::cache::Cache;
use crate::config::Labels;
use crate::database::Database;
use crate::fault::Faults;
use crate::lifecycle::Lifecycle;
use crate::metrics::{AppMetrics, Served};
use crate::{health, text, vms};

/// Largest body that is taken.
const MAX_BODY_BYTES: usize = 64 * 1024;
const VERSION: HeaderName = HeaderName::from_static("x-novacron-version");
const REVISION: HeaderName = HeaderName::from_static("x-nova-revision");

/// What every answer can reach.
#[derive(Debug)]
pub struct App {
    /// Who answers.
    pub labels: Labels,
    /// The table.
    pub database: Database,
    /// The cache.
    pub cache: Cache,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether it drains.
    pub lifecycle: Arc<Lifecycle>,
    /// What is counted.
    pub metrics: Arc<AppMetrics>,
}

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let health = || {
        Router::new()
            .route("/", get(health::alive))
            .route("/ready", get(health::ready))
            .route("/db", get(health::database))
            .route("/cache", get(health::cache))
    };
    Router::new()
        .nest("/health", health())
        .nest("/api/v1/health", health())
        .route("/api/v1/dwcp/status", get(health::dwcp))
        .route("/api/v1/vms", get(vms::list).post(vms::create))
        .route("/api/v1/vms/{id}", get(vms::one))
        .route("/metrics", get(metrics))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "no such path") })
        .layer(from_fn_with_state(Arc::clone(&app), surround))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(app)
}

/// An error as JSON.
pub fn problem(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(serde_json::json!({ "error": error }))).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.metrics.open_metrics() {
        Ok(open) => ([(CONTENT_TYPE, text::CONTENT_TYPE)], text::prometheus_text(&open)).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

async fn surround(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let in_flight = app.lifecycle.begin();
    let begun = Instant::now();
    let path = route(request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let method = method(request.method());
    let request_bytes = announced(request.headers());
    let mut answer = if path.starts_with("/api/v1/vms") {
        faulty(&app, request, next).await
    } else {
        next.run(request).await
    };
    label(&app, &mut answer);
    app.metrics.served(Served {
        method,
        path,
        status: answer.status().as_u16(),
        took: begun.elapsed(),
        request_bytes,
        response_bytes: answer.body().size_hint().exact().unwrap_or_default(),
    });
    drop(in_flight);
    answer
}

async fn faulty(app: &App, request: Request, next: Next) -> Response {
    if let Some(longer) = app.faults.latency() {
        tokio::time::sleep(longer).await;
    }
    if app.faults.fails_request() {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "failing as told by NOVACRON_FAULT");
    }
    next.run(request).await
}

fn label(app: &App, answer: &mut Response<Body>) {
    let headers = answer.headers_mut();
    // The configuration admits only visible ASCII.
    for (name, value) in [(VERSION, &app.labels.version), (REVISION, &app.labels.revision)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if app.lifecycle.is_draining() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

fn announced(headers: &HeaderMap) -> u64 {
    headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// The route as a label: one of a fixed set.
fn route(matched: Option<&str>) -> &'static str {
    const ROUTES: [&str; 12] = [
        "/health",
        "/health/ready",
        "/health/db",
        "/health/cache",
        "/api/v1/health",
        "/api/v1/health/ready",
        "/api/v1/health/db",
        "/api/v1/health/cache",
        "/api/v1/dwcp/status",
        "/api/v1/vms",
        "/api/v1/vms/{id}",
        "/metrics",
    ];
    matched
        .and_then(|matched| ROUTES.into_iter().find(|route| *route == matched.trim_end_matches('/')))
        .unwrap_or("other")
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    }
}
