//! The gRPC health protocol against a server over HTTP/2 that answers by the name of the service.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use health::checks::Kind;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::named;

/// Data and trailers, one after the other.
struct Frames(VecDeque<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

fn trailers(code: &'static str) -> Frame<Bytes> {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", hyper::header::HeaderValue::from_static(code));
    Frame::trailers(map)
}

fn message(bytes: &'static [u8]) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(bytes))
}

/// What the service of that name says.
async fn answered(request: Request<Incoming>) -> Result<Response<Frames>, hyper::Error> {
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    assert_eq!(request.headers()["te"], "trailers");
    assert!(request.headers()["grpc-timeout"].to_str().is_ok_and(|it| it.ends_with('m')));
    let asked = request.into_body().collect().await?.to_bytes();
    let service = String::from_utf8(asked.get(7..).unwrap_or_default().to_vec()).expect("a name");
    let answer = Response::builder().header("content-type", "application/grpc+proto");
    let (answer, frames) = match service.as_str() {
        "" => (answer, vec![message(&[0, 0, 0, 0, 2, 8, 1]), trailers("0")]),
        "down" => (answer, vec![message(&[0, 0, 0, 0, 2, 8, 2]), trailers("0")]),
        "watched" => (answer, vec![message(&[0, 0, 0, 0, 2, 8, 3]), trailers("0")]),
        "unheard" => (answer.header("grpc-status", "5"), vec![]),
        "old" => (answer.header("grpc-status", "12"), vec![]),
        "busy" => (answer, vec![trailers("14")]),
        "lying" => (answer, vec![message(&[0, 0, 0, 0, 2, 8, 1]), trailers("13")]),
        "cut" => (answer, vec![message(&[0, 0, 0, 0, 2, 8, 1])]),
        "empty" => (answer, vec![trailers("0")]),
        "large" => (answer, vec![Frame::data(Bytes::from(vec![0; 2 << 20])), trailers("0")]),
        _ => (Response::builder().header("content-type", "text/html"), vec![]),
    };
    Ok(answer.body(Frames(frames.into())).expect("an answer"))
}

async fn server() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service_fn(answered)));
        }
    });
    (address, serving)
}

#[tokio::test]
async fn only_serving_passes_and_every_other_answer_has_its_name() {
    let (address, serving) = server().await;
    for (service, name) in [
        ("", "passed"),
        ("down", "not_serving"),
        ("watched", "service_unknown"),
        ("unheard", "service_unknown"),
        ("old", "unimplemented"),
        ("busy", "grpc_status"),
        ("lying", "grpc_status"),
        ("cut", "protocol"),
        ("empty", "protocol"),
        ("large", "too_large"),
        ("a web page", "protocol"),
    ] {
        let kind = Kind::Grpc { address: address.clone(), service: service.into() };
        assert_eq!(named(kind, 5_000).await, name, "{service}");
    }
    serving.abort();
}
