//! The supervisor: the state of one target, and the one door through which it changes.
//!
//! ```text
//! no stable --Running, Weight, Stable--> stable at 100
//! stable at 100 --Weight--> shared under a lease --Stable--> the new one is stable at 100
//!       ^                        |
//!       +-- restore, lease over, superseded: latched for that run
//! ```
//!
//! Facts change first (`claims`, `orders`, `fleet`, `resume`), then one reconciliation says what has to be done about
//! them. Without a lease all traffic is on stable; the serialised state is what is made durable.

use std::collections::BTreeMap;

use machine::{Input, Key, Keyed, Machine, Millis, Name, Progress, Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::instance::Slot;
use crate::memory::{Keys, Marks};
use crate::{
    Claim, Effect, Epoch, Event, Generation, InstanceId, Rejected, Request, RevisionId, RevisionSpec, RunId,
    Table, Weight,
};

/// Revisions that a target knows at most, kept ones included.
pub const REVISIONS_MAX: usize = 32;

/// Who may give orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) claim: Claim,
    pub(crate) since: Timestamp,
    /// Counts as alive until then.
    pub(crate) alive_until: Option<Timestamp>,
}

/// The condition under which traffic is off stable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) run: RunId,
    pub(crate) revision: RevisionId,
    pub(crate) until: Timestamp,
    pub(crate) length_ms: Millis,
}

/// Whether the program of a revision is here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Artifact {
    Absent { retry_at: Option<Timestamp>, problem: String },
    Fetching,
    Kept { path: String },
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub(crate) spec: RevisionSpec,
    pub(crate) by: RunId,
    pub(crate) wanted: bool,
    /// When it is forgotten; only for one that is stopped.
    pub(crate) retain_until: Option<Timestamp>,
    pub(crate) artifact: Artifact,
    pub(crate) fetches: u32,
    pub(crate) slots: Vec<Slot>,
}

impl Revision {
    pub(crate) fn ready(&self) -> u32 {
        self.slots.iter().filter(|slot| slot.ready().is_some()).count() as u32
    }
}

/// The rules of one embedded target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Supervisor {
    pub(crate) uid: String,
    pub(crate) epoch: Epoch,
    pub(crate) generation: Generation,
    pub(crate) holder: Option<Holder>,
    pub(crate) lease: Option<Lease>,
    pub(crate) latches: Marks,
    pub(crate) promotions: Marks,
    pub(crate) keys: Keys,
    pub(crate) stable: Option<RevisionId>,
    pub(crate) weights: BTreeMap<RevisionId, Weight>,
    pub(crate) revisions: BTreeMap<RevisionId, Revision>,
    pub(crate) incarnations: u32,
    /// As it was last sent.
    pub(crate) routed: Table,
}

pub(crate) type Effects = Vec<Keyed<Effect>>;

impl Supervisor {
    /// An empty target. `uid` is drawn by the shell when the target is created.
    pub fn new(uid: impl Into<String>) -> Self {
        Self {
            uid: uid.into(),
            epoch: Epoch(0),
            generation: Generation(0),
            holder: None,
            lease: None,
            latches: Marks::default(),
            promotions: Marks::default(),
            keys: Keys::default(),
            stable: None,
            weights: BTreeMap::new(),
            revisions: BTreeMap::new(),
            incarnations: 0,
            routed: Table::default(),
        }
    }

    fn asked(&mut self, now: Timestamp, n: u64, request: Request, effects: &mut Effects) {
        let ordered = matches!(request, Request::Order { .. });
        let reply = match request {
            Request::Acquire { claim } => self.acquire(now, claim),
            Request::Order { order } => self.order(now, &order),
            Request::Restore { run } => self.restore_asked(now, &run),
            Request::Renew { run, epoch } => self.renew(now, &run, epoch),
            Request::Release { run, epoch } => self.release(now, &run, epoch),
        };
        self.reconcile(now, ordered, effects);
        effects.push(Keyed::notice(Effect::Reply { n, reply }));
    }

    fn told(&mut self, now: Timestamp, event: Event, effects: &mut Effects) -> Result<(), Rejected> {
        match event {
            Event::Asked { n, request } => {
                self.asked(now, n, request, effects);
                return Ok(());
            }
            Event::Fetched { revision, path } => self.fetched(&revision, path)?,
            Event::FetchFailed { revision, why } => self.fetch_failed(now, &revision, why)?,
            Event::Spawned { instance, process } => self.spawned(&instance, process)?,
            Event::SpawnFailed { instance, .. } => self.exited(now, &instance, false)?,
            Event::Exited { instance, .. } => self.exited(now, &instance, true)?,
            Event::Probed { instance, probe, ok } => self.probed(now, &instance, probe, ok)?,
            Event::Resumed { fresh, found } => self.resumed(now, fresh, &found, effects),
        }
        self.reconcile(now, false, effects);
        Ok(())
    }
}

impl Machine for Supervisor {
    type Event = Event;
    type Effect = Effect;
    type Rejected = Rejected;

    fn handle(&mut self, now: Timestamp, input: Input<Event>) -> Result<Effects, Rejected> {
        let mut effects = Vec::new();
        match input {
            Input::Wake => {
                self.lease_wakes(now);
                self.fleet_wakes(now, &mut effects);
                self.reconcile(now, false, &mut effects);
            }
            Input::Event(event) => self.told(now, event, &mut effects)?,
        }
        Ok(effects)
    }

    fn deadline(&self) -> Option<Timestamp> {
        let claims = [
            self.lease.as_ref().map(|lease| lease.until),
            self.holder.as_ref().and_then(|holder| holder.alive_until),
        ];
        let revisions = self.revisions.values().flat_map(|revision| {
            let retry = match &revision.artifact {
                Artifact::Absent { retry_at, .. } if revision.wanted => *retry_at,
                _ => None,
            };
            let slots = revision.slots.iter().filter_map(Slot::deadline);
            slots.chain(retry).chain(revision.retain_until)
        });
        claims.into_iter().flatten().chain(revisions).min()
    }

    fn progress(&self) -> Progress {
        Progress::Working
    }

    fn pending(&self) -> Effects {
        self.wanted_of_the_shell()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(lease) = &mut self.lease {
            v.time(&mut lease.until);
        }
        if let Some(holder) = &mut self.holder {
            v.time(&mut holder.since);
            holder.alive_until.iter_mut().for_each(|at| v.time(at));
        }
        self.latches.times().chain(self.promotions.times()).for_each(|at| v.time(at));
        v.number(&mut self.incarnations);
        for revision in self.revisions.values_mut() {
            revision.retain_until.iter_mut().for_each(|at| v.time(at));
            v.number(&mut revision.fetches);
            if let Artifact::Absent { retry_at: Some(at), .. } = &mut revision.artifact {
                v.time(at);
            }
            for slot in &mut revision.slots {
                slot.times().for_each(|at| v.time(at));
                slot.instances_mut().for_each(|instance| v.number(&mut instance.incarnation));
                v.number(&mut slot.crashes);
            }
        }
        let shares = self.routed.shares.iter_mut();
        shares.flat_map(|share| &mut share.upstreams).for_each(|up| v.number(&mut up.incarnation));
    }
}

/// The key of an effect about one process.
pub(crate) fn instance_key(verb: &str, instance: &InstanceId) -> Key {
    Key::new(instance.incarnation).under(&Name::new(verb))
}
