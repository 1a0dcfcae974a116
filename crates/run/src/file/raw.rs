//! The file as it is written: key by key, with the places of what is checked later.

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::given::{Given, Needs, RawTcp};
use super::ordered::Ordered;
use super::silences::RawSilences;

/// In boxes: most keys are not written, and a job has many.
pub(super) type Text = Box<Spanned<String>>;
pub(super) type Scalar = Box<Spanned<Given>>;

/// A key that is written has a value; one without (null) is a slip, not the default.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) pipeline: Text,
    #[serde(default)]
    pub(super) inputs: Ordered<RawInput>,
    #[serde(default)]
    pub(super) require: Vec<Text>,
    pub(super) stages: Vec<Text>,
    #[serde(default)]
    pub(super) targets: Ordered<RawTarget>,
    #[serde(default)]
    pub(super) services: Ordered<RawService>,
    #[serde(default)]
    pub(super) checks: Ordered<RawCheck>,
    #[serde(default)]
    pub(super) notify: Vec<RawNotify>,
    pub(super) jobs: Ordered<RawJob>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
    pub(super) default: Scalar,
    #[serde(default)]
    pub(super) one_of: Vec<Given>,
    /// For people; `plan` shows it.
    #[serde(default, rename = "help", deserialize_with = "present")]
    pub(super) _help: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    pub(super) class: Text,
    pub(super) port: Scalar,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNotify {
    pub(super) webhook: Text,
    pub(super) port: Scalar,
    pub(super) path: Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRun {
    #[serde(default, deserialize_with = "present")]
    pub(super) cmd: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) sh: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    pub(super) run: Vec<Spanned<RawRun>>,
    #[serde(default)]
    pub(super) env: Ordered<Scalar>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) dir: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawService {
    pub(super) run: Vec<Spanned<RawRun>>,
    #[serde(default)]
    pub(super) needs: Needs,
    #[serde(default)]
    pub(super) env: Ordered<Scalar>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) dir: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) ready: Option<RawReady>,
    #[serde(default, deserialize_with = "present")]
    pub(super) grace: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReady {
    pub(super) tcp: Scalar,
    pub(super) within: Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJob {
    pub(super) stage: Text,
    #[serde(default)]
    pub(super) needs: Needs,
    #[serde(default)]
    pub(super) services: Vec<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) run: Option<Vec<Spanned<RawRun>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) approval: Option<Box<Spanned<RawApproval>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) deploy: Option<Box<Spanned<RawDeploy>>>,
    #[serde(default)]
    pub(super) env: Ordered<Scalar>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) dir: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) timeout: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) grace: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) retry: Option<Box<RawRetry>>,
    #[serde(default)]
    pub(super) tolerated: bool,
    #[serde(default)]
    pub(super) cleanup: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) effect: Option<Box<Spanned<RawEffect>>>,
    #[serde(default)]
    pub(super) outputs: Vec<Text>,
    #[serde(default)]
    pub(super) artifacts: Ordered<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    pub(super) attempts: Spanned<u32>,
    #[serde(default, deserialize_with = "present")]
    pub(super) backoff: Option<Text>,
    #[serde(default)]
    pub(super) on_timeout: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum RawEffect {
    Repeatable,
    Once(RawOnce),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOnce {
    #[serde(default, deserialize_with = "present")]
    pub(super) probe: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApproval {
    #[serde(rename = "for")]
    pub(super) of: Text,
    pub(super) within: Text,
    pub(super) otherwise: Text,
    #[serde(default, deserialize_with = "present")]
    pub(super) answer: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeploy {
    pub(super) target: Text,
    pub(super) version: Scalar,
    pub(super) artifact: Spanned<RawArtifact>,
    #[serde(default)]
    pub(super) args: Vec<String>,
    #[serde(default)]
    pub(super) env: Ordered<Scalar>,
    #[serde(default, deserialize_with = "present")]
    pub(super) instances: Option<Spanned<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) memory_limit: Option<Text>,
    pub(super) probes: RawProbes,
    #[serde(default, deserialize_with = "present")]
    pub(super) drain: Option<Text>,
    pub(super) strategy: RawStrategy,
    #[serde(default, deserialize_with = "present")]
    pub(super) lease: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) judge: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) alpha: Option<Text>,
    #[serde(default)]
    pub(super) triggers: RawTriggers,
    #[serde(default, deserialize_with = "present")]
    pub(super) min_requests: Option<u64>,
    #[serde(default)]
    pub(super) preview: Vec<Text>,
    #[serde(default)]
    pub(super) verify: Vec<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) checks_within: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) silences: Option<Box<RawSilences>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) retain: Option<Text>,
    #[serde(default)]
    pub(super) only_when_empty: bool,
    /// An input that, when it is not empty, overrules `only_when_empty`.
    #[serde(default, deserialize_with = "present")]
    pub(super) unless_input: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawArtifact {
    #[serde(default, deserialize_with = "present")]
    pub(super) from: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) output: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) digest: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProbes {
    pub(super) ready: Spanned<RawProbe>,
    #[serde(default, deserialize_with = "present")]
    pub(super) live: Option<Spanned<RawProbe>>,
}

/// Which of the ways to try is given is checked with a message of ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProbe {
    #[serde(default, deserialize_with = "present")]
    pub(super) http: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) tcp: Option<Spanned<RawTcp>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) grpc: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) command: Option<Box<Spanned<Vec<String>>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) every: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) timeout: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) failures: Option<Spanned<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) successes: Option<Spanned<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) grace: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum RawStrategy {
    BlueGreen(RawBlueGreen),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBlueGreen {
    pub(super) steps: Spanned<Vec<u8>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) pause: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) bake: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) progress_deadline: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) scrape: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) hold_back: Option<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTriggers {
    #[serde(default, deserialize_with = "present")]
    pub(super) health_check: Option<RawTrigger>,
    #[serde(default, deserialize_with = "present")]
    pub(super) error_rate: Option<RawTrigger>,
    #[serde(default, deserialize_with = "present")]
    pub(super) response_time: Option<RawTrigger>,
    #[serde(default, deserialize_with = "present")]
    pub(super) server_errors: Option<RawTrigger>,
    #[serde(default, deserialize_with = "present")]
    pub(super) memory: Option<RawTrigger>,
}

/// One trigger; which keys it takes depends on its rule and is checked with a message of ours.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrigger {
    #[serde(default)]
    pub(super) off: bool,
    #[serde(default, deserialize_with = "present")]
    pub(super) over: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) window: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) min_requests: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) min_errors: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) min_diff: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) baseline: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) failures: Option<Spanned<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) per_minute: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) then: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) within: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) otherwise: Option<Text>,
}
