//! One GET over one connection: a bounded body of a content type that was asked for.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ports::PortError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use crate::Source;

/// What a scrape takes: the richer format first.
const EXPOSITIONS: &str = "application/openmetrics-text; version=1.0.0;q=0.9, text/plain; version=1.0.0; \
                           escaping=allow-utf-8;q=0.8, text/plain; version=0.0.4;q=0.7";

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    /// Seconds, when the other side asks for patience.
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) body: Bytes,
}

/// Fetches an exposition. The caller keeps the deadline; the connection ends with this call.
pub(crate) async fn fetch(source: &Source, path: &str, limit: usize) -> Result<Answer, PortError> {
    let answer = ask(source, path, EXPOSITIONS, limit).await?;
    if answer.status == StatusCode::OK {
        Ok(answer)
    } else {
        Err(PortError::Malformed(format!("answered {}", answer.status)))
    }
}

/// Asks for one thing. The caller keeps the deadline.
pub(crate) async fn ask(
    source: &Source,
    path: &str,
    accept: &str,
    limit: usize,
) -> Result<Answer, PortError> {
    match source {
        Source::Unix(socket) => {
            let stream = UnixStream::connect(socket).await.map_err(|error| lost("connect", &error))?;
            exchange(stream, "localhost", path, accept, limit).await
        }
        Source::Tcp(address) => {
            let stream =
                TcpStream::connect(address.as_str()).await.map_err(|error| lost("connect", &error))?;
            exchange(stream, address, path, accept, limit).await
        }
    }
}

async fn exchange<S>(
    stream: S,
    host: &str,
    path: &str,
    accept: &str,
    limit: usize,
) -> Result<Answer, PortError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = Request::get(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(ACCEPT, accept)
        .body(Empty::<Bytes>::new())
        .map_err(|error| PortError::Refused(format!("the request: {error}")))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost("connect", &error))?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| lost("send", &error))?;
    let status = answer.status();
    let header = |name| text(&answer, name);
    let (content_type, wait) = (header(CONTENT_TYPE), header(RETRY_AFTER));
    match Limited::new(answer.into_body(), limit).collect().await {
        Ok(body) => Ok(Answer {
            status,
            content_type,
            retry_after_s: wait.and_then(|wait| wait.trim().parse().ok()),
            body: body.to_bytes(),
        }),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(PortError::Malformed(format!(
            "the body is over {limit} bytes: raise the limit `bytes`, or ask for less"
        ))),
        Err(error) => Err(lost("read", &error)),
    }
}

fn text(answer: &Response<Incoming>, name: hyper::header::HeaderName) -> Option<String> {
    answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn lost(what: &str, error: &dyn std::fmt::Display) -> PortError {
    PortError::Unreachable(format!("scrape: {what}: {error}"))
}
