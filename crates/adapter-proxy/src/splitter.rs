//! The splitter as its owner sees it: swap the table, read the counters, wait for an instance to rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use supervise::{RevisionId, Table};

use crate::counters::{Counted, Counters};
use crate::picker::Picker;
use crate::upstream::Upstream;

/// How long, how large, how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for a connection to an instance.
    pub connect: Duration,
    /// Longest wait from the request to the head of the answer.
    pub answer: Duration,
    /// Longest wait for the head of a request, also between two requests of one connection.
    pub idle: Duration,
    /// Head of a request, in bytes.
    pub head_bytes: usize,
    /// Connections of clients at one time.
    pub connections: usize,
    /// Instances that one request may be sent to.
    pub attempts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            head_bytes: 64 * 1024,
            connections: 16 * 1024,
            attempts: 8,
        }
    }
}

/// A handle; all clones are the same splitter.
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    picker: Mutex<Picker>,
    left: Mutex<Vec<Arc<Upstream>>>,
    counters: Mutex<BTreeMap<RevisionId, Arc<Counters>>>,
    pub(crate) limits: Limits,
    /// Clients are asked to open their next connection elsewhere.
    pub(crate) closing: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn picker(&self) -> MutexGuard<'_, Picker> {
        locked(&self.picker)
    }
}

impl Splitter {
    /// A splitter without a table: everything is answered 503.
    pub fn new(limits: Limits) -> Self {
        Self { inner: Arc::new(Inner { limits, ..Inner::default() }) }
    }

    /// Swaps the whole table. Requests that are under way end where they began.
    pub fn swap(&self, table: &Table) {
        let mut counters = locked(&self.inner.counters);
        let of = |revision: &RevisionId| Arc::clone(counters.entry(revision.clone()).or_default());
        let gone = self.inner.picker().swap(table, of);
        for upstream in &gone {
            upstream.leave();
        }
        let mut left = locked(&self.inner.left);
        left.extend(gone);
        left.retain(|upstream| upstream.in_flight() > 0);
    }

    /// Counters of all revisions that ever were in the table and were not forgotten.
    pub fn counted(&self) -> Vec<(RevisionId, Counted)> {
        let counters = locked(&self.inner.counters);
        counters.iter().map(|(revision, counters)| (revision.clone(), counters.read())).collect()
    }

    /// Forgets the counters of revisions that are neither in the table nor `known`.
    pub fn forget_all_but(&self, known: impl Fn(&RevisionId) -> bool) {
        let mut counters = locked(&self.inner.counters);
        let picker = self.inner.picker();
        counters.retain(|revision, _| known(revision) || picker.names(revision));
    }

    /// Returns when the instance has no request under way, or after `max`; `false` then.
    pub async fn rested(&self, incarnation: u32, max: Duration) -> bool {
        let in_table = self.inner.picker().upstream(incarnation).cloned();
        let upstream = in_table.or_else(|| {
            let left = locked(&self.inner.left);
            left.iter().find(|upstream| upstream.incarnation == incarnation).cloned()
        });
        let Some(upstream) = upstream else {
            return true;
        };
        tokio::time::timeout(max, upstream.rested()).await.is_ok()
    }

    /// From now on every answer asks the client to close its connection.
    pub fn close_after_answers(&self) {
        self.inner.closing.store(true, SeqCst);
    }
}
