//! What a revision is: an artifact by digest and its configuration, immutable, named by the hash of both.

use std::collections::BTreeMap;
use std::fmt;

use machine::{Millis, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::Probes;

/// Name of a revision: `r-` and 12 hexadecimal digits of the hash of artifact and configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RevisionId(String);

impl RevisionId {
    /// Takes a name as it stands in a record or on the wire.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Share of the traffic in percent, 0 to 100; an absolute target, never an increment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Weight(u8);

impl Weight {
    /// No traffic.
    pub const NONE: Self = Self(0);
    /// All traffic.
    pub const ALL: Self = Self(100);

    /// `None` when `percent` is over 100.
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// 0 to 100.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Weight {
    type Error = String;
    fn try_from(percent: u8) -> Result<Self, String> {
        Self::new(percent).ok_or_else(|| format!("a weight is 0 to 100, not {percent}"))
    }
}

impl From<Weight> for u8 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// All that is needed to run a revision. Immutable: another value is another revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RevisionSpec {
    /// What people call it, e.g. `1.6.0`. Not part of the identity.
    pub version: String,
    /// `sha256:` and 64 hexadecimal digits of the program's bytes.
    pub artifact: String,
    /// Absolute path from which the target copies the program, verifying the digest. Not part of the identity.
    pub source: String,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Environment of the program. The target adds `PORT` (listen here, on loopback), `NOVA_REVISION`,
    /// `NOVA_VERSION` and `NOVA_SLOT`; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// How many processes, at least 1.
    pub instances: u32,
    /// Resident bytes that an instance should not pass; the target only reports them.
    pub memory_limit_bytes: Option<u64>,
    /// How instances are checked.
    pub probes: Probes,
    /// Longest time from SIGTERM to SIGKILL.
    pub drain_max_ms: Millis,
}

impl RevisionSpec {
    /// The name of this revision: a hash over artifact and configuration, not over where it lies or is called.
    pub fn id(&self) -> RevisionId {
        let identity = (
            &self.artifact,
            &self.args,
            &self.env,
            self.instances,
            self.memory_limit_bytes,
            &self.probes,
            self.drain_max_ms,
        );
        let bytes = serde_json::to_vec(&identity).unwrap_or_default();
        let mut id = sha256_hex(&bytes);
        id.truncate(12);
        RevisionId(format!("r-{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Probe};

    fn spec() -> RevisionSpec {
        RevisionSpec {
            version: "1.6.0".into(),
            artifact: "sha256:00".into(),
            source: "/a".into(),
            args: vec![],
            env: BTreeMap::new(),
            instances: 2,
            memory_limit_bytes: None,
            probes: Probes {
                ready: Probe { every_ms: 1000, failures: 1, ..Probe::http("/ready") },
                live: None,
            },
            drain_max_ms: 5_000,
        }
    }

    #[test]
    fn the_id_follows_artifact_and_configuration_only() {
        let id = spec().id();
        assert_eq!(RevisionSpec { source: "/b".into(), version: "x".into(), ..spec() }.id(), id);
        assert_ne!(RevisionSpec { artifact: "sha256:01".into(), ..spec() }.id(), id);
        let env = BTreeMap::from([("FAULT".to_owned(), "errors".to_owned())]);
        assert_ne!(RevisionSpec { env, ..spec() }.id(), id);
    }

    /// The target knows a stable revision by its name: it must be the same after an upgrade of the program.
    #[test]
    fn the_id_of_a_revision_with_http_probes_is_the_one_that_it_always_had() {
        assert_eq!(spec().id().as_str(), "r-676e59ec531b");
        let mut other = spec();
        other.probes.ready.action = Action::Tcp;
        assert_ne!(other.id(), spec().id());
    }

    #[test]
    fn a_weight_over_100_is_refused_on_the_wire() {
        assert!(serde_json::from_str::<Weight>("101").is_err());
        assert_eq!(serde_json::from_str::<Weight>("100").ok(), Weight::new(100));
    }
}
