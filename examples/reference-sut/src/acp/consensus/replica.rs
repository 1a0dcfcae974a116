//! What a replica of any algorithm can do.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::refusal::Refusal;

/// What is agreed on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Value {
    pub(super) id: String,
    pub(super) value: String,
}

/// A replica.
pub(super) trait Replica {
    fn tick(&mut self, now: u64);
    fn inbox(&mut self, from: usize, message: &Json) -> Result<(), Refusal>;
    /// What is to be sent, and to whom.
    fn outbox(&mut self) -> Vec<(usize, Json)>;
    fn propose(&mut self, entry: Value);
    /// What was committed and applied, in order; each id once.
    fn applied(&self) -> &[Value];
    /// Whether it has heard of a proposal.
    fn knows(&self, id: &str) -> bool;
    fn view(&self) -> u64;
    fn leads(&self) -> bool;
    /// Comes back with what it had on its disk.
    fn restart(&mut self);
    /// Begins with what another algorithm had committed.
    fn begin_with(&mut self, log: &[Value]);
    fn copy(&self) -> Box<dyn Replica>;
}
