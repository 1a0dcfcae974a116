//! Keep-alive connections to one address: the one used last is used first.

use std::cell::RefCell;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::request::Failure;

/// A connection that is not sending.
pub type Idle = SendRequest<Full<Bytes>>;

/// The connections that wait. Their number is bounded by what may be in flight.
#[derive(Debug)]
pub struct Pool {
    address: String,
    idle: RefCell<Vec<Idle>>,
}

/// A connection to send on.
#[derive(Debug)]
pub struct Taken {
    /// The connection.
    pub connection: Idle,
    /// Whether it has served before, so that the server may be closing it right now.
    pub reused: bool,
}

impl Pool {
    /// No connections yet.
    pub fn new(address: String) -> Self {
        Self { address, idle: RefCell::default() }
    }

    /// One that waits, or a new one.
    ///
    /// # Errors
    /// The server cannot be connected to.
    pub async fn take(&self) -> Result<Taken, Failure> {
        while let Some(mut connection) = self.pop() {
            // Its last answer is whole, so it is ready at once, or the server has closed it meanwhile.
            if connection.ready().await.is_ok() {
                return Ok(Taken { connection, reused: true });
            }
        }
        Ok(Taken { connection: self.connect().await?, reused: false })
    }

    /// A new one.
    ///
    /// # Errors
    /// The server cannot be connected to.
    pub async fn connect(&self) -> Result<Idle, Failure> {
        let stream = TcpStream::connect(&self.address)
            .await
            .map_err(|error| Failure::NoAnswer(format!("connect: {error}")))?;
        // Requests are small and whole; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::NoAnswer(format!("connect: {error}")))?;
        // Its errors arrive at the request that they hit.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(sender)
    }

    /// Gives one back after a whole answer.
    pub fn give_back(&self, connection: Idle) {
        if !connection.is_closed() {
            self.idle.borrow_mut().push(connection);
        }
    }

    fn pop(&self) -> Option<Idle> {
        self.idle.borrow_mut().pop()
    }
}
