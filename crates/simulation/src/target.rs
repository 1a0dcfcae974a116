//! The target and its counters as ports.

use ports::{Metrics, PortError, Scrape, Target};
use supervise::{Acquisition, Answer, Claim, Epoch, Observation, Order, Reply, Request, Restoration, RunId};

use crate::Universe;

/// Takes orders for the world's target.
#[derive(Clone, Debug)]
pub struct SimTarget(Universe);

/// Gives the world's counters.
#[derive(Clone, Debug)]
pub struct SimMetrics(Universe);

impl Universe {
    /// The world's target.
    pub fn target(&self) -> SimTarget {
        SimTarget(self.clone())
    }

    /// Its counters.
    pub fn metrics(&self) -> SimMetrics {
        SimMetrics(self.clone())
    }
}

impl SimTarget {
    async fn ask(&self, request: Request) -> Result<Reply, PortError> {
        let reply = self.0.exchange(|universe| universe.ask(request)).await?;
        reply.ok_or_else(|| PortError::Malformed("the target said nothing".to_owned()))
    }

    async fn answer(&self, request: Request) -> Result<Answer, PortError> {
        match self.ask(request).await? {
            Reply::Answer(answer) => Ok(answer),
            other => Err(PortError::Malformed(format!("{other:?}"))),
        }
    }
}

impl Target for SimTarget {
    async fn acquire(&self, claim: &Claim) -> Result<Acquisition, PortError> {
        match self.ask(Request::Acquire { claim: claim.clone() }).await? {
            Reply::Acquisition(acquisition) => Ok(acquisition),
            other => Err(PortError::Malformed(format!("{other:?}"))),
        }
    }

    async fn order(&self, order: &Order) -> Result<Answer, PortError> {
        self.answer(Request::Order { order: Box::new(order.clone()) }).await
    }

    async fn restore_stable(&self, run: &RunId) -> Result<Restoration, PortError> {
        match self.ask(Request::Restore { run: run.clone() }).await? {
            Reply::Restoration(restoration) => Ok(restoration),
            other => Err(PortError::Malformed(format!("{other:?}"))),
        }
    }

    async fn renew(&self, run: &RunId, epoch: Epoch) -> Result<Answer, PortError> {
        self.answer(Request::Renew { run: run.clone(), epoch }).await
    }

    async fn release(&self, run: &RunId, epoch: Epoch) -> Result<Answer, PortError> {
        self.answer(Request::Release { run: run.clone(), epoch }).await
    }

    async fn observe(&self) -> Result<Observation, PortError> {
        self.0.exchange(Universe::observe).await
    }
}

impl Metrics for SimMetrics {
    async fn scrape(&self) -> Result<Scrape, PortError> {
        self.0.exchange(Universe::scrape).await
    }
}
