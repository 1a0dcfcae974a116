//! The splitter on a thread of its own, so that nothing of the target ever holds up a request.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use adapter_proxy::{Splitter, serve};
use tokio::sync::oneshot;

use crate::problem::Problem;

/// How the splitter ends: silent connections are closed after `linger`, requests under way after `max`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(crate) linger: Duration,
    pub(crate) max: Duration,
}

/// The running splitter.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
    address: SocketAddr,
    closing: oneshot::Sender<Closing>,
    thread: JoinHandle<()>,
}

impl Front {
    /// Serves what arrives at `listener`.
    pub(crate) fn open(listener: TcpListener, splitter: Splitter) -> Result<Self, Problem> {
        listener.set_nonblocking(true).map_err(Problem::unexpected)?;
        let address = listener.local_addr().map_err(Problem::unexpected)?;
        let own = listener.try_clone().map_err(Problem::unexpected)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Problem::unexpected)?;
        let (closing, closed) = oneshot::channel();
        let thread = std::thread::Builder::new().name("splitter".into()).spawn(move || {
            runtime.block_on(async move {
                match tokio::net::TcpListener::from_std(own) {
                    Ok(listener) => through(listener, splitter, closed).await,
                    Err(error) => eprintln!("the splitter does not listen: {error}"),
                }
            });
        });
        Ok(Self { listener, address, closing, thread: thread.map_err(Problem::unexpected)? })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The listening socket, for a successor.
    pub(crate) fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// Accepts no more, lets requests end, and returns when the thread has.
    pub(crate) async fn close(self, closing: Closing) {
        drop(self.listener);
        // A thread that has ended already hears nothing.
        let _ = self.closing.send(closing);
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

async fn through(listener: tokio::net::TcpListener, splitter: Splitter, closed: oneshot::Receiver<Closing>) {
    let mut closing = Closing { linger: Duration::ZERO, max: Duration::ZERO };
    let stop = async {
        if let Ok(asked) = closed.await {
            closing = asked;
        }
    };
    let doors = serve(listener, splitter, stop).await;
    doors.close(closing.linger, closing.max).await;
}
