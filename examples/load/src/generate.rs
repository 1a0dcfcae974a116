//! The run: begins each request when it is due, never later because another one is slow.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::Method;
use tokio::task::LocalSet;

use crate::failures::{Failed, Failures};
use crate::options::Options;
use crate::pool::Pool;
use crate::request::{Ask, Failure, Outcome, send};
use crate::schedule::{Kind, Schedule};
use crate::summary::{Summary, Tally};

/// How often the stop file is looked for.
const STOP_EVERY: Duration = Duration::from_millis(200);
/// How often the end of what is in flight is looked for.
const SETTLE_EVERY: Duration = Duration::from_millis(5);
/// Where writes go.
const WRITE_PATH: &str = "/api/v1/vms";

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file for failed requests cannot be written: choose another one.
    #[error("--out {}: {source}", path.display())]
    Out {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The stop file is there already: remove it.
    #[error("--stop-file {} exists already: remove it first", .0.display())]
    Stopped(PathBuf),
    /// The histogram cannot be made.
    #[error("histogram: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),
}

/// What all requests share.
struct Run {
    options: Options,
    schedule: Schedule,
    pool: Pool,
    started: Instant,
    started_ms: u64,
    in_flight: Cell<u32>,
    tally: RefCell<Tally>,
    failures: RefCell<Failures>,
}

/// Runs until its time is over, `stop` resolves, or the stop file exists; then waits for what is in flight.
///
/// # Errors
/// Before the first request only: see [`LoadError`].
pub async fn generate(options: Options, stop: impl Future<Output = ()>) -> Result<Summary, LoadError> {
    if let Some(path) = options.stop_file.as_deref().filter(|path| path.exists()) {
        return Err(LoadError::Stopped(path.to_owned()));
    }
    let failures = Failures::create(options.out.as_deref())
        .map_err(|source| LoadError::Out { path: options.out.clone().unwrap_or_default(), source })?;
    let stop_file = options.stop_file.clone();
    let run = Rc::new(Run {
        schedule: Schedule {
            rate: options.rate,
            run: options.run,
            writes: options.writes,
            paths: options.paths.len(),
        },
        pool: Pool::new(options.url.address.clone()),
        started: Instant::now(),
        started_ms: unix_ms(),
        in_flight: Cell::new(0),
        tally: RefCell::new(Tally::new()?),
        failures: RefCell::new(failures),
        options,
    });
    let sending = LocalSet::new().run_until(until_settled(Rc::clone(&run), stop, stop_file)).await;
    // Nothing is in flight any more, so this is the last word.
    let tally = run.tally.replace(Tally::new()?);
    Ok(tally.finish(sending))
}

async fn until_settled(run: Rc<Run>, stop: impl Future<Output = ()>, stop_file: Option<PathBuf>) -> Duration {
    tokio::select! {
        () = begin_all(&run) => {}
        () = stop => {}
        () = appears(stop_file.as_deref()) => {}
    }
    let sending = run.started.elapsed();
    // Each request has a deadline of its own, so this ends.
    while run.in_flight.get() > 0 {
        tokio::time::sleep(SETTLE_EVERY).await;
    }
    sending
}

/// Begins every request at its due time, and ends with the run's time.
async fn begin_all(run: &Rc<Run>) {
    let mut number = 0;
    while let Some(due) = run.schedule.due(number) {
        let at = run.started + due;
        if at > Instant::now() {
            tokio::time::sleep_until(at.into()).await;
        } else if number % 64 == 0 {
            // Behind: others must still come to their turn.
            tokio::task::yield_now().await;
        }
        begin(run, number, due);
        number += 1;
    }
    tokio::time::sleep_until((run.started + run.options.run).into()).await;
}

fn begin(run: &Rc<Run>, number: u64, due: Duration) {
    let due_ms = run.started_ms + due.as_millis() as u64;
    if run.in_flight.get() >= run.options.in_flight {
        run.tally.borrow_mut().not_sent(due_ms);
        let path = run.ask(number).path;
        let failure = Failure::NoAnswer("not sent: too many requests in flight".to_owned());
        run.record(&path, due_ms, &failure, None);
        return;
    }
    run.in_flight.set(run.in_flight.get() + 1);
    let run = Rc::clone(run);
    tokio::task::spawn_local(async move {
        let ask = run.ask(number);
        run.tally.borrow_mut().began(run.started.elapsed().saturating_sub(due));
        let outcome = send(&run.pool, &ask, run.options.timeout).await;
        run.ended(&ask, &outcome, due, due_ms);
        run.in_flight.set(run.in_flight.get() - 1);
    });
}

impl Run {
    fn ask(&self, number: u64) -> Ask {
        let (method, path, body) = match self.schedule.kind(number) {
            Kind::Read(path) => (Method::GET, self.options.paths.get(path).cloned(), Bytes::new()),
            Kind::Write => {
                let body = format!(r#"{{"name":"load-{number}"}}"#);
                (Method::POST, Some(WRITE_PATH.to_owned()), Bytes::from(body))
            }
        };
        let authority = self.options.url.authority.clone();
        Ask { method, path: path.unwrap_or_default(), authority, body }
    }

    fn ended(&self, ask: &Ask, outcome: &Outcome, due: Duration, due_ms: u64) {
        self.tally.borrow_mut().ended(outcome, due_ms, self.started.elapsed().saturating_sub(due));
        if let Some(failure) = &outcome.failure {
            self.record(&ask.path, due_ms, failure, outcome.revision.as_deref());
        }
    }

    fn record(&self, path: &str, due_ms: u64, failure: &Failure, revision: Option<&str>) {
        let at_ms = self.started_ms + self.started.elapsed().as_millis() as u64;
        let (status, error) = match failure {
            Failure::Status(status) => (Some(*status), None),
            Failure::NoAnswer(why) => (None, Some(why.as_str())),
        };
        let failed = Failed { at_ms, due_ms, path, status, error, revision };
        if let Err(error) = self.failures.borrow_mut().write(&failed) {
            eprintln!("load: --out: {error}; failed requests are only counted from here on");
        }
    }
}

async fn appears(file: Option<&Path>) {
    let Some(file) = file else { return std::future::pending().await };
    let mut looks = tokio::time::interval(STOP_EVERY);
    while !file.exists() {
        looks.tick().await;
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
