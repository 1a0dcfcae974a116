//! What a target shows of itself.

use std::collections::BTreeMap;

use machine::Millis;
use serde::{Deserialize, Serialize};

use crate::{Epoch, Generation, ProbeKind, RevisionId, RunId, Weight};

/// A view of the target, with what is needed to tell whether it may be used as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// Identity of the target itself; another one is another target under the same name.
    pub uid: String,
    /// The epoch in force.
    pub epoch: Epoch,
    /// Desired state, last change.
    pub generation: Generation,
    /// Up to which generation what is shown has been carried out.
    pub observed_generation: Generation,
    /// Age by the observer's own monotonic clock.
    pub age_ms: Millis,
    /// What was seen.
    pub value: TargetView,
}

impl Observation {
    /// Whether it shows the world after `generation` was carried out. What does not is never evidence.
    pub fn shows(&self, generation: Generation) -> bool {
        self.observed_generation >= generation
    }
}

/// Traffic, revisions and who gives orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetView {
    /// The trusted revision, if there is one.
    pub stable: Option<RevisionId>,
    /// Routed shares; they sum to 100 unless nothing is routed at all.
    pub weights: BTreeMap<RevisionId, Weight>,
    /// Every revision that is known, also stopped ones that are retained.
    pub revisions: BTreeMap<RevisionId, RevisionView>,
    /// Who holds the target.
    pub holder: Option<RunId>,
    /// Control socket of the holder.
    pub control: Option<String>,
    /// Time left of the weight order's lease.
    pub lease_left_ms: Option<Millis>,
    /// The run whose traffic was returned to stable and may not come back.
    pub latched: Option<RunId>,
}

/// One revision as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RevisionView {
    /// What people call it.
    pub version: String,
    /// Digest of its artifact.
    pub artifact: String,
    /// Whether instances are wanted.
    pub wanted: bool,
    /// How many instances are wanted when it runs.
    pub instances_wanted: u32,
    /// As its specification says.
    pub memory_limit_bytes: Option<u64>,
    /// Path of the kept artifact; empty when it is no longer kept.
    pub kept: String,
    /// By slot.
    pub instances: Vec<InstanceView>,
}

impl RevisionView {
    /// Instances that are ready for traffic.
    pub fn ready(&self) -> u32 {
        self.instances.iter().filter(|i| i.state == InstanceState::Ready).count() as u32
    }
}

/// One instance as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceView {
    /// From 0.
    pub slot: u32,
    /// Process id, while there is one.
    pub pid: Option<u32>,
    /// Port on loopback, while there is one.
    pub port: Option<u16>,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Consecutive failed health checks; an exit that nobody asked for counts as one.
    pub failed_checks: u32,
    /// How often the process was started again by itself after an exit.
    pub crashes: u32,
    /// How often it was restarted by order.
    pub restarts: u32,
    /// Why the newest try of a check failed, by check; what passes is not here. For people: nothing is decided by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failing: BTreeMap<ProbeKind, String>,
}

/// The life of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Started, not yet ready.
    Starting,
    /// May get traffic.
    Ready,
    /// Was ready, is not now.
    Unready,
    /// Exited; waits before it is started again.
    BackOff,
    /// Gets no new request and ends.
    Draining,
}
