//! What a run is made of, after the file was read and its inputs were filled in. It stands in the journal.

use std::collections::BTreeMap;

use health::checks::url::Url;
use machine::{Millis, Name};
use pipeline_core::Plan;
use release::{Rules, Setup};
use serde::{Deserialize, Serialize};

use crate::ProbeSet;

/// Where a value comes from when a command starts. Values never become part of a script's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// As it stands, inputs filled in.
    Text(String),
    /// The output of a job, as `JOB.OUTPUT`.
    Output(String),
    /// The value of this variable of the runner's own environment; masked wherever it would appear.
    Secret(String),
}

/// What a job or a check runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Commands one after the other, each a program with its arguments.
    pub run: Vec<Vec<String>>,
    /// Added to the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// Variables of the runner's environment that are passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_env: Vec<String>,
    /// Working folder, relative to the pipeline file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dir: String,
    /// Asks whether a lost effect had happened: 0 yes, 1 no, else unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Vec<String>>,
    /// When a service is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<ReadyCheck>,
    /// Files that are kept by digest after success, by output name; relative to the job's work folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, String>,
    /// Outputs that the command writes as files into the folder `NOVA_OUTPUTS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// From SIGTERM to SIGKILL.
    pub grace_ms: Millis,
}

/// When a service is ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyCheck {
    /// A connection to this port on loopback is taken.
    Tcp {
        /// The port.
        port: u16,
        /// Longest wait.
        within_ms: Millis,
    },
    /// At once.
    Started,
}

/// A named check that a release runs: before the first traffic, or after the bake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: Name,
    /// What is run. `NOVA_URL` is the address to check.
    pub command: CommandSpec,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetSpec {
    /// `local`: the embedded target on this machine.
    pub class: String,
    /// Where the released service listens, on loopback.
    pub port: u16,
}

/// Where an artifact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactRef {
    /// An output that holds a digest, as `JOB.OUTPUT`.
    Output(String),
    /// A digest, kept from an earlier run.
    Digest(String),
}

/// What runs on the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// What people call it.
    pub version: String,
    /// The program.
    pub artifact: ArtifactRef,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment. Nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// How many processes.
    pub instances: u32,
    /// Resident bytes that an instance should not pass.
    pub memory_limit_bytes: Option<u64>,
    /// How it is checked.
    pub probes: ProbeSet,
    /// Longest time from SIGTERM to SIGKILL.
    pub drain_max_ms: Millis,
}

/// The body of a `deploy:` job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReleaseSpec {
    /// Name of the target.
    pub target: Name,
    /// What shall run there.
    pub workload: Workload,
    /// How it gets its traffic, and what leads back.
    pub setup: Setup,
    /// How its health is judged.
    pub rules: Rules,
    /// The lease of every weight order.
    pub lease_ms: Millis,
    /// How long the old revision's artifact and configuration are kept.
    pub retain_ms: Millis,
    /// Checks before the first traffic.
    pub preview: Vec<Check>,
    /// Checks after the bake.
    pub verify: Vec<Check>,
    /// Alerts that are kept quiet while it is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silences: Option<SilenceSpec>,
}

/// Alerts that are kept quiet while a release is at work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SilenceSpec {
    /// The Alertmanager; the path is the one that it is reached under, without a slash at its end.
    pub alertmanager: Url,
    /// One silence each: conditions about labels as PromQL writes them, e.g. `alertname="PodRestarting"`.
    pub alerts: Vec<String>,
    /// Labels of the alerts that guard the rollout; these are never kept quiet.
    pub guards: Vec<BTreeMap<String, String>>,
    /// When a silence ends by itself, counted from its beginning.
    pub lasts_ms: Millis,
    /// Why, for people; without one it names pipeline, job and version.
    pub comment: Option<String>,
}

/// Where notices go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Webhook {
    /// An `http://` address.
    pub url: String,
}

/// All that a run is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Definition {
    /// Name of the pipeline.
    pub name: String,
    /// The run's id.
    pub run: String,
    /// The file, as it was given.
    pub file: String,
    /// Absolute folder of the file.
    pub folder: String,
    /// SHA-256 of the file's bytes.
    pub digest: String,
    /// Who started it.
    pub by: String,
    /// Inputs with their values.
    pub inputs: BTreeMap<String, String>,
    /// Targets by name.
    pub targets: BTreeMap<Name, TargetSpec>,
    /// The jobs.
    pub plan: Plan<ReleaseSpec>,
    /// What command jobs run, by name.
    pub commands: BTreeMap<Name, CommandSpec>,
    /// Where notices go.
    pub notify: Vec<Webhook>,
}

impl Definition {
    /// The deploy jobs with their releases.
    pub fn releases(&self) -> impl Iterator<Item = (&Name, &ReleaseSpec)> {
        self.plan.jobs().iter().filter_map(|job| match &job.body {
            pipeline_core::Body::Deploy(spec) => Some((&job.name, &**spec)),
            _ => None,
        })
    }

    /// The release of a deploy job.
    pub fn release(&self, job: &str) -> Option<&ReleaseSpec> {
        self.releases().find(|(name, _)| name.as_str() == job).map(|(_, spec)| spec)
    }
}
