//! Commands that take a while and end as their program says, and notices that are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ports::{Command, Ended, Jobs, LogRef, Notice, Notices, PortError, Started};
use tokio::sync::oneshot;

use crate::Universe;

/// Longest time of a command.
const LONGEST_MS: u64 = 5_000;
/// SIGTERM.
const TERMINATED: i32 = 15;

/// Runs commands: `false` fails, `hang` goes on until it is stopped, everything else succeeds.
#[derive(Clone, Debug)]
pub struct SimJobs {
    universe: Universe,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    pids: u32,
    ends: BTreeMap<String, oneshot::Sender<Ended>>,
}

/// Keeps what people were told.
#[derive(Clone, Debug, Default)]
pub struct SimNotices(Arc<Mutex<Vec<Notice>>>);

impl Universe {
    /// Runs the world's commands.
    pub fn jobs(&self) -> SimJobs {
        SimJobs { universe: self.clone(), running: Arc::default() }
    }
}

impl SimJobs {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, name: &str, code: Option<i32>, signal: Option<i32>) {
        if let Some(end) = self.running().ends.remove(name) {
            // Whoever waited may be gone.
            let _ = end.send(Ended { code, signal, log: LogRef::default() });
        }
    }
}

impl Jobs for SimJobs {
    async fn start(&self, command: Command) -> Result<(Started, oneshot::Receiver<Ended>), PortError> {
        let (end, ended) = oneshot::channel();
        let pid = {
            let mut running = self.running();
            running.pids += 1;
            running.ends.insert(command.name.clone(), end);
            running.pids
        };
        let program = command.argv.first().map_or("", String::as_str);
        if program != "hang" {
            let code = i32::from(program == "false");
            let after = Duration::from_millis(self.universe.draw(LONGEST_MS));
            let jobs = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                jobs.end(&command.name, Some(code), None);
            });
        }
        Ok((Started { pid }, ended))
    }

    async fn stop(&self, name: &str) -> Result<(), PortError> {
        self.end(name, None, Some(TERMINATED));
        Ok(())
    }
}

impl SimNotices {
    /// What was told.
    pub fn told(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Notices for SimNotices {
    async fn send(&self, notice: &Notice) -> Result<(), PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        Ok(())
    }
}
