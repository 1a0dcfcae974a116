//! A target: something that runs revisions and shares traffic between them.

use std::future::Future;

use supervise::{Acquisition, Answer, Claim, Epoch, Observation, Order, Restoration, RunId};

use crate::PortError;

/// Takes orders about revisions and traffic. All calls may be repeated under the same key.
pub trait Target: Send + Sync {
    /// Claims the target for a run. Only the same run, or `supersede`, takes over.
    fn acquire(&self, claim: &Claim) -> impl Future<Output = Result<Acquisition, PortError>> + Send;

    /// Gives one order: a wish about the state, which is durable when the answer says `Accepted`.
    fn order(&self, order: &Order) -> impl Future<Output = Result<Answer, PortError>> + Send;

    /// Returns all traffic to stable and latches it for `run`. Accepted at any epoch before the promotion.
    fn restore_stable(&self, run: &RunId) -> impl Future<Output = Result<Restoration, PortError>> + Send;

    /// Renews the lease of the weight order in force. Neither key nor record.
    fn renew(&self, run: &RunId, epoch: Epoch) -> impl Future<Output = Result<Answer, PortError>> + Send;

    /// Gives the target back. Traffic stays as it is.
    fn release(&self, run: &RunId, epoch: Epoch) -> impl Future<Output = Result<Answer, PortError>> + Send;

    /// Shows the target as it is.
    fn observe(&self) -> impl Future<Output = Result<Observation, PortError>> + Send;
}
