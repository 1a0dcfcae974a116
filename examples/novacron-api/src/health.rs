//! What probes and smoke tests ask: alive, ready, database, cache, DWCP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::{App, problem};

/// Alive: this process answers. Asks nothing else, so that no other trouble makes it be restarted.
pub async fn alive(State(app): State<Arc<App>>) -> Response {
    if app.faults.fails_probe() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "failing as told by NOVACRON_FAULT");
    }
    fine(&app)
}

/// Ready: may be sent requests. Not while it drains, and not without its database.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.faults.never_ready() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "never ready, as told by NOVACRON_FAULT");
    }
    if app.lifecycle.is_draining() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    database(State(app)).await
}

/// The database answers.
pub async fn database(State(app): State<Arc<App>>) -> Response {
    match app.database.ping().await {
        Ok(()) => fine(&app),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// The cache gives back what it was given.
pub async fn cache(State(app): State<Arc<App>>) -> Response {
    if app.cache.works() {
        fine(&app)
    } else {
        problem(StatusCode::SERVICE_UNAVAILABLE, "the cache lost a value")
    }
}

/// The simulated streams.
pub async fn dwcp(State(app): State<Arc<App>>) -> Response {
    Json(app.metrics.stream()).into_response()
}

fn fine(app: &App) -> Response {
    let labels = &app.labels;
    let body = json!({
        "status": "ok", "version": labels.version, "revision": labels.revision, "slot": labels.slot,
    });
    Json(body).into_response()
}
