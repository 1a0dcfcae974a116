//! The other end of the control socket: checks who asks and in which protocol, and hands the request to the desk.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::geteuid;
use serde::{Serialize, de::DeserializeOwned};
use supervise::{Observation, Reply, Request as Asked};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::wire::{
    EpochOf, PROTOCOL, PROTOCOL_HEADER, REQUEST_BYTES_MAX, Restore, Status, Stop, Stopping, Upgrade, Upgraded,
};

const CONNECTIONS_MAX: usize = 64;
const REQUEST_MAX: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Why a request is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It can never succeed as it stands.
    Never(String),
    /// The target cannot answer now; the order may have been taken. Repeat it under the same key.
    NotNow(String),
}

/// Whoever answers for the target.
pub trait Desk: Send + Sync + 'static {
    /// Puts a request to the supervisor and returns its reply, which is durable.
    fn ask(&self, asked: Asked) -> impl Future<Output = Result<Reply, Refusal>> + Send;
    /// The target as it is.
    fn observe(&self) -> Observation;
    /// Counters as Prometheus text 0.0.4.
    fn metrics(&self) -> String;
    /// The target for people.
    fn status(&self) -> Status;
    /// Begins to end the target.
    fn stop(&self, stop: Stop) -> Stopping;
    /// Hands over to another program; returns when that serves.
    fn upgrade(&self, upgrade: Upgrade) -> impl Future<Output = Result<Upgraded, Refusal>> + Send;
}

/// Serves until `stop` is ready. Requests that are under way then go on.
pub async fn serve<D: Desk>(listener: UnixListener, desk: Arc<D>, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match (accepted, Arc::clone(&slots).try_acquire_owned()) {
            (Ok((stream, _)), Ok(slot)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    connection(stream, desk).await;
                    drop(slot);
                });
            }
            _ => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection<D: Desk>(stream: UnixStream, desk: Arc<D>) {
    // The mode of the folder keeps others out; this also holds where somebody has loosened it.
    let own = stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0);
    if !own {
        return;
    }
    let service = service_fn(|request: Request<Incoming>| {
        let desk = &desk;
        async move { Ok::<_, Infallible>(answer(desk.as_ref(), request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(REQUEST_MAX);
    // Whoever asked may be gone; what was ordered stands all the same.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer<D: Desk>(desk: &D, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, body) = match route(desk, request).await {
        Ok((kind, body)) => (StatusCode::OK, kind, body),
        Err(Refusal::Never(why)) => (StatusCode::BAD_REQUEST, "text/plain", format!("{why}\n").into()),
        Err(Refusal::NotNow(why)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{why}\n").into())
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from(PROTOCOL));
    response
}

type Answered = Result<(&'static str, Bytes), Refusal>;

async fn route<D: Desk>(desk: &D, request: Request<Incoming>) -> Answered {
    let spoken = request.headers().get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok());
    if let Some(spoken) = spoken.filter(|spoken| *spoken != PROTOCOL.to_string()) {
        return Err(Refusal::Never(format!("this target speaks protocol {PROTOCOL}, not {spoken}")));
    }
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/v1/observe") => json(&desk.observe()),
        (&Method::GET, "/v1/metrics") => Ok(("text/plain; version=0.0.4", desk.metrics().into())),
        (&Method::GET, "/v1/status") => json(&desk.status()),
        (&Method::POST, path) => {
            let read = timeout(REQUEST_MAX, Limited::new(body, REQUEST_BYTES_MAX).collect()).await;
            let read = read.map_err(|_| Refusal::NotNow("the body did not arrive in time".into()))?;
            let body = read.map_err(|error| Refusal::Never(format!("the body: {error}")))?.to_bytes();
            posted(desk, path, &body).await
        }
        (method, path) => Err(Refusal::Never(format!("there is no {method} {path}"))),
    }
}

async fn posted<D: Desk>(desk: &D, path: &str, body: &[u8]) -> Answered {
    let asked = match path {
        "/v1/acquire" => Asked::Acquire { claim: parsed(body)? },
        "/v1/order" => Asked::Order { order: parsed(body)? },
        "/v1/restore" => Asked::Restore { run: parsed::<Restore>(body)?.run },
        "/v1/renew" => {
            let EpochOf { run, epoch } = parsed(body)?;
            Asked::Renew { run, epoch }
        }
        "/v1/release" => {
            let EpochOf { run, epoch } = parsed(body)?;
            Asked::Release { run, epoch }
        }
        "/v1/stop" => return json(&desk.stop(parsed(body)?)),
        "/v1/upgrade" => return json(&desk.upgrade(parsed(body)?).await?),
        path => return Err(Refusal::Never(format!("there is no POST {path}"))),
    };
    match desk.ask(asked).await? {
        Reply::Acquisition(acquisition) => json(&acquisition),
        Reply::Answer(answer) => json(&answer),
        Reply::Restoration(restoration) => json(&restoration),
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Never(format!("the body: {error}")))
}

fn json(value: &impl Serialize) -> Answered {
    let bytes = serde_json::to_vec(value).map_err(|error| Refusal::Never(error.to_string()))?;
    Ok(("application/json", bytes.into()))
}
