//! The file of checks as it is written. Meaning is given in `file.rs`; nothing but the shape is checked here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChecks {
    #[serde(default)]
    pub(super) defaults: RawPace,
    pub(super) checks: Spanned<Vec<Spanned<RawCheck>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPace {
    pub(super) every: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) failures: Option<Spanned<u32>>,
    pub(super) successes: Option<Spanned<u32>>,
    pub(super) grace: Option<Text>,
    pub(super) jitter: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    pub(super) name: Text,
    pub(super) http: Option<Text>,
    pub(super) status: Option<Spanned<u16>>,
    pub(super) contains: Option<Text>,
    pub(super) json: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) tcp: Option<Text>,
    pub(super) grpc: Option<Text>,
    pub(super) service: Option<Text>,
    pub(super) command: Option<Spanned<Vec<String>>>,
    pub(super) metrics: Option<Text>,
    pub(super) prefix: Option<Text>,
    pub(super) moves: Option<Spanned<bool>>,
    pub(super) every: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) failures: Option<Spanned<u32>>,
    pub(super) successes: Option<Spanned<u32>>,
    pub(super) grace: Option<Text>,
    pub(super) jitter: Option<Text>,
}

impl RawCheck {
    /// The keys that say when it is tried.
    pub(super) fn pace(&mut self) -> RawPace {
        RawPace {
            every: self.every.take(),
            timeout: self.timeout.take(),
            failures: self.failures.take(),
            successes: self.successes.take(),
            grace: self.grace.take(),
            jitter: self.jitter.take(),
        }
    }
}
