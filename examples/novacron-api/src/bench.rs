//! The benchmark of a build: requests through the whole router, in this process, with a real database.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::app::router;
use crate::config::{Config, Labels};
use crate::fault::{Fault, FaultKind};
use crate::serve::open;

/// Rounds; the fastest one counts, because disturbance only ever adds time. They are many and short, so that on a
/// busy machine some fit between two turns of others.
const ROUNDS: u32 = 100;
/// Requests in flight: enough that waking the database's thread, whose price is the scheduler's, hardly counts.
const WORKERS: u32 = 32;
/// No round is begun after this.
const TIME_MAX: Duration = Duration::from_secs(2);

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Nanoseconds for one.
    pub ns_per_op: u64,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] crate::database::DatabaseError),
    /// A request was not answered with 200.
    #[error("a request was answered with {0}")]
    Status(u16),
    /// A request cannot be built.
    #[error("a request cannot be built: {0}")]
    Request(#[from] axum::http::Error),
    /// A worker did not end by itself.
    #[error("a worker failed: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

/// Measures `GET /api/v1/vms/{id}` on a database in `folder`, `requests` a round.
///
/// # Errors
/// The database cannot be opened, or an answer is not 200.
pub async fn vms_get(folder: &Path, requests: u32) -> Result<Figure, BenchError> {
    let labels = Labels { version: "bench".to_owned(), revision: "bench".to_owned(), slot: 0 };
    let fault = Fault { kind: FaultKind::None, strength: 0.0, after: Duration::ZERO };
    let config = Config { port: 0, database: folder.join("bench.db"), fault, labels };
    let begun = Instant::now();
    let app = open(config, begun)?;
    let router = router(Arc::clone(&app));
    let mut best = u128::MAX;
    for round in 0..=ROUNDS {
        let ns = self::round(&router, requests).await?;
        // The first one fills caches and does not count.
        if round > 0 {
            best = best.min(ns);
            if begun.elapsed() > TIME_MAX {
                break;
            }
        }
    }
    let ns_per_op = u64::try_from(best / u128::from(requests.max(1))).unwrap_or(u64::MAX);
    Ok(Figure { name: "vms_get".to_owned(), ns_per_op })
}

/// Nanoseconds for all requests of one round.
async fn round(router: &Router, requests: u32) -> Result<u128, BenchError> {
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let share = requests / WORKERS + u32::from(worker < requests % WORKERS);
        workers.spawn(ask(router.clone(), share));
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(begun.elapsed().as_nanos())
}

async fn ask(router: Router, requests: u32) -> Result<(), BenchError> {
    for number in 0..requests {
        let path = format!("/api/v1/vms/{}", number % 20 + 1);
        let answer = match router.clone().oneshot(Request::get(path).body(Body::empty())?).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        if answer.status() != 200 {
            return Err(BenchError::Status(answer.status().as_u16()));
        }
    }
    Ok(())
}

/// How many times slower than the baseline, when that is more than `max_ratio`.
pub fn slower(figure: &Figure, baseline: &Figure, max_ratio: f64) -> Option<f64> {
    let ratio = figure.ns_per_op as f64 / baseline.ns_per_op.max(1) as f64;
    (ratio > max_ratio).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_is_over_the_ratio_only() {
        let figure = |ns_per_op| Figure { name: "vms_get".into(), ns_per_op };
        assert_eq!(slower(&figure(300), &figure(100), 3.0), None);
        assert_eq!(slower(&figure(400), &figure(100), 3.0), Some(4.0));
    }

    #[tokio::test]
    async fn a_figure_is_measured() {
        let folder = tempfile::tempdir().expect("a folder");
        let figure = vms_get(folder.path(), 50).await.expect("measured");
        assert!(figure.ns_per_op > 0 && figure.name == "vms_get");
    }
}
