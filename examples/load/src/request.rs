//! One request: sent, retried once where a browser would, and judged.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, Response};
use tokio::time::timeout;

use crate::pool::{Pool, Taken};

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longest header value that is kept.
const MAX_LABEL_BYTES: usize = 128;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Answered with 500 or above.
    Status(u16),
    /// No whole answer: why.
    NoAnswer(String),
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it failed.
    pub failure: Option<Failure>,
    /// Whether it was sent a second time.
    pub retried: bool,
    /// Who answered: header `x-nova-revision`.
    pub revision: Option<String>,
    /// Who answered: header `x-novacron-version`.
    pub version: Option<String>,
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Ask {
    /// GET or POST.
    pub method: Method,
    /// With its query.
    pub path: String,
    /// Host header.
    pub authority: String,
    /// JSON, empty for a GET.
    pub body: Bytes,
}

impl Ask {
    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path.as_str())
            .header(HOST, self.authority.as_str());
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(self.body.clone()))
            .map_err(|error| Failure::NoAnswer(format!("request: {error}")))
    }
}

/// Sends within `within`, a retry included.
pub async fn send(pool: &Pool, ask: &Ask, within: Duration) -> Outcome {
    let mut retried = false;
    let answered = timeout(within, attempt(pool, ask, &mut retried)).await;
    let late = || Err(Failure::NoAnswer(format!("timeout: no answer in {} ms", within.as_millis())));
    match answered.unwrap_or_else(|_| late()) {
        Ok((status, headers)) => Outcome {
            failure: (status >= 500).then_some(Failure::Status(status)),
            retried,
            revision: label(&headers, "x-nova-revision"),
            version: label(&headers, "x-novacron-version"),
        },
        Err(failure) => Outcome { failure: Some(failure), retried, revision: None, version: None },
    }
}

async fn attempt(pool: &Pool, ask: &Ask, retried: &mut bool) -> Result<(u16, HeaderMap), Failure> {
    let Taken { mut connection, reused } = pool.take().await?;
    let mut answer = connection.send_request(ask.request()?).await;
    if let Err(error) = &answer
        && reused
        && ask.method == Method::GET
        && closed_before_an_answer(error)
    {
        *retried = true;
        connection = pool.connect().await?;
        answer = connection.send_request(ask.request()?).await;
    }
    let answer = answer.map_err(|error| Failure::NoAnswer(chain("send", &error)))?;
    let (status, headers) = read(answer).await?;
    pool.give_back(connection);
    Ok((status, headers))
}

/// The server closed an idle connection while the request was on its way: not one byte of an answer has come.
fn closed_before_an_answer(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled()
}

async fn read(answer: Response<Incoming>) -> Result<(u16, HeaderMap), Failure> {
    let (head, body) = answer.into_parts();
    match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(_) => Ok((head.status.as_u16(), head.headers)),
        Err(error) => Err(Failure::NoAnswer(chain("body", error.as_ref()))),
    }
}

/// The error with its causes.
fn chain(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn label(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_LABEL_BYTES).then(|| value.to_owned())
}
