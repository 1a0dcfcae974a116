//! Group commit: a thread that syncs a few milliseconds after the first write that asked for it.
//!
//! The system reports a failed sync once, to whoever asks first. So all syncs go through one gate, and the first
//! failure is kept: after it nothing that was written may be believed, and nothing more is taken.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::disk::Disk;

struct Plan {
    due: Option<Instant>,
    stop: bool,
}

struct Shared {
    disk: Arc<dyn Disk>,
    plan: Mutex<Plan>,
    wake: Condvar,
    /// The first failure. Held while syncing.
    failed: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn sync(&self) -> Result<(), String> {
        let mut failed = lock(&self.failed);
        if let Some(why) = failed.as_ref() {
            return Err(why.clone());
        }
        self.disk.sync().map_err(|why| failed.insert(format!("sync failed: {why}")).clone())
    }

    fn serve(&self) {
        let mut plan = lock(&self.plan);
        while !plan.stop {
            let Some(due) = plan.due else {
                plan = self.wake.wait(plan).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                plan = self.wake.wait_timeout(plan, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            plan.due = None;
            drop(plan);
            // The failure is kept and meets the next append.
            let _kept = self.sync();
            plan = lock(&self.plan);
        }
    }
}

/// Syncs now or soon, and remembers a failure for ever.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    window: Duration,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread. Writes that asked for it are synced at most `window` later.
    pub(crate) fn new(disk: Arc<dyn Disk>, window: Duration) -> io::Result<Self> {
        let plan = Mutex::new(Plan { due: None, stop: false });
        let shared = Arc::new(Shared { disk, plan, wake: Condvar::new(), failed: Mutex::new(None) });
        let serving = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("journal-commit".into()).spawn(move || serving.serve())?;
        Ok(Self { shared, window, thread: Some(thread) })
    }

    /// Why nothing may be written any more, if so. Does not wait for a sync that is under way.
    pub(crate) fn failed(&self) -> Option<String> {
        self.shared.failed.try_lock().ok().and_then(|failed| failed.clone())
    }

    /// From now on nothing may be written.
    pub(crate) fn fail(&self, why: String) {
        lock(&self.shared.failed).get_or_insert(why);
    }

    /// Asks for a sync within the window.
    pub(crate) fn soon(&self) {
        let mut plan = lock(&self.shared.plan);
        if plan.due.is_none() {
            plan.due = Some(Instant::now() + self.window);
            self.shared.wake.notify_one();
        }
    }

    /// Syncs and returns when it is done; a sync that was asked for is covered by this one.
    pub(crate) fn now(&self) -> Result<(), String> {
        self.shared.sync()?;
        lock(&self.shared.plan).due = None;
        Ok(())
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        let pending = {
            let mut plan = lock(&self.shared.plan);
            plan.stop = true;
            plan.due.take().is_some()
        };
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and there is nobody left to tell.
            let _ended = thread.join();
        }
        if pending {
            let _last = self.shared.sync();
        }
    }
}
