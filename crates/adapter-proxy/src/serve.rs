//! The listening side: accept, serve each connection in a task of its own, close without losing a request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::body::Body;
use crate::forward::forward;
use crate::headers::address;
use crate::splitter::Splitter;

/// After a failed accept (no more descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The connections of clients, to be closed in the end.
#[derive(Debug)]
pub struct Doors {
    close: watch::Sender<bool>,
    slots: Arc<Semaphore>,
    limit: usize,
    splitter: Splitter,
}

impl Doors {
    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.limit.saturating_sub(self.slots.available_permits())
    }

    /// Lets every connection end after its next answer, so that no client finds one closed under its request.
    /// Connections that stay silent for `linger` are closed; what is under way then has until `max`.
    pub async fn close(self, linger: Duration, max: Duration) {
        self.splitter.close_after_answers();
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        if tokio::time::timeout(linger, self.slots.acquire_many(limit)).await.is_ok() {
            return;
        }
        // The receivers are the connections; when there is none left nothing has to be told.
        let _ = self.close.send(true);
        let _ = tokio::time::timeout(max, self.slots.acquire_many(limit)).await;
    }
}

/// Accepts until `stop` is ready, and hands back the connections that are open then.
pub async fn serve(listener: TcpListener, splitter: Splitter, stop: impl Future<Output = ()>) -> Doors {
    let limit = splitter.inner.limits.connections;
    let (close, closed) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(limit));
    let mut stop = pin!(stop);
    loop {
        let slot = tokio::select! {
            biased;
            () = &mut stop => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match (accepted, slot) {
            (Ok((stream, peer)), Ok(slot)) => {
                let (splitter, closed) = (splitter.clone(), closed.clone());
                tokio::spawn(async move {
                    connection(stream, peer.ip(), splitter, closed).await;
                    drop(slot);
                });
            }
            _ => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    Doors { close, slots, limit, splitter }
}

async fn connection(
    stream: TcpStream,
    peer: std::net::IpAddr,
    splitter: Splitter,
    mut closed: watch::Receiver<bool>,
) {
    // A socket that refuses the option is slower, nothing else.
    let _ = stream.set_nodelay(true);
    let limits = splitter.inner.limits;
    let client = address(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (inner, client) = (&splitter.inner, &client);
        async move { Ok::<Response<Body>, Infallible>(forward(inner, client, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(limits.head_bytes);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = told(&mut closed) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that went away or spoke nonsense is its own affair; hyper has answered what can be answered.
    let _ = ended;
}

/// Returns when connections are to be closed. The guard that `wait_for` gives must not live across an await.
async fn told(closed: &mut watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}
