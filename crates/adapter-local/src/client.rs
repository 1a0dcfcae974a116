//! The client of the control socket: one connection a call, a deadline for each, bounded answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use ports::{PortError, Target};
use serde::{Serialize, de::DeserializeOwned};
use supervise::{Acquisition, Answer, Claim, Epoch, Observation, Order, Restoration, RunId};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::wire::{
    ANSWER_BYTES_MAX, EpochOf, PROTOCOL, PROTOCOL_HEADER, Restore, Status, Stop, Stopping, Upgrade, Upgraded,
};

const CONNECT_MAX: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// An upgrade waits for the new process to serve.
const UPGRADE_MAX: Duration = Duration::from_secs(30);

/// An embedded target, reached over its control socket.
#[derive(Clone, Debug)]
pub struct LocalTarget {
    socket: PathBuf,
}

impl LocalTarget {
    /// The target whose control socket this is. Nothing is opened before the first call.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Path of the control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Counters as Prometheus text 0.0.4.
    pub async fn metrics(&self) -> Result<String, PortError> {
        let bytes = self.call(Method::GET, "metrics", Bytes::new(), ANSWER_MAX).await?;
        String::from_utf8(bytes.to_vec()).map_err(|error| PortError::Malformed(error.to_string()))
    }

    /// The target for people.
    pub async fn status(&self) -> Result<Status, PortError> {
        parsed(&self.call(Method::GET, "status", Bytes::new(), ANSWER_MAX).await?)
    }

    /// Ends the target. It still drains when this returns.
    pub async fn stop(&self, keep_instances: bool) -> Result<Stopping, PortError> {
        self.post("stop", &Stop { keep_instances }, ANSWER_MAX).await
    }

    /// Hands the target over to another program, and returns when that serves.
    pub async fn upgrade(&self, program: String) -> Result<Upgraded, PortError> {
        self.post("upgrade", &Upgrade { program }, UPGRADE_MAX).await
    }

    async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        max: Duration,
    ) -> Result<A, PortError> {
        let body = serde_json::to_vec(body).map_err(|error| PortError::Refused(error.to_string()))?;
        parsed(&self.call(Method::POST, path, body.into(), max).await?)
    }

    async fn call(&self, method: Method, path: &str, body: Bytes, max: Duration) -> Result<Bytes, PortError> {
        let late = |_| PortError::Unreachable(format!("{}: no answer in time", self.socket.display()));
        timeout(max, self.exchange(method, path, body)).await.map_err(late)?
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, PortError> {
        let broken = |error: &dyn std::fmt::Display| {
            PortError::Unreachable(format!("{}: {error}", self.socket.display()))
        };
        let stream = timeout(CONNECT_MAX, UnixStream::connect(&self.socket)).await;
        let stream = stream.map_err(|error| broken(&error))?.map_err(|error| broken(&error))?;
        let (mut wire, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/{path}"))
            .header(HOST, "nova-local")
            .header(CONTENT_TYPE, "application/json")
            .header(PROTOCOL_HEADER, PROTOCOL)
            .body(Full::new(body))
            .map_err(|error| PortError::Refused(error.to_string()))?;
        let answered = async {
            let answer = wire.send_request(request).await.map_err(|error| broken(&error))?;
            let (head, body) = answer.into_parts();
            let bytes = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            Ok((head, bytes.map_err(|error| broken(&error))?.to_bytes()))
        };
        let driven = async {
            // The connection ends when the answer is read; before that an end is an error of the answer.
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        let (head, bytes) = tokio::select! {
            answered = answered => answered?,
            () = driven => return Err(broken(&"closed")),
        };
        let spoken = head.headers.get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok());
        if spoken != Some(PROTOCOL.to_string().as_str()) {
            let spoken = spoken.unwrap_or("none");
            return Err(PortError::Refused(format!("the target speaks protocol {spoken}, not {PROTOCOL}")));
        }
        let said = || String::from_utf8_lossy(&bytes).trim().to_owned();
        match head.status {
            StatusCode::OK => Ok(bytes),
            status if status.is_client_error() => Err(PortError::Refused(said())),
            _ => Err(PortError::Unreachable(said())),
        }
    }
}

fn parsed<A: DeserializeOwned>(bytes: &[u8]) -> Result<A, PortError> {
    serde_json::from_slice(bytes).map_err(|error| PortError::Malformed(error.to_string()))
}

impl Target for LocalTarget {
    async fn acquire(&self, claim: &Claim) -> Result<Acquisition, PortError> {
        self.post("acquire", claim, ANSWER_MAX).await
    }

    async fn order(&self, order: &Order) -> Result<Answer, PortError> {
        self.post("order", order, ANSWER_MAX).await
    }

    async fn restore_stable(&self, run: &RunId) -> Result<Restoration, PortError> {
        self.post("restore", &Restore { run: run.clone() }, ANSWER_MAX).await
    }

    async fn renew(&self, run: &RunId, epoch: Epoch) -> Result<Answer, PortError> {
        self.post("renew", &EpochOf { run: run.clone(), epoch }, ANSWER_MAX).await
    }

    async fn release(&self, run: &RunId, epoch: Epoch) -> Result<Answer, PortError> {
        self.post("release", &EpochOf { run: run.clone(), epoch }, ANSWER_MAX).await
    }

    async fn observe(&self) -> Result<Observation, PortError> {
        let begun = tokio::time::Instant::now();
        let bytes = self.call(Method::GET, "observe", Bytes::new(), ANSWER_MAX).await?;
        let mut observation: Observation = parsed(&bytes)?;
        // Never younger than the whole way here: the answer may have waited on the road.
        observation.age_ms = observation.age_ms.saturating_add(begun.elapsed().as_millis() as u64);
        Ok(observation)
    }
}
