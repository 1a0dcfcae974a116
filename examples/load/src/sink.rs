//! The webhook sink: takes JSON by POST and keeps it, one line a notice.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

/// Largest body.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest number of connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// How long a request may take to arrive.
const ARRIVE_MAX: Duration = Duration::from_secs(5);
/// How long what is in flight may take at the end.
const END_MAX: Duration = Duration::from_secs(2);

/// Takes notices until `stop` resolves.
pub async fn take(listener: TcpListener, out: File, stop: impl Future<Output = ()>) {
    let out = Rc::new(RefCell::new(out));
    LocalSet::new()
        .run_until(async {
            let mut connections = JoinSet::new();
            tokio::select! {
                () = stop => {}
                () = accept(&listener, &out, &mut connections) => {}
            }
            let _ = timeout(END_MAX, connections.join_all()).await;
        })
        .await;
}

async fn accept(listener: &TcpListener, out: &Rc<RefCell<File>>, connections: &mut JoinSet<()>) {
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn_local(serve(stream, Rc::clone(out)));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, out: Rc<RefCell<File>>) {
    let service = service_fn(move |request| {
        let out = Rc::clone(&out);
        async move { Ok::<_, Infallible>(answer(request, &out).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ARRIVE_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever hangs up has sent nothing to keep.
    let _ = served.await;
}

async fn answer(request: Request<Incoming>, out: &RefCell<File>) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "send a notice by POST\n");
    }
    let body = match timeout(ARRIVE_MAX, Limited::new(request.into_body(), MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "a notice has at most 64 KiB\n");
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the body was cut\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    };
    // Written anew, so that a notice of several lines is one.
    let Ok(notice) = serde_json::from_slice::<Value>(&body) else {
        return plain(StatusCode::BAD_REQUEST, "the body is not JSON\n");
    };
    match out.borrow_mut().write_all(format!("{notice}\n").as_bytes()) {
        Ok(()) => plain(StatusCode::NO_CONTENT, ""),
        Err(error) => {
            eprintln!("webhook-sink: {error}");
            plain(StatusCode::INSUFFICIENT_STORAGE, "the notice cannot be kept\n")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}
