//! How an instance is checked: what is tried, how often, and how many ends in a row decide. Nothing is tried here.

use machine::Millis;
use serde::{Deserialize, Serialize};

/// What one try does, on the instance's own port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// GET of this path, beginning with `/`: passed when the answer is 200 to 399. Written as `path`, as it was when
    /// there was nothing else: the name of a revision follows from what is written.
    #[serde(rename = "path")]
    Http(String),
    /// A connection is taken.
    Tcp,
    /// `grpc.health.v1.Health/Check` says SERVING for this service; empty asks for the server as a whole.
    Grpc(String),
    /// This program with its arguments ends with 0. It has the environment of the instance.
    Command(Vec<String>),
}

/// One of the checks of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probe {
    /// What is tried.
    #[serde(flatten)]
    pub action: Action,
    /// From one check to the next.
    pub every_ms: Millis,
    /// Longest wait for the end of a try.
    pub timeout_ms: Millis,
    /// Consecutive failures until the check counts as failed.
    pub failures: u32,
    /// Consecutive successes until it counts as passed. 1 for liveness.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub successes: u32,
    /// So long after the start failures do not count; the first success ends it. For liveness: before the first
    /// success an instance is not ready anyway.
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

impl Probe {
    /// With the numbers of Kubernetes: each 10 s, 1 s for a try, 3 failures, 1 success.
    pub const fn new(action: Action) -> Self {
        Self { action, every_ms: 10_000, timeout_ms: 1_000, failures: 3, successes: 1, grace_ms: 0 }
    }

    /// A GET of that path.
    pub fn http(path: &str) -> Self {
        Self::new(Action::Http(path.to_owned()))
    }
}

/// The checks of an instance, as Kubernetes names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probes {
    /// Whether it may get traffic.
    pub ready: Probe,
    /// Whether it works at all. Without one, a process that runs is alive.
    pub live: Option<Probe>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_when_there_was_only_http_is_read_and_written_as_it_was() {
        let old = r#"{"ready":{"path":"/ready","every_ms":250,"timeout_ms":1000,"failures":1},"live":{"path":"/live","every_ms":500,"timeout_ms":1000,"failures":3}}"#;
        let read: Probes = serde_json::from_str(old).unwrap();
        assert_eq!(read.ready, Probe { every_ms: 250, failures: 1, ..Probe::http("/ready") });
        assert_eq!(read.live, Some(Probe { every_ms: 500, ..Probe::http("/live") }));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }

    #[test]
    fn every_kind_comes_back_as_it_was_written() {
        for (action, written) in [
            (Action::Http("/x".into()), r#""path":"/x""#),
            (Action::Tcp, r#""tcp":null"#),
            (Action::Grpc(String::new()), r#""grpc":"""#),
            (Action::Command(vec!["pg_isready".into(), "-q".into()]), r#""command":["pg_isready","-q"]"#),
        ] {
            let probe = Probe { successes: 2, grace_ms: 30, ..Probe::new(action) };
            let text = serde_json::to_string(&probe).unwrap();
            assert!(text.starts_with(&format!("{{{written},\"every_ms\"")), "{text}");
            assert_eq!(serde_json::from_str::<Probe>(&text).unwrap(), probe, "{text}");
        }
        assert!(serde_json::from_str::<Probe>(r#"{"every_ms":1,"timeout_ms":1,"failures":1}"#).is_err());
    }
}
