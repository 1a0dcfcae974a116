//! The webhook: one POST over one connection under one deadline.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use ports::{Notice, Notices, PortError};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Address, AddressError};

/// The time that one notice may take, connecting included.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Sends notices to one URL.
#[derive(Clone, Debug)]
pub struct Webhook {
    address: Address,
    deadline: Duration,
}

impl Webhook {
    /// A webhook at an `http://` URL, with the default [`DEADLINE`].
    ///
    /// # Errors
    /// The URL cannot be used: see [`AddressError`].
    pub fn new(url: &str) -> Result<Self, AddressError> {
        Ok(Self { address: Address::parse(url)?, deadline: DEADLINE })
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    fn request(&self, notice: &Notice) -> Result<Request<Full<Bytes>>, PortError> {
        let refused = |error: &dyn std::error::Error| PortError::Refused(format!("the notice: {error}"));
        let body = serde_json::to_vec(notice).map_err(|error| refused(&error))?;
        Request::post(&self.address.path)
            .header(HOST, &self.address.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| refused(&error))
    }

    /// Sends and waits for the status. The connection ends with this call.
    async fn post(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, PortError> {
        let lost = |what: &str, error: &dyn std::fmt::Display| {
            PortError::Unreachable(format!("webhook {}: {what}: {error}", self.address.authority))
        };
        let stream = TcpStream::connect((self.address.host.as_str(), self.address.port))
            .await
            .map_err(|error| lost("connect", &error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost("connect", &error))?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| lost("send", &error))?;
        Ok(answer.status())
    }
}

impl Notices for Webhook {
    async fn send(&self, notice: &Notice) -> Result<(), PortError> {
        let request = self.request(notice)?;
        let status = timeout(self.deadline, self.post(request)).await.map_err(|_| {
            let within = self.deadline.as_millis();
            PortError::Unreachable(format!("webhook {}: no answer in {within} ms", self.address.authority))
        })??;
        if status.is_success() {
            return Ok(());
        }
        let message = format!("webhook {}: answered {status}", self.address.authority);
        // A server in trouble may take the notice later; everything else will be answered the same again.
        Err(if status.is_server_error() {
            PortError::Unreachable(message)
        } else {
            PortError::Refused(message)
        })
    }
}
