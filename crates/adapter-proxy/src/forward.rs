//! One request on its way: pick an instance, send, pass the answer back; try another where nothing was sent.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use http_body_util::{Either, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use tokio::time::timeout;

use crate::body::{Body, Passed};
use crate::counters::Ending;
use crate::headers::{X_NOVA_REVISION, add_forwarded_for, strip_hop_by_hop};
use crate::picker::Picked;
use crate::splitter::Inner;
use crate::upstream::{Outgoing, Wire};

/// What can be sent again: a request without a body under a method that may be repeated.
#[derive(Clone)]
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn request(self) -> Request<Outgoing> {
        let mut request = Request::new(Either::Right(Empty::new()));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Why one attempt gave no answer.
enum Unsent {
    /// Nothing reached the instance; the request is as it was.
    Before(Box<Request<Outgoing>>),
    /// It may have been received; only our own clone can be sent again.
    Lost(String),
    /// No answer in time.
    Late,
}

/// Our own answer to a request that is not passed on.
type Refusal = (StatusCode, &'static str);

/// Answers one request.
pub(crate) async fn forward(
    inner: &Inner,
    client: &HeaderValue,
    request: Request<Incoming>,
) -> Response<Body> {
    let mut answer = match prepared(inner.limits.head_bytes, client, request) {
        Ok(request) => send(inner, request).await,
        Err((status, text)) => {
            let mut answer = line(status, text);
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            answer
        }
    };
    if inner.closing.load(Relaxed) {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn prepared(
    head_max: usize,
    client: &HeaderValue,
    request: Request<Incoming>,
) -> Result<Request<Outgoing>, Refusal> {
    // hyper's own limit is that of its buffer, which may hold a second read.
    let head: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if head > head_max {
        return Err((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too large"));
    }
    if request.headers().contains_key(header::UPGRADE) || request.method() == Method::CONNECT {
        return Err((StatusCode::NOT_IMPLEMENTED, "upgrades and tunnels are not supported"));
    }
    let (mut parts, incoming) = request.into_parts();
    if parts.uri.authority().is_some() {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let Ok(uri) = path.parse() else {
            return Err((StatusCode::BAD_REQUEST, "the path is not understood"));
        };
        parts.uri = uri;
    }
    parts.version = Version::HTTP_11;
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.remove(header::EXPECT);
    add_forwarded_for(&mut parts.headers, client);
    let body = if incoming.is_end_stream() { Either::Right(Empty::new()) } else { Either::Left(incoming) };
    Ok(Request::from_parts(parts, body))
}

async fn send(inner: &Inner, mut request: Request<Outgoing>) -> Response<Body> {
    let Some(mut picked) = inner.picker().pick() else {
        return line(StatusCode::SERVICE_UNAVAILABLE, "no revision has a ready instance");
    };
    let mut tried = Vec::new();
    loop {
        let begun = Instant::now();
        match attempt(inner, &picked, request).await {
            Ok((answer, wire)) => return passed(picked, answer, wire, begun),
            Err(unsent) => {
                picked.count(Ending::Failure, begun.elapsed());
                request = match unsent {
                    Unsent::Before(request) => *request,
                    Unsent::Lost(why) => {
                        return named(
                            line(StatusCode::BAD_GATEWAY, format!("the instance broke off: {why}")),
                            &picked,
                        );
                    }
                    Unsent::Late => {
                        return named(
                            line(StatusCode::GATEWAY_TIMEOUT, "the instance did not answer in time"),
                            &picked,
                        );
                    }
                };
            }
        }
        tried.push(picked.flight.0.incarnation);
        let next = inner.picker().pick_other(&tried, &picked.name);
        match next.filter(|_| tried.len() < inner.limits.attempts) {
            Some(next) => picked = next,
            None => return named(line(StatusCode::BAD_GATEWAY, "no instance takes connections"), &picked),
        }
    }
}

/// One instance: first over a connection that is there, then, if that was closed meanwhile, over a new one.
async fn attempt(
    inner: &Inner,
    picked: &Picked,
    mut request: Request<Outgoing>,
) -> Result<(Response<Incoming>, Wire), Unsent> {
    let upstream = &picked.flight.0;
    if let Some(mut wire) = upstream.reuse().await {
        let repeatable = repeatable(&request);
        match exchange(inner, &mut wire, request).await {
            Ok(answer) => return Ok((answer, wire)),
            Err(Unsent::Before(same)) => request = *same,
            Err(Unsent::Lost(why)) => request = repeatable.map(Head::request).ok_or(Unsent::Lost(why))?,
            Err(Unsent::Late) => return Err(Unsent::Late),
        }
    }
    let Ok(mut wire) = upstream.connect(inner.limits.connect).await else {
        return Err(Unsent::Before(Box::new(request)));
    };
    let answer = exchange(inner, &mut wire, request).await?;
    Ok((answer, wire))
}

async fn exchange(
    inner: &Inner,
    wire: &mut Wire,
    request: Request<Outgoing>,
) -> Result<Response<Incoming>, Unsent> {
    match timeout(inner.limits.answer, wire.try_send_request(request)).await {
        Err(_) => Err(Unsent::Late),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(mut error)) => match error.take_message() {
            Some(request) => Err(Unsent::Before(Box::new(request))),
            None => Err(Unsent::Lost(error.into_error().to_string())),
        },
    }
}

fn repeatable(request: &Request<Outgoing>) -> Option<Head> {
    let bodyless = matches!(request.body(), Either::Right(_));
    (bodyless && request.method().is_idempotent()).then(|| Head {
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
    })
}

fn passed(picked: Picked, answer: Response<Incoming>, wire: Wire, begun: Instant) -> Response<Body> {
    let (mut parts, incoming) = answer.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.insert(X_NOVA_REVISION, picked.name);
    parts.version = Version::HTTP_11;
    let ending = if parts.status.is_server_error() { Ending::ServerError } else { Ending::Answered };
    let (flight, counters) = (picked.flight, picked.counters);
    let passed = Passed { incoming, wire: Some(wire), flight, counters, begun, ending, counted: false };
    Response::from_parts(parts, Body::passed(passed))
}

fn named(mut answer: Response<Body>, picked: &Picked) -> Response<Body> {
    answer.headers_mut().insert(X_NOVA_REVISION, picked.name.clone());
    answer
}

fn line(status: StatusCode, text: impl AsRef<str>) -> Response<Body> {
    let mut answer = Response::new(Body::line(format!("{}\n", text.as_ref())));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
