//! A connection over TCP. The caller keeps the deadline.

use tokio::net::TcpStream;

use crate::Reason;

/// Connects to `HOST:PORT`.
pub(crate) async fn connect(address: &str) -> Result<TcpStream, Reason> {
    TcpStream::connect(address).await.map_err(|error| Reason::Unreachable(format!("{address}: {error}")))
}
