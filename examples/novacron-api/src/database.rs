//! The database: one connection that reads, one that writes, each on a thread of its own.
//!
//! Jobs reach the threads through bounded queues and are waited for under a deadline, so that neither a slow write
//! nor another process that holds the database can hold up what needs no database. WAL lets the reader read while
//! somebody writes; writes begin with `BEGIN IMMEDIATE`, so that two writers wait for each other at the beginning
//! and never fail in the middle. `synchronous = NORMAL`: a power cut may lose the last writes, never the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::metrics::AppMetrics;

/// How long a writer waits for another one.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer waits for a read.
pub const READ_DEADLINE: Duration = Duration::from_secs(2);
/// How long an answer waits for a write: longer than [`BUSY_TIMEOUT`].
pub const WRITE_DEADLINE: Duration = Duration::from_secs(8);
/// Jobs that may wait for one connection.
const QUEUE: usize = 1024;
/// Rows that are always there, so that a load test finds them.
pub const SEED_ROWS: i64 = 20;
/// Rows that are kept besides; the oldest go first.
pub const KEPT_ROWS: i64 = 10_000;
/// Rows in one list.
const LIST_ROWS: i64 = 50;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be opened: look at the path, its owner, and the disk.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// Too many jobs wait. Try again later.
    #[error("the database is overloaded")]
    Overloaded,
    /// It took too long. A write may have happened.
    #[error("the database did not answer in time")]
    TooSlow,
    /// SQLite refused.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vm {
    /// From 1.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// `running` or `requested`.
    pub state: String,
    /// Version of the service that wrote it.
    pub written_by: String,
}

/// Both connections.
#[derive(Debug)]
pub struct Database {
    reader: Lane,
    writer: Lane,
    metrics: Arc<AppMetrics>,
}

/// The queue to one connection.
#[derive(Debug)]
struct Lane {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Database {
    /// Opens the database, creates its table, and starts the threads.
    ///
    /// # Errors
    /// [`DatabaseError::Open`] or [`DatabaseError::Thread`].
    pub fn open(path: &Path, metrics: Arc<AppMetrics>) -> Result<Self, DatabaseError> {
        let opened = |connection: rusqlite::Result<Connection>| {
            connection.map_err(|source| DatabaseError::Open { path: path.to_owned(), source })
        };
        let writer = opened(open_writer(path))?;
        let reader = opened(open_reader(path))?;
        metrics.connections(2);
        let (reader, writer) = (Lane::start("db-read", reader)?, Lane::start("db-write", writer)?);
        Ok(Self { reader, writer, metrics })
    }

    /// The newest rows first.
    pub async fn list(&self) -> Result<Vec<Vm>, DatabaseError> {
        self.run(&self.reader, "list", READ_DEADLINE, |connection| {
            let mut query = connection
                .prepare_cached("SELECT id, name, state, written_by FROM vms ORDER BY id DESC LIMIT ?1")?;
            query.query_map([LIST_ROWS], vm)?.collect()
        })
        .await
    }

    /// One row.
    pub async fn vm(&self, id: i64) -> Result<Option<Vm>, DatabaseError> {
        self.run(&self.reader, "vm", READ_DEADLINE, move |connection| {
            connection
                .prepare_cached("SELECT id, name, state, written_by FROM vms WHERE id = ?1")?
                .query_row([id], vm)
                .optional()
        })
        .await
    }

    /// Writes one row.
    pub async fn create(&self, name: String, version: String) -> Result<Vm, DatabaseError> {
        self.run(&self.writer, "create", WRITE_DEADLINE, move |connection| {
            let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached("INSERT INTO vms (name, state, written_by) VALUES (?1, 'requested', ?2)")?
                .execute(params![name, version])?;
            let id = transaction.last_insert_rowid();
            transaction
                .prepare_cached("DELETE FROM vms WHERE id > ?1 AND id <= ?2")?
                .execute([SEED_ROWS, id - KEPT_ROWS])?;
            transaction.commit()?;
            Ok(Vm { id, name, state: "requested".to_owned(), written_by: version })
        })
        .await
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.run(&self.reader, "ping", READ_DEADLINE, |connection| {
            connection.query_row("SELECT count(*) FROM (SELECT 1 FROM vms LIMIT 1)", [], |_| Ok(()))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        query: &'static str,
        deadline: Duration,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let begun = Instant::now();
        let (answer, answered) = oneshot::channel();
        let result = match lane.give(Box::new(move |connection| drop(answer.send(work(connection))))) {
            Err(error) => Err(error),
            Ok(()) => match tokio::time::timeout(deadline, answered).await {
                Ok(Ok(result)) => result.map_err(DatabaseError::Sqlite),
                Ok(Err(_)) | Err(_) => Err(DatabaseError::TooSlow),
            },
        };
        self.metrics.query(query, begun.elapsed(), result.is_ok());
        result
    }
}

impl Lane {
    fn start(name: &str, connection: Connection) -> Result<Self, DatabaseError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(connection, &queue))
            .map_err(DatabaseError::Thread)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn give(&self, job: Job) -> Result<(), DatabaseError> {
        match self.jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(DatabaseError::Overloaded),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(DatabaseError::TooSlow),
        }
    }
}

impl Drop for Lane {
    /// Ends the thread after the jobs that wait, so that the connection is closed and its log merged.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself; that it panicked was printed when it did.
            let _ = thread.join();
        }
    }
}

fn work(mut connection: Connection, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(&mut connection);
    }
}

fn vm(row: &rusqlite::Row<'_>) -> rusqlite::Result<Vm> {
    Ok(Vm { id: row.get(0)?, name: row.get(1)?, state: row.get(2)?, written_by: row.get(3)? })
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        into_wal(&connection)?;
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS vms (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            state TEXT NOT NULL,
            written_by TEXT NOT NULL
        );",
    )?;
    for id in 1..=SEED_ROWS {
        transaction.execute(
            "INSERT OR IGNORE INTO vms (id, name, state, written_by) VALUES (?1, ?2, 'running', 'seed')",
            params![id, format!("vm-{id}")],
        )?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// Changing the mode is the one statement that does not wait for others by itself: two instances that start at the
/// same time on a new file meet here.
fn into_wal(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > BUSY_TIMEOUT => return Err(error),
            Err(rusqlite::Error::SqliteFailure(cause, _))
                if cause.code == rusqlite::ErrorCode::DatabaseBusy =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
        }
    }
}
