//! One connection of HTTP/1.1: a POST is a request, its answer is the answer.

use std::convert::Infallible;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dwcp_conformance::protocol::MAX_LINE;
use dwcp_conformance::world::{Broken, World};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::Sut;

/// A request has to come, headers first, within this time.
const HEADERS: Duration = Duration::from_mins(1);
/// Longest time to an answer, in milliseconds.
const ANSWER_MS: u64 = 60_000;

pub(super) fn carry(stream: TcpStream, mut sut: Sut) -> Result<(), Broken> {
    let gone = |error: String| Broken::Died(error);
    sut.start()?;
    stream.set_nonblocking(true).map_err(|error| gone(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| gone(error.to_string()))?;
    let sut = Arc::new(Mutex::new(sut));
    let served = runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).map_err(|error| error.to_string())?;
        let answering = Arc::clone(&sut);
        let service = service_fn(move |request| answer(Arc::clone(&answering), request));
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEADERS);
        server.serve_connection(TokioIo::new(stream), service).await.map_err(|error| error.to_string())
    });
    let ended = sut.lock().unwrap_or_else(PoisonError::into_inner).stop();
    served.map_err(gone).and(ended)
}

async fn answer(
    sut: Arc<Mutex<Sut>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let said = |status: StatusCode, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        Ok(response)
    };
    if request.method() != Method::POST {
        return said(StatusCode::METHOD_NOT_ALLOWED, "one request per POST".to_owned());
    }
    let body = tokio::time::timeout(HEADERS, Limited::new(request.into_body(), MAX_LINE).collect()).await;
    let Ok(Ok(body)) = body else {
        return said(StatusCode::PAYLOAD_TOO_LARGE, "a request has at most 1 MiB and a minute".to_owned());
    };
    let body = body.to_bytes();
    let line = std::str::from_utf8(&body).ok().map(|text| text.trim_end_matches('\n').to_owned());
    let Some(line) = line.filter(|line| !line.contains('\n')) else {
        return said(StatusCode::BAD_REQUEST, "one line of UTF-8".to_owned());
    };
    // This thread and its runtime serve one connection only, so that waiting here holds nobody else up.
    let mut sut = sut.lock().unwrap_or_else(PoisonError::into_inner);
    match sut.send(&line).and_then(|()| sut.receive(ANSWER_MS)) {
        Ok(Some(answer)) => said(StatusCode::OK, answer),
        Ok(None) => said(StatusCode::GATEWAY_TIMEOUT, "no answer within a minute".to_owned()),
        Err(broken) => said(StatusCode::BAD_GATEWAY, broken.to_string()),
    }
}
