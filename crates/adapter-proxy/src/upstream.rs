//! One instance as the splitter sees it: where it listens, its idle connections, its requests under way.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::counters::Tally;

/// Idle connections that are kept to one instance.
const IDLE_MAX: usize = 256;

/// What is sent on: the client's body, or none.
pub(crate) type Outgoing = Either<Incoming, Empty<Bytes>>;

/// One connection to an instance.
pub(crate) type Wire = SendRequest<Outgoing>;

/// One instance.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) incarnation: u32,
    pub(crate) port: u16,
    pub(crate) tally: Arc<Tally>,
    idle: Mutex<Vec<Wire>>,
    in_flight: AtomicU32,
    left: AtomicBool,
    rested: Notify,
}

impl Upstream {
    pub(crate) fn new(incarnation: u32, port: u16, tally: Arc<Tally>) -> Self {
        let idle = Mutex::default();
        let (in_flight, left, rested) = (AtomicU32::new(0), AtomicBool::new(false), Notify::new());
        Self { incarnation, port, tally, idle, in_flight, left, rested }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was used before and still seems open. The newest first: the instance closes the oldest.
    pub(crate) async fn reuse(&self) -> Option<Wire> {
        loop {
            let mut wire = self.idle().pop()?;
            if !wire.is_closed() && wire.ready().await.is_ok() {
                return Some(wire);
            }
        }
    }

    /// A new connection.
    pub(crate) async fn connect(&self, max: Duration) -> io::Result<Wire> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = timeout(max, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (wire, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(async move {
            // How it ended is seen by whoever has a request on it.
            let _ = connection.await;
        });
        Ok(wire)
    }

    /// Keeps a connection whose answer has been read to the end.
    pub(crate) fn keep(&self, wire: Wire) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX && !self.left.load(SeqCst) && !wire.is_closed() {
            idle.push(wire);
        }
    }

    /// It gets no new request: its idle connections are closed.
    pub(crate) fn leave(&self) {
        self.left.store(true, SeqCst);
        self.idle().clear();
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(SeqCst)
    }

    /// Returns when no request is under way.
    pub(crate) async fn rested(&self) {
        loop {
            let rested = self.rested.notified();
            if self.in_flight() == 0 {
                return;
            }
            rested.await;
        }
    }
}

/// A request under way on one instance.
#[derive(Debug)]
pub(crate) struct Flight(pub(crate) Arc<Upstream>);

impl Flight {
    pub(crate) fn begin(upstream: &Arc<Upstream>) -> Self {
        upstream.in_flight.fetch_add(1, SeqCst);
        Self(Arc::clone(upstream))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, SeqCst) == 1 {
            self.0.rested.notify_waiters();
        }
    }
}
