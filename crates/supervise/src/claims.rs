//! Who may give orders: acquisition, lease, release, and the way back to stable with its latch.

use machine::{Millis, Timestamp};

use crate::memory::Mark;
use crate::supervisor::{Holder, Supervisor};
use crate::{Acquisition, Answer, Claim, Epoch, Generation, Reply, Restoration, RunId};

/// A holder without a lease that was not heard for this long does not count as alive.
const UNHEARD_MAX_MS: Millis = 15_000;

impl Supervisor {
    /// The same run takes over from itself; another one only from nobody, or when it supersedes.
    pub(crate) fn acquire(&mut self, now: Timestamp, claim: Claim) -> Reply {
        let other = self.holder.as_ref().filter(|holder| holder.claim.run != claim.run);
        if let Some(holder) = other
            && !claim.supersede
        {
            return Reply::Acquisition(Acquisition::Held {
                by: holder.claim.run.clone(),
                control: holder.claim.control.clone(),
                for_ms: now.since(holder.since),
                alive: holder.alive_until.is_some_and(|until| now < until),
            });
        }
        let superseded = other.map(|holder| holder.claim.run.clone());
        let leaseholder = self.lease.as_ref().map(|lease| lease.run.clone());
        for run in superseded.into_iter().chain(leaseholder).filter(|run| *run != claim.run) {
            // What a promoted run moved is stable: there is nothing to return, and nothing to latch.
            if self.promotions.of(&run).is_none() {
                self.restore(now, &run);
            }
        }
        self.epoch = Epoch(self.epoch.0.saturating_add(1));
        let restored = self.latches.of(&claim.run).is_some();
        self.holder = Some(Holder { claim, since: now, alive_until: None });
        self.heard(now);
        Reply::Acquisition(Acquisition::Acquired { epoch: self.epoch, restored })
    }

    /// Whether `run` gives orders under the epoch in force; otherwise what it is told.
    pub(crate) fn fence(&self, run: &RunId, epoch: Epoch) -> Option<Answer> {
        let holds = self.holder.as_ref().is_some_and(|holder| holder.claim.run == *run);
        (!holds || epoch != self.epoch).then_some(Answer::Fenced { epoch: self.epoch })
    }

    /// What a latched run is told.
    pub(crate) fn latch_answer(&self, now: Timestamp, run: &RunId) -> Option<Answer> {
        self.latches.of(run).map(|latch| Answer::Restored { for_ms: now.since(latch.at) })
    }

    /// The holder was heard: it counts as alive for its lease, or for a while.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        if let Some(holder) = &mut self.holder {
            let own = self.lease.as_ref().filter(|lease| lease.run == holder.claim.run);
            holder.alive_until = Some(now.after(own.map_or(UNHEARD_MAX_MS, |lease| lease.length_ms)));
        }
    }

    pub(crate) fn renew(&mut self, now: Timestamp, run: &RunId, epoch: Epoch) -> Reply {
        if let Some(answer) = self.fence(run, epoch).or_else(|| self.latch_answer(now, run)) {
            return Reply::Answer(answer);
        }
        if let Some(lease) = self.lease.as_mut().filter(|lease| lease.run == *run) {
            lease.until = now.after(lease.length_ms);
        }
        self.heard(now);
        Reply::Answer(Answer::Accepted { generation: self.generation })
    }

    /// Gives the target back. A lease goes on: when nobody renews it, traffic returns to stable.
    pub(crate) fn release(&mut self, _now: Timestamp, run: &RunId, epoch: Epoch) -> Reply {
        if self.holder.is_none() && epoch == self.epoch {
            // The same release once more: its first answer was lost.
            return Reply::Answer(Answer::Accepted { generation: self.generation });
        }
        if let Some(answer) = self.fence(run, epoch) {
            return Reply::Answer(answer);
        }
        self.holder = None;
        Reply::Answer(Answer::Accepted { generation: self.generation })
    }

    pub(crate) fn restore_asked(&mut self, now: Timestamp, run: &RunId) -> Reply {
        if let Some(promotion) = self.promotions.of(run) {
            return Reply::Restoration(Restoration::Promoted { for_ms: now.since(promotion.at) });
        }
        let generation = self.restore(now, run);
        Reply::Restoration(Restoration::Restored { generation, stable: self.stable.is_some() })
    }

    /// Returns the traffic of `run` to stable and closes its latch. It asks for nothing: no epoch, no health, no
    /// weight. Traffic that another run moved is left alone.
    pub(crate) fn restore(&mut self, now: Timestamp, run: &RunId) -> Generation {
        if let Some(latch) = self.latches.of(run) {
            return latch.generation;
        }
        self.generation = self.generation.next();
        if self.lease.as_ref().is_some_and(|lease| lease.run == *run) {
            self.lease = None;
            self.all_to_stable();
        }
        if self.stable.is_none() {
            for revision in self.revisions.values_mut().filter(|revision| revision.by == *run) {
                revision.wanted = false;
            }
        }
        let holder = self.holder.as_ref().map(|holder| &holder.claim.run);
        let mark = Mark { run: run.clone(), at: now, generation: self.generation };
        self.latches.add(mark, holder);
        self.generation
    }

    /// A lease that ran out returns traffic to stable; a holder that was not heard is not alive.
    pub(crate) fn lease_wakes(&mut self, now: Timestamp) {
        if let Some(lease) = self.lease.as_ref().filter(|lease| lease.until <= now) {
            let run = lease.run.clone();
            self.restore(now, &run);
        }
        if let Some(holder) = &mut self.holder {
            holder.alive_until = holder.alive_until.filter(|until| *until > now);
        }
    }
}

impl Generation {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
