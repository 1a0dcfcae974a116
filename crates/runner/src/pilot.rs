//! Orders of one release to its target: in their order, each until it is answered, the return beside all others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use machine::{Key, Name};
use ports::{PortError, Target};
use release::{Effect, Event, Wish};
use run::{Probe, ProbeAction, ReleaseSpec, Workload};
use supervise::{
    Acquisition, Action, Answer, Claim, Desired, Epoch, Order, Probes, Restoration, RevisionId, RevisionSpec,
    RunId, TargetView, Weight,
};
use tokio::sync::{Notify, OnceCell, mpsc};

use crate::jobs::Workshop;
use crate::watcher::watch;
use crate::{Arrived, Site, World, artifact_path, failpoint};

/// First pause before an order is repeated; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// What the tasks of one release share.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) path: Name,
    pub(crate) job: Name,
    pub(crate) target: Name,
    pub(crate) artifact: String,
    pub(crate) run: RunId,
    /// Outputs that its checks read.
    pub(crate) reads: BTreeMap<String, String>,
    pub(crate) events: mpsc::Sender<Arrived<run::Event>>,
    pub(crate) epoch: Mutex<Option<Epoch>>,
    /// A weight order is in force: its lease is renewed.
    pub(crate) leased: AtomicBool,
    pub(crate) ended: AtomicBool,
    /// An order was taken: look again soon.
    pub(crate) look: Notify,
}

impl Course {
    pub(crate) async fn tell(&self, event: Event) {
        let event = run::Event::Release { path: self.path.clone(), event };
        // The run is over when nobody takes events any more.
        let _ = self.events.send(event.into()).await;
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch.lock().ok().and_then(|epoch| *epoch).unwrap_or_default()
    }

    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        if let Ok(mut held) = self.epoch.lock() {
            *held = Some(epoch);
        }
    }
}

/// The tasks of one release.
pub(crate) struct Pilot<W: World> {
    pub(crate) workshop: Workshop<W>,
    pub(crate) course: Arc<Course>,
    pub(crate) spec: ReleaseSpec,
    pub(crate) site: Arc<OnceCell<Site<W::Target, W::Metrics>>>,
}

impl<W: World> Clone for Pilot<W> {
    fn clone(&self) -> Self {
        Self {
            workshop: self.workshop.clone(),
            course: self.course.clone(),
            spec: self.spec.clone(),
            site: self.site.clone(),
        }
    }
}

impl<W: World> Pilot<W> {
    /// Carries out orders as they come.
    pub(crate) async fn fly(self, mut orders: mpsc::UnboundedReceiver<(Option<Key>, Effect)>) {
        while let Some((key, effect)) = orders.recv().await {
            let key = key.unwrap_or(Key::new(0));
            match effect {
                Effect::Acquire => self.acquire().await,
                Effect::Order(wish) => self.order(key, &wish).await,
                Effect::GiveBack => self.give_back(key).await,
                Effect::Restore | Effect::RunChecks(_) | Effect::StopChecks | Effect::Say(_) => {}
            }
        }
    }

    /// The target, brought up if need be; tried until it is there.
    pub(crate) async fn site(&self) -> &Site<W::Target, W::Metrics> {
        let connect = || async {
            let name = &self.course.target;
            let Some(spec) = self.workshop.definition.targets.get(name.as_str()) else {
                return Err(PortError::Refused(format!("there is no target {name}")));
            };
            self.workshop.world.site(name, spec).await
        };
        let mut pause = FIRST_PAUSE;
        loop {
            match self.site.get_or_try_init(connect).await {
                Ok(site) => return site,
                Err(error) => self.course.tell(Event::Unseen { reason: error.to_string() }).await,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The target as it is now; looked at until it answers. What was seen before a restart is not remembered.
    async fn view(&self) -> TargetView {
        let target = &self.site().await.target;
        self.until_answered(|| target.observe()).await.map(|seen| seen.value).unwrap_or_default()
    }

    /// Revisions that run besides the new one.
    async fn others(&self, new: &RevisionId) -> Vec<RevisionId> {
        let runs = |(id, revision): &(&RevisionId, &supervise::RevisionView)| *id != new && revision.wanted;
        self.view().await.revisions.iter().filter(runs).map(|(id, _)| id.clone()).collect()
    }

    /// The address of the new revision alone, or of the service. Of a new revision without a ready instance it is one
    /// that nobody answers, so that checks never pass on the stable one instead.
    pub(crate) async fn url(&self, preview: bool) -> String {
        let ready = |i: &&supervise::InstanceView| i.state == supervise::InstanceState::Ready;
        let port = if preview {
            let new = self.revision().id();
            let view = self.view().await;
            view.revisions.get(&new).and_then(|r| r.instances.iter().find(ready)).and_then(|i| i.port)
        } else {
            self.workshop.definition.targets.get(self.course.target.as_str()).map(|target| target.port)
        };
        format!("http://127.0.0.1:{}", port.unwrap_or(0))
    }

    async fn acquire(&self) {
        failpoint("acquire.before");
        let claim = Claim {
            run: self.course.run.clone(),
            control: self.workshop.places.control.display().to_string(),
            supersede: false,
        };
        let target = &self.site().await.target;
        match self.until_answered(|| target.acquire(&claim)).await {
            Ok(Acquisition::Acquired { epoch, restored }) => {
                failpoint("acquire.answered");
                self.course.set_epoch(epoch);
                self.course.tell(Event::Acquired { restored }).await;
                tokio::spawn(watch(self.clone()));
            }
            Ok(Acquisition::Held { by, for_ms, alive, .. }) => {
                let heard = if alive { "and is heard" } else { "but has not been heard of lately" };
                let by = format!(
                    "the target {} is held by run {by} for {} s, {heard}",
                    self.course.target,
                    for_ms / 1000
                );
                self.course.tell(Event::Held { by }).await;
            }
            Err(reason) => self.course.tell(Event::Held { by: reason }).await,
        }
    }

    /// What a wish means for the target. Which revisions are old is asked anew: a runner that has just resumed has
    /// seen nothing yet.
    async fn desired(&self, wish: &Wish) -> Result<Vec<Desired>, String> {
        let new = self.revision();
        let (id, retain_ms) = (new.id(), self.spec.retain_ms);
        Ok(match wish {
            Wish::Running => vec![Desired::Running { spec: Box::new(new) }],
            Wish::Weight(percent) => vec![Desired::Weight {
                revision: id,
                weight: Weight::new(*percent).unwrap_or(Weight::NONE),
                lease_ms: self.spec.lease_ms,
            }],
            Wish::Restarts { slot, restarts } => {
                vec![Desired::Restarts { revision: id, slot: *slot, restarts: *restarts }]
            }
            Wish::Stable => vec![Desired::Stable { revision: id }],
            Wish::NewStopped => vec![Desired::Stopped { revision: id, retain_ms }],
            Wish::OldStopped => {
                let stop = |revision| Desired::Stopped { revision, retain_ms };
                self.others(&id).await.into_iter().map(stop).collect()
            }
        })
    }

    async fn order(&self, key: Key, wish: &Wish) {
        let wishes = match self.desired(wish).await {
            Ok(wishes) => wishes,
            Err(reason) => return self.course.tell(Event::Refused { key, reason }).await,
        };
        let mut taken = 0;
        for desired in wishes {
            // Which revisions are others may have changed when an order is repeated: each has a key of its own.
            let part = match &desired {
                Desired::Stopped { revision, .. } => revision.to_string(),
                _ => "0".to_owned(),
            };
            let order = Order {
                key: format!("{}/{}/{key}/{part}", self.course.run, self.course.path),
                run: self.course.run.clone(),
                epoch: self.course.epoch(),
                expects: None,
                desired,
            };
            let target = &self.site().await.target;
            failpoint("order.before");
            match self.until_answered(|| target.order(&order)).await {
                Ok(Answer::Accepted { generation }) => taken = generation.0.max(taken),
                Ok(answer) => return self.answered_otherwise(key, answer).await,
                Err(reason) => return self.course.tell(Event::Refused { key, reason }).await,
            }
        }
        failpoint("order.answered");
        self.course.tell(Event::Accepted { key, generation: taken }).await;
        failpoint("order.told");
        self.course.look.notify_one();
    }

    async fn answered_otherwise(&self, key: Key, answer: Answer) {
        let event = match answer {
            Answer::Fenced { .. } => Event::Fenced,
            Answer::Restored { .. } => Event::Latched,
            Answer::Refused { reason } => Event::Refused { key, reason },
            Answer::Conflict { generation } => {
                Event::Refused { key, reason: format!("the target is at generation {}", generation.0) }
            }
            Answer::Accepted { generation } => Event::Accepted { key, generation: generation.0 },
        };
        self.course.tell(event).await;
    }

    async fn give_back(&self, key: Key) {
        failpoint("give_back.before");
        let (run, epoch) = (self.course.run.clone(), self.course.epoch());
        let target = &self.site().await.target;
        let event = match self.until_answered(|| target.release(&run, epoch)).await {
            Ok(Answer::Accepted { generation }) => Event::Accepted { key, generation: generation.0 },
            Ok(Answer::Fenced { .. }) => Event::Fenced,
            Ok(answer) => Event::Refused { key, reason: format!("{answer:?}") },
            Err(reason) => Event::Refused { key, reason },
        };
        failpoint("give_back.answered");
        self.course.ended.store(true, Ordering::SeqCst);
        self.course.look.notify_one();
        self.course.tell(event).await;
    }

    /// All traffic to stable: tried until it is answered, and waits for nothing else. A refusal is no answer: traffic
    /// counts as returned only when the target says so.
    pub(crate) async fn restore(self) {
        self.course.leased.store(false, Ordering::SeqCst);
        let run = self.course.run.clone();
        let target = &self.site().await.target;
        failpoint("restore.before");
        let event = loop {
            match self.until_answered(|| target.restore_stable(&run)).await {
                Ok(Restoration::Restored { generation, .. }) => {
                    break Event::RestoreAccepted { generation: generation.0 };
                }
                Ok(Restoration::Promoted { .. }) => break Event::RestoreTooLate,
                Err(reason) => self.course.tell(Event::Unseen { reason }).await,
            }
            tokio::time::sleep(LAST_PAUSE).await;
        };
        failpoint("restore.answered");
        self.course.tell(event).await;
        self.course.look.notify_one();
    }

    /// Repeats a call under its key until somebody answers it. Gives the reason when it can never be done.
    async fn until_answered<T, F, A>(&self, mut call: F) -> Result<T, String>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, PortError>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(PortError::Refused(reason)) => return Err(reason),
                Err(error) => self.course.tell(Event::Unseen { reason: error.to_string() }).await,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The new revision as the target knows it.
    pub(crate) fn revision(&self) -> RevisionSpec {
        revision(&self.spec.workload, &self.course.artifact, &self.workshop.places.state)
    }
}

/// A workload and its artifact as a target knows them.
pub(crate) fn revision(workload: &Workload, artifact: &str, state: &std::path::Path) -> RevisionSpec {
    RevisionSpec {
        version: workload.version.clone(),
        artifact: artifact.to_owned(),
        source: artifact_path(state, artifact).display().to_string(),
        args: workload.args.clone(),
        env: workload.env.clone(),
        instances: workload.instances,
        memory_limit_bytes: workload.memory_limit_bytes,
        probes: Probes {
            ready: probe(&workload.probes.ready),
            live: workload.probes.live.as_ref().map(probe),
        },
        drain_max_ms: workload.drain_max_ms,
    }
}

fn probe(probe: &Probe) -> supervise::Probe {
    supervise::Probe {
        action: match &probe.action {
            ProbeAction::Http(path) => Action::Http(path.clone()),
            ProbeAction::Tcp => Action::Tcp,
            ProbeAction::Grpc(service) => Action::Grpc(service.clone()),
            ProbeAction::Command(argv) => Action::Command(argv.clone()),
        },
        every_ms: probe.every_ms,
        timeout_ms: probe.timeout_ms,
        failures: probe.failures,
        successes: probe.successes,
        grace_ms: probe.grace_ms,
    }
}
