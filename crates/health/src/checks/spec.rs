//! A check as data: what is tried, within what time, how often, and how many ends in a row decide.

use machine::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use super::url::Url;

/// One health check.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// Unique among the checks that run together; also what the jitter follows from.
    pub name: String,
    /// What is tried.
    pub kind: Kind,
    /// When, and how many ends in a row decide.
    pub pace: Pace,
}

/// What one try does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// GET; the answer is compared with what is expected.
    Http {
        /// Where.
        url: Url,
        /// What the answer must be.
        expect: Expect,
    },
    /// A connection is taken.
    Tcp {
        /// `HOST:PORT`.
        address: String,
    },
    /// `grpc.health.v1.Health/Check` says SERVING.
    Grpc {
        /// `HOST:PORT`.
        address: String,
        /// Empty asks for the server as a whole.
        service: String,
    },
    /// A program ends with 0.
    Command {
        /// The program and its arguments; no shell is between.
        argv: Vec<String>,
    },
    /// Families of metrics whose names begin so are exposed.
    Metrics {
        /// Where.
        url: Url,
        /// How their names begin.
        prefix: String,
        /// One of their values must differ from the try before.
        must_move: bool,
    },
}

/// What an answer over HTTP must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expect {
    /// Exactly this status; any of 200 to 299 without one.
    pub status: Option<u16>,
    /// Without a status 300 to 399 will do as well, as for the probes of Kubernetes. Nothing is followed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redirects: bool,
    /// The body contains this.
    pub contains: Option<String>,
    /// The body is JSON, and what stands at the pointer (RFC 6901) is this: the text of a string, the JSON of all else.
    pub json: Vec<(String, String)>,
}

/// When a check is tried, and how many ends in a row decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pace {
    /// A try that has not ended by then has failed.
    pub timeout_ms: Millis,
    /// From the end of one try to the next.
    pub every_ms: Millis,
    /// Failures in a row that make it fail, from 1.
    pub failures: u32,
    /// Successes in a row that make it pass, from 1.
    pub successes: u32,
    /// So long after the start failures do not count. The first success ends it.
    pub grace_ms: Millis,
    /// `every_ms` is stretched or cut by at most this share, in percent up to 100, so that many checks do not meet.
    pub jitter_percent: u32,
}

impl Default for Pace {
    /// 2 s for a try, one each second, 3 failures or 1 success in a row, no grace, 10 % of jitter.
    fn default() -> Self {
        Self {
            timeout_ms: 2_000,
            every_ms: 1_000,
            failures: 3,
            successes: 1,
            grace_ms: 0,
            jitter_percent: 10,
        }
    }
}

impl Check {
    /// When the try after number `tried` (from 0) is due, that try having ended `now`. The jitter follows from the name
    /// and the number alone.
    pub fn due(&self, tried: u32, now: Timestamp) -> Timestamp {
        let every = self.pace.every_ms;
        let spread = (u128::from(every) * u128::from(self.pace.jitter_percent.min(100)) / 100) as u64;
        let choices = spread.saturating_mul(2).saturating_add(1);
        now.after((every - spread).saturating_add(hash(&self.name, tried) % choices))
    }
}

impl Kind {
    /// In a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Grpc { .. } => "grpc",
            Self::Command { .. } => "command",
            Self::Metrics { .. } => "metrics",
        }
    }

    /// What is tried, for people.
    pub fn target(&self) -> String {
        match self {
            Self::Http { url, .. } => url.to_string(),
            Self::Tcp { address } => address.clone(),
            Self::Grpc { address, service } if service.is_empty() => address.clone(),
            Self::Grpc { address, service } => format!("{address}/{service}"),
            Self::Command { argv } => argv.join(" "),
            Self::Metrics { url, prefix, .. } => format!("{url} {prefix}*"),
        }
    }
}

/// FNV-1a (Fowler, Noll, Vo) with the last step of splitmix64, so that neighbouring numbers are far apart.
fn hash(name: &str, number: u32) -> u64 {
    let bytes = name.bytes().chain(number.to_le_bytes());
    let fnv = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
