//! Answers the control socket: questions go to the supervisor as events, views come from what was published.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use adapter_local::{Desk, PROTOCOL, Refusal, Resident, Status, Stop, Stopping, Upgrade, Upgraded, text};
use adapter_process::instances;
use adapter_proxy::Splitter;
use runner::Arrived;
use supervise::{Event, Observation, Reply, Request};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::published::Published;
use crate::shell::Waiting;

/// Longest wait for the supervisor. Shorter than that of the client, so that the reason arrives.
const REPLY_MAX: Duration = Duration::from_secs(4);
const HANDOVER_MAX: Duration = Duration::from_secs(25);

/// What the loop is asked beside the supervisor's events.
#[derive(Debug)]
pub(crate) enum Command {
    /// End the target.
    Stop { keep_instances: bool },
    /// Hand over to another program; the answer is its pid, or why not.
    Upgrade { program: String, answer: oneshot::Sender<Result<u32, String>> },
}

/// The desk of one target.
#[derive(Debug)]
pub(crate) struct NovaDesk {
    pub(crate) events: mpsc::Sender<Arrived<Event>>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) waiting: Waiting,
    pub(crate) published: Arc<Published>,
    pub(crate) splitter: Splitter,
    pub(crate) address: SocketAddr,
    pub(crate) asked: AtomicU64,
}

/// Resident bytes of every instance that runs.
fn resident(observation: &Observation) -> Resident {
    let mut resident = BTreeMap::new();
    for (id, revision) in &observation.value.revisions {
        for instance in &revision.instances {
            let process = instance.pid.and_then(instances::identity);
            if let Some(bytes) = process.and_then(instances::resident_bytes) {
                resident.insert((id.clone(), instance.slot), bytes);
            }
        }
    }
    resident
}

impl Desk for NovaDesk {
    async fn ask(&self, request: Request) -> Result<Reply, Refusal> {
        let n = self.asked.fetch_add(1, Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(n, answer);
        let asked = async {
            let event = Event::Asked { n, request };
            self.events.send(event.into()).await.map_err(|_| "the target is ending".to_owned())?;
            answered.await.map_err(|_| "the target is ending".to_owned())
        };
        let reply = timeout(REPLY_MAX, asked).await.unwrap_or_else(|_| Err("the target is busy".to_owned()));
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&n);
        reply.map_err(Refusal::NotNow)
    }

    fn observe(&self) -> Observation {
        self.published.observation()
    }

    fn metrics(&self) -> String {
        let observation = self.observe();
        text(&self.splitter.counted(), &observation.value, &resident(&observation))
    }

    fn status(&self) -> Status {
        let problems = self.published.problems().into_iter().map(|(id, why)| (id.to_string(), why));
        Status {
            program_version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL,
            pid: std::process::id(),
            address: self.address.to_string(),
            problems: problems.collect(),
            observation: self.observe(),
        }
    }

    fn stop(&self, stop: Stop) -> Stopping {
        // A full queue already holds a command that ends the target, or one that is waited for.
        let _ = self.commands.try_send(Command::Stop { keep_instances: stop.keep_instances });
        Stopping { pid: std::process::id() }
    }

    async fn upgrade(&self, upgrade: Upgrade) -> Result<Upgraded, Refusal> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Upgrade { program: upgrade.program, answer };
        self.commands
            .try_send(command)
            .map_err(|_| Refusal::NotNow("another command is under way".into()))?;
        match timeout(HANDOVER_MAX, answered).await {
            Ok(Ok(Ok(pid))) => Ok(Upgraded { from_pid: std::process::id(), pid }),
            Ok(Ok(Err(why))) => Err(Refusal::Never(why)),
            _ => Err(Refusal::NotNow("the hand-over gave no answer in time".into())),
        }
    }
}
