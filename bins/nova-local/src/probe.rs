//! A check over HTTP: one request on a connection of its own, healthy when the answer is 200 to 399 in time.

use std::net::Ipv4Addr;
use std::time::Duration;

use supervise::HttpProbe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// `HTTP/1.1 200` is all that is read.
const STATUS_BYTES: usize = 12;

/// Whether the instance on `port` is healthy.
pub(crate) async fn healthy(port: u16, probe: &HttpProbe) -> bool {
    let status = timeout(Duration::from_millis(probe.timeout_ms), status(port, &probe.path)).await;
    matches!(status, Ok(Some(200..=399)))
}

async fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: nova-local\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = [0; STATUS_BYTES];
    stream.read_exact(&mut head).await.ok()?;
    let text = std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.")?;
    text.get(2..5)?.parse().ok()
}
