//! How the instances of a deploy job are checked, as it stands in the journal. Nothing is tried here.

use machine::Millis;
use serde::{Deserialize, Serialize};

/// What one try does, on the instance's own port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAction {
    /// GET of this path, beginning with `/`. Written as `path`, as it was when there was nothing else: journals of
    /// earlier releases are replayed byte for byte.
    #[serde(rename = "path")]
    Http(String),
    /// A connection is taken.
    Tcp,
    /// The gRPC health protocol says SERVING for this service; empty asks for the server as a whole.
    Grpc(String),
    /// This program with its arguments ends with 0.
    Command(Vec<String>),
}

/// One of the checks of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probe {
    /// What is tried.
    #[serde(flatten)]
    pub action: ProbeAction,
    /// From one to the next.
    pub every_ms: Millis,
    /// Longest wait for the end of a try.
    pub timeout_ms: Millis,
    /// Consecutive failures that count as failed.
    pub failures: u32,
    /// Consecutive successes that count as ready.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub successes: u32,
    /// So long after the start failures of liveness do not count, until the first success.
    #[serde(default, skip_serializing_if = "is_none")]
    pub grace_ms: Millis,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_one(successes: &u32) -> bool {
    *successes == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(grace_ms: &Millis) -> bool {
    *grace_ms == 0
}

/// The checks of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProbeSet {
    /// Whether it may get traffic.
    pub ready: Probe,
    /// Whether it works at all.
    pub live: Option<Probe>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_old_journal_holds_is_read_and_written_as_it_was() {
        let old =
            r#"{"ready":{"path":"/health/ready","every_ms":250,"timeout_ms":1000,"failures":1},"live":null}"#;
        let read: ProbeSet = serde_json::from_str(old).unwrap();
        assert_eq!(read.ready.action, ProbeAction::Http("/health/ready".into()));
        assert_eq!((read.ready.successes, read.ready.grace_ms), (1, 0));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }

    #[test]
    fn every_kind_comes_back_as_it_was_written() {
        for action in [
            ProbeAction::Http("/x".into()),
            ProbeAction::Tcp,
            ProbeAction::Grpc("api.v1".into()),
            ProbeAction::Command(vec!["true".into()]),
        ] {
            let probe = Probe { action, every_ms: 1, timeout_ms: 2, failures: 3, successes: 2, grace_ms: 30 };
            let text = serde_json::to_string(&probe).unwrap();
            assert_eq!(serde_json::from_str::<Probe>(&text).unwrap(), probe, "{text}");
        }
        assert!(serde_json::from_str::<Probe>(r#"{"every_ms":1,"timeout_ms":1,"failures":1}"#).is_err());
    }
}
