//! One GET over one connection: status 200, plain text, a bounded body.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ports::PortError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use crate::Source;

/// Fetches the body. The caller keeps the deadline; the connection ends with this call.
pub(crate) async fn fetch(source: &Source, path: &str, limit: usize) -> Result<Bytes, PortError> {
    match source {
        Source::Unix(socket) => {
            let stream = UnixStream::connect(socket).await.map_err(|error| lost("connect", &error))?;
            exchange(stream, "localhost", path, limit).await
        }
        Source::Tcp(address) => {
            let stream =
                TcpStream::connect(address.as_str()).await.map_err(|error| lost("connect", &error))?;
            exchange(stream, address, path, limit).await
        }
    }
}

async fn exchange<S>(stream: S, host: &str, path: &str, limit: usize) -> Result<Bytes, PortError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = Request::get(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header("accept", "text/plain; version=0.0.4")
        .body(Empty::<Bytes>::new())
        .map_err(|error| PortError::Refused(format!("the request: {error}")))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost("connect", &error))?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| lost("send", &error))?;
    acceptable(&answer)?;
    match Limited::new(answer.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(PortError::Malformed(format!("the body is over {limit} bytes")))
        }
        Err(error) => Err(lost("read", &error)),
    }
}

fn acceptable(answer: &Response<Incoming>) -> Result<(), PortError> {
    if answer.status() != StatusCode::OK {
        return Err(PortError::Malformed(format!("answered {}", answer.status())));
    }
    let kind = answer.headers().get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    match kind {
        Some(kind) if !kind.trim_start().to_ascii_lowercase().starts_with("text/plain") => {
            Err(PortError::Malformed(format!("content type {kind:?} instead of text/plain")))
        }
        _ => Ok(()),
    }
}

fn lost(what: &str, error: &dyn std::fmt::Display) -> PortError {
    PortError::Unreachable(format!("scrape: {what}: {error}"))
}
