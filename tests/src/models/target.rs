//! The target of the composed model: the production rules, with processes that do as they are told at once, become
//! ready when the model says so, and end when it says so.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use machine::{Key, Timestamp, step};
use release::{Effect, Event, Wish};
use supervise::{
    Acquisition, Answer, Claim, Desired, Effect as Of, Epoch, Event as Told, Found, InstanceId, Order, Probe,
    ProbeKind, Probes, Process, Reply, Request, Restoration, RevisionId, RevisionSpec, RunId, Supervisor,
    Weight,
};

use super::walk::NOW;

/// Lease of a weight order, in units of the model.
pub const LEASE: u64 = 2;

/// The production target and its processes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The rules.
    pub rules: Supervisor,
    /// Processes that were asked to end.
    pub ending: Vec<InstanceId>,
}

/// The only run of the model.
pub fn run() -> RunId {
    RunId::new("run")
}

/// The revision of that version.
pub fn spec(version: &str) -> RevisionSpec {
    let digest: String = version.bytes().map(|byte| format!("{byte:02x}")).collect();
    RevisionSpec {
        version: version.to_owned(),
        artifact: format!("sha256:{digest:0>64}"),
        source: "/a".to_owned(),
        args: vec![],
        env: BTreeMap::new(),
        instances: 1,
        memory_limit_bytes: None,
        probes: Probes {
            ready: Probe { every_ms: 10, timeout_ms: 10, failures: 1, ..Probe::http("/") },
            live: None,
        },
        drain_max_ms: 10,
    }
}

/// The revision that is stable at the beginning.
pub fn old() -> RevisionId {
    static OLD: OnceLock<RevisionId> = OnceLock::new();
    OLD.get_or_init(|| spec("1").id()).clone()
}

/// The revision that is released.
pub fn new() -> RevisionId {
    static NEW: OnceLock<RevisionId> = OnceLock::new();
    NEW.get_or_init(|| spec("2").id()).clone()
}

impl Target {
    /// A target on which the old revision is stable, brought up by an earlier run.
    pub fn with_stable() -> Self {
        let mut target = Self { rules: Supervisor::new("target"), ending: vec![] };
        let run = RunId::new("before");
        let claim = Claim { run: run.clone(), control: String::new(), supersede: false };
        target.ask(NOW, Request::Acquire { claim });
        let wishes = [
            Desired::Running { spec: Box::new(spec("1")) },
            Desired::Weight { revision: old(), weight: Weight::ALL, lease_ms: LEASE },
            Desired::Stable { revision: old() },
        ];
        for (n, desired) in wishes.into_iter().enumerate() {
            let order = order(&run, format!("before/{n}"), Epoch(1), desired);
            target.ask(NOW, order);
            target.all_ready(NOW);
        }
        target.ask(NOW, Request::Release { run, epoch: Epoch(1) });
        target
    }

    /// Something happens to it; what its processes do at once is done.
    pub fn tell(&mut self, now: Timestamp, event: Option<Told>) -> Option<Reply> {
        let mut reply = None;
        let mut open: Vec<Of> =
            step(&mut self.rules, now, event).effects.into_iter().map(|keyed| keyed.effect).collect();
        while let Some(effect) = open.pop() {
            let answer = match effect {
                Of::Reply { reply: said, .. } => {
                    reply = Some(said);
                    None
                }
                Of::FetchArtifact { revision, .. } => {
                    Some(Told::Fetched { revision, path: "/kept".to_owned() })
                }
                Of::StartInstance { instance, .. } => {
                    let process = Process { pid: instance.incarnation, start_time: 1, port: 1 };
                    Some(Told::Spawned { instance, process })
                }
                Of::StopInstance { instance, .. } => {
                    if !self.ending.contains(&instance) {
                        self.ending.push(instance);
                    }
                    None
                }
                Of::DropArtifact { .. } | Of::AdoptInstance { .. } | Of::Route { .. } => None,
            };
            if let Some(event) = answer {
                open.extend(
                    step(&mut self.rules, now, Some(event)).effects.into_iter().map(|keyed| keyed.effect),
                );
            }
        }
        reply
    }

    /// Somebody asks it.
    pub fn ask(&mut self, now: Timestamp, request: Request) -> Option<Reply> {
        self.tell(now, Some(Told::Asked { n: 0, request }))
    }

    /// Every process that starts becomes ready.
    pub fn all_ready(&mut self, now: Timestamp) {
        self.probe(now, true);
    }

    /// The processes of the new revision answer their readiness check, or do not.
    pub fn probe(&mut self, now: Timestamp, ok: bool) {
        let view = self.rules.view(now);
        for (id, revision) in view.revisions.into_iter().filter(|(id, _)| ok || *id == new()) {
            for instance in revision.instances.iter().filter_map(|i| Some((i.slot, i.pid?))) {
                let instance = InstanceId { revision: id.clone(), slot: instance.0, incarnation: instance.1 };
                self.tell(now, Some(Told::Probed { instance, probe: ProbeKind::Ready, ok }));
            }
        }
    }

    /// Everything that was asked to end has ended.
    pub fn all_ended(&mut self, now: Timestamp) {
        for instance in std::mem::take(&mut self.ending) {
            self.tell(now, Some(Told::Exited { instance, code: Some(0) }));
        }
    }

    /// It is started again, on the same boot or after another.
    pub fn restart(&mut self, now: Timestamp, fresh: bool) {
        let found = self.rules.processes().into_iter().filter(|_| !fresh);
        let found = found.map(|(incarnation, process)| Found { incarnation, process }).collect();
        self.ending.clear();
        self.tell(now, Some(Told::Resumed { fresh, found }));
    }

    /// The test-only fault: it forgets whose traffic it returned.
    pub fn forget_latches(&mut self) {
        let mut value = serde_json::to_value(&self.rules).expect("a supervisor is JSON");
        value["latches"] = serde_json::Value::Array(vec![]);
        self.rules = serde_json::from_value(value).expect("a supervisor without latches");
    }

    /// Share of the new revision.
    pub fn weight(&self) -> u8 {
        self.rules.view(NOW).weights.get(&new()).map_or(0, |weight| weight.percent())
    }
}

fn order(run: &RunId, key: String, epoch: Epoch, desired: Desired) -> Request {
    Request::Order { order: Box::new(Order { key, run: run.clone(), epoch, expects: None, desired }) }
}

/// A wish of the release as a request.
pub fn request(key: &Key, effect: &Effect, epoch: Epoch) -> Option<Request> {
    let run = run();
    let desired = match effect {
        Effect::Acquire => {
            let claim = Claim { run, control: String::new(), supersede: false };
            return Some(Request::Acquire { claim });
        }
        Effect::Restore => return Some(Request::Restore { run }),
        Effect::GiveBack => return Some(Request::Release { run, epoch }),
        Effect::RunChecks(_) | Effect::StopChecks | Effect::Say(_) => return None,
        Effect::Order(Wish::Running) => Desired::Running { spec: Box::new(spec("2")) },
        Effect::Order(Wish::Weight(percent)) => {
            let weight = Weight::new(*percent).expect("a weight of a plan");
            Desired::Weight { revision: new(), weight, lease_ms: LEASE }
        }
        Effect::Order(Wish::Stable) => Desired::Stable { revision: new() },
        Effect::Order(Wish::OldStopped) => Desired::Stopped { revision: old(), retain_ms: 1_000 },
        Effect::Order(Wish::NewStopped) => Desired::Stopped { revision: new(), retain_ms: 1_000 },
        Effect::Order(Wish::Restarts { slot, restarts }) => {
            Desired::Restarts { revision: new(), slot: *slot, restarts: *restarts }
        }
    };
    Some(order(&run, key.to_string(), epoch, desired))
}

/// An answer of the target as the release hears it, and the epoch that comes with an acquisition.
pub fn heard(key: &Key, reply: Reply) -> (Event, Option<Epoch>) {
    let key = key.clone();
    let event = match reply {
        Reply::Acquisition(Acquisition::Acquired { epoch, restored }) => {
            return (Event::Acquired { restored }, Some(epoch));
        }
        Reply::Acquisition(Acquisition::Held { by, .. }) => Event::Held { by: by.to_string() },
        Reply::Answer(Answer::Accepted { generation }) => Event::Accepted { key, generation: generation.0 },
        Reply::Answer(Answer::Fenced { .. }) => Event::Fenced,
        Reply::Answer(Answer::Restored { .. }) => Event::Latched,
        Reply::Answer(Answer::Conflict { .. }) => Event::Refused { key, reason: "a conflict".to_owned() },
        Reply::Answer(Answer::Refused { reason }) => Event::Refused { key, reason },
        Reply::Restoration(Restoration::Restored { generation, .. }) => {
            Event::RestoreAccepted { generation: generation.0 }
        }
        Reply::Restoration(Restoration::Promoted { .. }) => Event::RestoreTooLate,
    };
    (event, None)
}
