//! The API to load: virtual machines.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::{App, problem};
use crate::database::DatabaseError;

/// Longest name in characters.
const MAX_NAME: usize = 64;

/// What a new virtual machine is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVm {
    name: String,
}

/// The newest virtual machines.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    match app.database.list().await {
        Ok(vms) => Json(vms).into_response(),
        Err(error) => failed(&error),
    }
}

/// One virtual machine.
pub async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Ok(number) = id.parse::<i64>() else {
        return problem(StatusCode::BAD_REQUEST, "the id is a number");
    };
    match app.database.vm(number).await {
        Ok(Some(vm)) => {
            app.cache.set(&id, &vm.name);
            Json(vm).into_response()
        }
        Ok(None) => problem(StatusCode::NOT_FOUND, "no such virtual machine"),
        Err(error) => failed(&error),
    }
}

/// Writes one virtual machine.
pub async fn create(State(app): State<Arc<App>>, body: Result<Json<NewVm>, JsonRejection>) -> Response {
    let name = match body {
        Ok(Json(new)) => new.name,
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    if name.trim().is_empty() || name.chars().count() > MAX_NAME {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "the name has 1 to 64 characters");
    }
    match app.database.create(name, app.labels.version.clone()).await {
        Ok(vm) => (StatusCode::CREATED, Json(vm)).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &DatabaseError) -> Response {
    let status = match error {
        DatabaseError::Overloaded | DatabaseError::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    problem(status, &error.to_string())
}
