//! A rule: hears scrapes, decides. Ours, the peers' and any program that speaks JSON lines stand behind it.

use serde::{Deserialize, Serialize};

use crate::trace::{Header, Scrape};

/// What a rule decides after a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing yet.
    Continue,
    /// The ramp stands still and a person is told.
    Hold,
    /// This step may end before its time.
    Promote,
    /// One instance is taken out.
    Eject(u32),
    /// The release goes back.
    Rollback,
}

/// Hears one rollout.
pub trait Rule {
    /// Its name and setting.
    fn name(&self) -> String;

    /// A rollout begins.
    fn begin(&mut self, header: &Header);

    /// One scrape.
    fn scrape(&mut self, scrape: &Scrape) -> Decision;

    /// How suspicious it is after the last scrape; its threshold can be set anew on this scale. A rule that has no
    /// scale says 1 when it rolls back and 0 before.
    fn score(&self) -> f64;
}
