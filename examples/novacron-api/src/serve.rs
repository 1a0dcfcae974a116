//! From the environment to a listening service, and its drain.
//!
//! ```text
//! start -> serving -- SIGTERM or SIGINT --> lingering -- nothing in flight --> closing --> exit 0
//! ```
//! While it lingers it is not ready, still accepts, and closes each connection with its answer, so that whoever
//! holds connections hears of the end without losing a request. Then idle connections are closed.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::{App, router};
use crate::cache::Cache;
use crate::config::Config;
use crate::database::Database;
use crate::fault::Faults;
use crate::lifecycle::Lifecycle;
use crate::metrics::AppMetrics;

/// From the signal, at least this long new connections are answered.
const LINGER: Duration = Duration::from_millis(250);
/// From the signal, at most this long requests are waited for.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// A connection that sends no request for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// How often the simulated streams move.
const STREAM_STEP: Duration = Duration::from_millis(250);
/// Most connections at a time; further ones are closed at once.
const MAX_CONNECTIONS: usize = 8192;

/// Runs the service of that version until it is told to end. Exit 2: the environment is wrong.
pub fn main_with(version: &str) -> ExitCode {
    let started = Instant::now();
    let config = match Config::read(version, |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln!("novacron-api: {error}");
            }
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("novacron-api: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(config, started)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("novacron-api: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens everything that the answers need.
///
/// # Errors
/// The database cannot be opened.
pub fn open(config: Config, started: Instant) -> Result<Arc<App>, crate::database::DatabaseError> {
    let metrics = Arc::new(AppMetrics::new(&config.labels));
    Ok(Arc::new(App {
        database: Database::open(&config.database, Arc::clone(&metrics))?,
        cache: Cache::default(),
        faults: Faults::new(config.fault, started),
        lifecycle: Arc::default(),
        labels: config.labels,
        metrics,
    }))
}

async fn run(config: Config, started: Instant) -> Result<(), String> {
    let mut term = signal(SignalKind::terminate()).map_err(|error| format!("signals: {error}"))?;
    let mut int = signal(SignalKind::interrupt()).map_err(|error| format!("signals: {error}"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("cannot listen: {error}"))?;
    let app = open(config, started).map_err(|error| error.to_string())?;
    println!("novacron-api {} listening on {address}", app.labels.version);
    let background = tokio::spawn(background(Arc::clone(&app)));
    let stop = async {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    };
    let drained = serve(listener, router(Arc::clone(&app)), &app.lifecycle, stop).await;
    background.abort();
    if drained { Ok(()) } else { Err(format!("requests did not end within {} s", DRAIN_MAX.as_secs())) }
}

async fn background(app: Arc<App>) {
    let streams = async {
        let mut steps = tokio::time::interval(STREAM_STEP);
        loop {
            steps.tick().await;
            app.metrics.advance_stream();
        }
    };
    tokio::join!(streams, app.faults.run());
}

/// Serves until `stop`, then drains. Returns whether every connection ended by itself.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    lifecycle: &Lifecycle,
    stop: impl Future<Output = ()>,
) -> bool {
    let connections = Connections::new(router);
    tokio::select! {
        () = stop => {}
        () = connections.accept(&listener) => {}
    }
    lifecycle.drain();
    let enough = async {
        tokio::time::sleep(LINGER).await;
        lifecycle.idle().await;
    };
    tokio::select! {
        _ = timeout(DRAIN_MAX, enough) => {}
        () = connections.accept(&listener) => {}
    }
    // What the kernel has already accepted must not be reset by closing the listener.
    let _ = timeout(Duration::ZERO, connections.accept(&listener)).await;
    drop(listener);
    timeout(DRAIN_MAX, connections.graceful.shutdown()).await.is_ok()
}

struct Connections {
    router: Router,
    graceful: GracefulShutdown,
    places: Arc<Semaphore>,
}

impl Connections {
    fn new(router: Router) -> Self {
        Self { router, graceful: GracefulShutdown::new(), places: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }

    /// Accepts for ever.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.begin(stream),
                // Out of file descriptors, most likely: the connections that end make room.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn begin(&self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        // Answers are small and whole; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            // A client that hangs up is its own business.
            let _ = connection.await;
            drop(place);
        });
    }
}
