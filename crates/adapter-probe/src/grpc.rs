//! The gRPC health checking protocol over HTTP/2 without TLS: `grpc.health.v1.Health/Check`.
//!
//! Sources: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md> for the service, and `PROTOCOL-HTTP2.md`
//! beside it for the frames. The two messages have one field each and are written and read here by hand:
//! `HealthCheckRequest { string service = 1; }` and `HealthCheckResponse { ServingStatus status = 1; }` with UNKNOWN 0,
//! SERVING 1, NOT_SERVING 2, SERVICE_UNKNOWN 3. Compressed messages are not read, and not asked for.

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2;
use hyper::header::{CONTENT_TYPE, HeaderMap, TE};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use crate::connect::connect;
use crate::http::unread;
use crate::{BYTES_MAX, Reason};

/// The most that `grpc-timeout` can say in milliseconds: eight digits.
const TIMEOUT_MAX_MS: u64 = 99_999_999;

/// Asks the server for the health of a service, of itself when the name is empty.
pub(crate) async fn check(address: &str, service: &str, within_ms: u64) -> Result<(), Reason> {
    let stream = connect(address).await?;
    let request = Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header("grpc-timeout", format!("{}m", within_ms.clamp(1, TIMEOUT_MAX_MS)))
        .body(Full::new(request(service)))
        .map_err(|error| Reason::Protocol(format!("{address} cannot be asked: {error}")))?;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(lost)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(lost)?;
    if answer.status() != StatusCode::OK {
        return Err(Reason::Status { got: answer.status().as_u16(), want: "200".to_owned() });
    }
    let head = answer.headers().clone();
    if !text(&head, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/grpc")) {
        return Err(Reason::Protocol("what answers speaks HTTP/2, and not gRPC".to_owned()));
    }
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await.map_err(unread)?;
    // An error without a message has its status in the head ("Trailers-Only").
    let tail = body.trailers().cloned().unwrap_or(head);
    status(&tail)?;
    serving(&body.to_bytes())
}

fn lost(error: hyper::Error) -> Reason {
    let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
    Reason::Lost(format!("{error}{cause}; is it gRPC without TLS?"))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The status of the call.
fn status(tail: &HeaderMap) -> Result<(), Reason> {
    let Some(code) = text(tail, "grpc-status") else {
        return Err(Reason::Protocol("the answer has no grpc-status; it was cut".to_owned()));
    };
    let message = text(tail, "grpc-message").unwrap_or_default();
    match code.as_str() {
        "0" => Ok(()),
        "5" => Err(Reason::ServiceUnknown),
        "12" => Err(Reason::Unimplemented),
        _ => Err(Reason::Grpc { code, message }),
    }
}

/// A frame with the request: flag of compression, length, message.
fn request(service: &str) -> Bytes {
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(0x0a);
        put_varint(&mut message, service.len() as u64);
        message.put_slice(service.as_bytes());
    }
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(&message);
    frame.freeze()
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Whether the one frame of the answer says SERVING.
fn serving(body: &[u8]) -> Result<(), Reason> {
    let malformed = || Reason::Protocol("the answer is no HealthCheckResponse".to_owned());
    let (head, message) = body.split_at_checked(5).ok_or_else(malformed)?;
    let [flag, length @ ..] = head else { return Err(malformed()) };
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    if *flag != 0 || length != message.len() {
        return Err(malformed());
    }
    match serving_status(message).ok_or_else(malformed)? {
        1 => Ok(()),
        2 => Err(Reason::NotServing),
        3 => Err(Reason::ServiceUnknown),
        other => Err(Reason::Protocol(format!("the service says status {other}, which is not SERVING"))),
    }
}

/// The last field 1 of the message, 0 without one; other fields are passed over.
fn serving_status(mut message: &[u8]) -> Option<u64> {
    let mut status = 0;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match (tag >> 3, tag & 7) {
            (1, 0) => status = varint(&mut message)?,
            (_, 0) => drop(varint(&mut message)?),
            (_, 1) => message = message.get(8..)?,
            (_, 2) => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                message = message.get(length..)?;
            }
            (_, 5) => message = message.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_framed_as_the_protocol_says() {
        assert_eq!(&request("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&request("api")[..], [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'p', b'i']);
        assert_eq!(request(&"x".repeat(300))[5..8], [0x0a, 0xac, 0x02]);
    }

    #[test]
    fn only_a_whole_answer_that_says_serving_passes() {
        assert_eq!(serving(&[0, 0, 0, 0, 2, 8, 1]), Ok(()));
        // Unknown fields of every wire type are passed over.
        assert_eq!(serving(&[0, 0, 0, 0, 8, 0x12, 1, 7, 0x18, 0x80, 1, 8, 1]), Ok(()));
        for (answer, name) in [
            (&[0, 0, 0, 0, 2, 8, 2][..], "not_serving"),
            (&[0, 0, 0, 0, 2, 8, 3], "service_unknown"),
            (&[0, 0, 0, 0, 2, 8, 0], "protocol"),
            (&[0, 0, 0, 0, 0], "protocol"),
            (&[], "protocol"),
            (&[0, 0, 0, 0, 3, 8, 1], "protocol"),
            (&[1, 0, 0, 0, 2, 8, 1], "protocol"),
            (&[0, 0, 0, 0, 1, 8], "protocol"),
            (&[0, 0, 0, 0, 2, 11, 1], "protocol"),
            (&[0, 0, 0, 0, 3, 0x12, 9, 1], "protocol"),
        ] {
            assert_eq!(serving(answer).expect_err(name).name(), name, "{answer:?}");
        }
    }
}
