//! A tiny service for the tests of `nova-local`: answers on `PORT`, says who it is, drains on SIGTERM.
//!
//! `/ready` is 503 with `NEVER_READY`; `/live` is 503 with `NOT_LIVE`; `/exit` ends the process without an answer;
//! everything else is answered 200 after `DELAY_MS` with the line `VERSION PID`. With `GRPC` it speaks HTTP/2 and
//! answers every call with that number as its health (1 is SERVING); with `DEAF` it does not listen at all.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let refused = match request.uri().path() {
        "/ready" => set("NEVER_READY"),
        "/live" => set("NOT_LIVE"),
        "/exit" => std::process::exit(3),
        _ => {
            tokio::time::sleep(Duration::from_millis(number("DELAY_MS").unwrap_or(0))).await;
            false
        }
    };
    if let Some(health) = number("GRPC") {
        return Ok(serving(health as u8));
    }
    let who = std::env::var("NOVA_VERSION").unwrap_or_default();
    let mut response = Response::new(Full::new(format!("{who} {}\n", std::process::id()).into()));
    if refused {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

/// A `HealthCheckResponse` in its frame, with the status of the call in the head.
fn serving(health: u8) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(vec![0, 0, 0, 0, 2, 8, health].into()));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static("0"));
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = number("PORT").unwrap_or(0) as u16;
    let mut terminated = signal(SignalKind::terminate())?;
    if set("DEAF") {
        terminated.recv().await;
        return Ok(());
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let (drain, draining) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = terminated.recv() => break,
            accepted = listener.accept() => accepted?.0,
        };
        if set("GRPC") {
            let http2 = http2::Builder::new(TokioExecutor::new());
            let connection = http2.serve_connection(TokioIo::new(stream), service_fn(answer));
            connections.spawn(async move { drop(connection.await) });
            continue;
        }
        let mut draining = draining.clone();
        connections.spawn(async move {
            let mut connection =
                pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
            let told = async { draining.wait_for(|drain| *drain).await.map(|_| ()) };
            tokio::select! {
                _ = &mut connection => {}
                _ = told => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        });
    }
    drop(listener);
    let _ = drain.send(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}
