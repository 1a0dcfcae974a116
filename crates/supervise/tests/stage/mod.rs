//! A small world around the supervisor for the laws and the model: processes and the router, without a clock.

use std::collections::BTreeMap;

use machine::{Timestamp, step};
use supervise::{
    Acquisition, Answer, Claim, Desired, Effect, Epoch, Event, Found, InstanceId, Order, Probe, ProbeKind,
    Probes, Process, Reply, Request, Restoration, RevisionId, RevisionSpec, RunId, Supervisor, Table, Weight,
};

/// One process of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Proc {
    pub(crate) id: InstanceId,
    pub(crate) running: bool,
    pub(crate) stopping: bool,
}

/// The supervisor with what stands around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stage {
    pub(crate) machine: Supervisor,
    pub(crate) now: Timestamp,
    pub(crate) procs: Vec<Proc>,
    pub(crate) table: Table,
    /// Artifacts that were asked for.
    pub(crate) fetches: Vec<RevisionId>,
}

pub(crate) fn spec(version: &str, instances: u32) -> RevisionSpec {
    let probe = |path: &str| Probe { every_ms: 1_000, timeout_ms: 100, failures: 1, ..Probe::http(path) };
    RevisionSpec {
        version: version.into(),
        artifact: format!("sha256:{}", "a".repeat(64)),
        source: "/a".into(),
        args: vec![version.into()],
        env: BTreeMap::new(),
        instances,
        memory_limit_bytes: None,
        probes: Probes { ready: probe("/ready"), live: Some(probe("/live")) },
        drain_max_ms: 1_000,
    }
}

#[allow(dead_code, reason = "each test binary uses its part")]
impl Stage {
    pub(crate) fn new() -> Self {
        let (table, procs, fetches) = (Table::default(), Vec::new(), Vec::new());
        Self { machine: Supervisor::new("u"), now: Timestamp::from_millis(1), procs, table, fetches }
    }

    /// A target whose stable revision runs and is ready.
    pub(crate) fn with_stable(spec: &RevisionSpec) -> Self {
        let mut stage = Self::new();
        let epoch = stage.acquire("first", false).unwrap();
        stage.order("first", epoch, "1", Desired::Running { spec: Box::new(spec.clone()) });
        stage.settle();
        let revision = spec.id();
        stage.order("first", epoch, "2", weight(&revision, 100));
        let stable = stage.order("first", epoch, "3", Desired::Stable { revision });
        assert!(matches!(stable, Answer::Accepted { .. }), "{stable:?}");
        stage.tell(Event::Asked { n: 0, request: Request::Release { run: RunId::new("first"), epoch } });
        stage
    }

    /// One step; effects are carried out, the reply is returned.
    pub(crate) fn tell(&mut self, event: Event) -> Option<Reply> {
        let stepped = step(&mut self.machine, self.now, Some(event));
        self.carry_out(stepped.effects.into_iter().map(|keyed| keyed.effect))
    }

    /// Time goes on to the next deadline.
    pub(crate) fn wake(&mut self) -> bool {
        let Some(due) = machine::Machine::deadline(&self.machine) else { return false };
        self.now = due.max(self.now);
        let stepped = step(&mut self.machine, self.now, None);
        self.carry_out(stepped.effects.into_iter().map(|keyed| keyed.effect));
        true
    }

    fn carry_out(&mut self, effects: impl Iterator<Item = Effect>) -> Option<Reply> {
        let mut answer = None;
        for effect in effects {
            match effect {
                Effect::FetchArtifact { revision, .. } => self.fetches.push(revision),
                Effect::StartInstance { instance, .. } => {
                    if !self.procs.iter().any(|p| p.id == instance) {
                        self.procs.push(Proc { id: instance, running: false, stopping: false });
                    }
                }
                Effect::StopInstance { instance, .. } => {
                    for p in self.procs.iter_mut().filter(|p| p.id.incarnation == instance.incarnation) {
                        p.stopping = true;
                    }
                }
                Effect::Route { table, .. } => self.table = table,
                Effect::Reply { reply, .. } => answer = Some(reply),
                Effect::AdoptInstance { .. } | Effect::DropArtifact { .. } => {}
            }
        }
        self.procs.sort_by(|a, b| a.id.cmp(&b.id));
        answer
    }

    pub(crate) fn acquire(&mut self, run: &str, supersede: bool) -> Option<Epoch> {
        let claim = Claim { run: RunId::new(run), control: String::new(), supersede };
        match self.tell(Event::Asked { n: 0, request: Request::Acquire { claim } }) {
            Some(Reply::Acquisition(Acquisition::Acquired { epoch, .. })) => Some(epoch),
            _ => None,
        }
    }

    pub(crate) fn order(&mut self, run: &str, epoch: Epoch, key: &str, desired: Desired) -> Answer {
        let order =
            Order { key: format!("{run}/{key}"), run: RunId::new(run), epoch, expects: None, desired };
        self.send(order)
    }

    pub(crate) fn send(&mut self, order: Order) -> Answer {
        match self.tell(Event::Asked { n: 0, request: Request::Order { order: Box::new(order) } }) {
            Some(Reply::Answer(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn restore(&mut self, run: &str) -> Restoration {
        match self.tell(Event::Asked { n: 0, request: Request::Restore { run: RunId::new(run) } }) {
            Some(Reply::Restoration(restoration)) => restoration,
            other => panic!("{other:?}"),
        }
    }

    /// The next thing that a willing world does: an artifact arrives, a process starts, is ready, or ends when asked.
    pub(crate) fn willing(&mut self) -> Option<Event> {
        if let Some(revision) = self.fetches.pop() {
            return Some(Event::Fetched { revision, path: "/kept".into() });
        }
        if let Some(at) = self.procs.iter().position(|p| p.stopping) {
            let instance = self.procs.remove(at).id;
            return Some(Event::Exited { instance, code: Some(0) });
        }
        let starting = self.procs.iter_mut().find(|p| !p.running)?;
        starting.running = true;
        let (instance, pid) = (starting.id.clone(), starting.id.incarnation);
        Some(Event::Spawned { instance, process: Process { pid, start_time: 1, port: pid as u16 } })
    }

    /// Lets a willing world run until every process is ready.
    pub(crate) fn settle(&mut self) {
        while let Some(event) = self.willing() {
            self.tell(event);
        }
        for id in self.procs.iter().map(|p| p.id.clone()).collect::<Vec<_>>() {
            self.tell(Event::Probed { instance: id, probe: ProbeKind::Ready, ok: true });
        }
        if self.procs.iter().any(|p| p.stopping || !p.running) {
            self.settle();
        }
    }

    pub(crate) fn found(&self) -> Vec<Found> {
        let running = self.procs.iter().filter(|p| p.running);
        let process = |n: u32| Process { pid: n, start_time: 1, port: n as u16 };
        running.map(|p| Found { incarnation: p.id.incarnation, process: process(p.id.incarnation) }).collect()
    }

    pub(crate) fn routed(&self, revision: &RevisionId) -> u8 {
        let share = self.table.shares.iter().find(|share| share.revision == *revision);
        share.map_or(0, |share| share.weight.percent())
    }

    /// What must hold in every state, or which line does not.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        let view = self.machine.view(self.now);
        let sum: u32 = self.table.shares.iter().map(|share| u32::from(share.weight.percent())).sum();
        if !self.table.shares.is_empty() && sum != 100 {
            return Some("i07 weights sum to 100");
        }
        let routed = self.table.shares.iter().flat_map(|share| &share.upstreams);
        if routed
            .clone()
            .any(|up| self.procs.iter().any(|p| p.stopping && p.id.incarnation == up.incarnation))
        {
            return Some("i05 nothing is stopped that is routed");
        }
        let unwanted = |id: &RevisionId| view.revisions.get(id).is_none_or(|known| !known.wanted);
        if self.table.shares.iter().any(|share| share.weight > Weight::NONE && unwanted(&share.revision)) {
            return Some("i04 a revision with traffic is wanted");
        }
        let all_on_stable = view.stable.as_ref().is_none_or(|stable| self.routed(stable) == 100);
        if view.lease_left_ms.is_none() && !all_on_stable {
            return Some("without a lease all traffic is on stable");
        }
        let weights = self.table.shares.iter().map(|share| (share.revision.clone(), share.weight));
        if weights.collect::<BTreeMap<_, _>>() != view.weights {
            return Some("i13 the router holds the weights that were ordered");
        }
        None
    }
}

pub(crate) fn weight(revision: &RevisionId, percent: u8) -> Desired {
    let weight = Weight::new(percent).unwrap();
    Desired::Weight { revision: revision.clone(), weight, lease_ms: 60_000 }
}
