//! One GET over HTTP/1.1, and the answer against what is expected.

use bytes::Bytes;
use health::checks::Expect;
use health::checks::url::Url;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::connect::connect;
use crate::{BYTES_MAX, Reason};

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Asks once; the connection ends with this call.
pub(crate) async fn get(url: &Url, accept: &str) -> Result<Answer, Reason> {
    let stream = connect(&url.address).await?;
    let request = Request::get(&url.path)
        .header(HOST, &url.address)
        .header(CONNECTION, "close")
        .header(ACCEPT, accept)
        .body(Empty::<Bytes>::new())
        .map_err(|error| Reason::Protocol(format!("{url} cannot be asked for: {error}")))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(lost)?;
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await.map_err(unread)?;
    Ok(Answer { status, content_type, body: body.to_bytes() })
}

/// What went wrong on a connection.
pub(crate) fn lost(error: hyper::Error) -> Reason {
    if error.is_parse() {
        return Reason::Protocol(format!("what answers does not speak HTTP: {error}"));
    }
    Reason::Lost(error.to_string())
}

/// Why a body could not be read whole.
pub(crate) fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> Reason {
    if error.is::<LengthLimitError>() { Reason::TooLarge(BYTES_MAX) } else { Reason::Lost(error.to_string()) }
}

/// Asks, and compares.
pub(crate) async fn check(url: &Url, expect: &Expect) -> Result<(), Reason> {
    let answer = get(url, "*/*").await?;
    status(answer.status, expect)?;
    if let Some(part) = &expect.contains {
        let found = answer.body.windows(part.len().max(1)).any(|window| window == part.as_bytes());
        if !found && !part.is_empty() {
            return Err(Reason::Body(part.clone()));
        }
    }
    json(&answer.body, &expect.json)
}

/// Whether that is a status that is wanted.
pub(crate) fn status(got: u16, expect: &Expect) -> Result<(), Reason> {
    let (from, to) = match expect.status {
        Some(status) => (status, status),
        None if expect.redirects => (200, 399),
        None => (200, 299),
    };
    if (from..=to).contains(&got) {
        return Ok(());
    }
    let want = if from == to { from.to_string() } else { format!("{from} to {to}") };
    Err(Reason::Status { got, want })
}

fn json(body: &[u8], expected: &[(String, String)]) -> Result<(), Reason> {
    if expected.is_empty() {
        return Ok(());
    }
    let document: Value = serde_json::from_slice(body)
        .map_err(|error| Reason::Json(format!("the body is not JSON: {error}")))?;
    for (pointer, want) in expected {
        let got = document.pointer(pointer);
        let got =
            got.ok_or_else(|| Reason::Json(format!("nothing stands at {pointer}, {want} is expected")))?;
        let text = got.as_str().map_or_else(|| got.to_string(), ToOwned::to_owned);
        if text != *want {
            return Err(Reason::Json(format!("at {pointer} is {text}, {want} is expected")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_a_pointer_is_compared_as_text_or_as_json() {
        let body = br#"{"status": "ok", "db": {"up": true, "n": [1, 2]}}"#;
        let of = |pointer: &str, want: &str| json(body, &[(pointer.to_owned(), want.to_owned())]);
        for (pointer, want) in [("/status", "ok"), ("/db/up", "true"), ("/db/n/1", "2"), ("/db/n", "[1,2]")] {
            assert_eq!(of(pointer, want), Ok(()), "{pointer}");
        }
        for (pointer, want) in [("/status", "OK"), ("/db/up", "false"), ("/db/m", "1")] {
            assert_eq!(of(pointer, want).expect_err(pointer).name(), "json");
        }
        assert!(json(b"<html>", &[("/a".into(), "b".into())]).is_err());
    }
}
