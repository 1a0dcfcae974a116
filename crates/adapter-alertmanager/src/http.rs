//! One call over one connection, within a deadline, with a bounded answer.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use ports::PortError;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Bytes of an answer.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Calls and gives status and body.
pub(crate) async fn call(
    address: &str,
    deadline: Duration,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), PortError> {
    timeout(deadline, exchange(address, method, path, body)).await.map_err(|_| {
        PortError::Unreachable(format!("alertmanager: no whole answer in {} ms", deadline.as_millis()))
    })?
}

async fn exchange(
    address: &str,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), PortError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address)
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| PortError::Refused(format!("the request: {error}")))?;
    let stream = TcpStream::connect(address).await.map_err(|error| lost("connect", &error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost("connect", &error))?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| lost("send", &error))?;
    let status = answer.status();
    match Limited::new(answer.into_body(), BYTES_MAX).collect().await {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(PortError::Malformed(format!("alertmanager: the answer is over {BYTES_MAX} bytes")))
        }
        Err(error) => Err(lost("read", &error)),
    }
}

fn lost(what: &str, error: &dyn std::fmt::Display) -> PortError {
    PortError::Unreachable(format!("alertmanager: {what}: {error}"))
}
