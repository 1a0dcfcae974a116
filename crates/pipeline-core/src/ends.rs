//! What ends mean: of attempts, of questions, of deadlines, of the runner itself.

use machine::Timestamp;

use crate::pipeline::{Effects, Pipeline, is_service};
use crate::{Body, EffectClass, Ended, ProbeAnswer, Status};

impl<D> Pipeline<D> {
    pub(crate) fn ended_attempt(&mut self, now: Timestamp, index: u32, ended: Ended) -> Effects {
        let Some(job) = self.plan.job(index) else { return Vec::new() };
        let (service, deploy) = (is_service(job), matches!(job.body, Body::Deploy(_)));
        if !service && !deploy {
            self.busy = self.busy.saturating_sub(1);
        }
        let code = ended.code;
        let Some(state) = self.state_mut(index) else { return Vec::new() };
        state.code = code;
        state.outputs = ended.outputs;
        state.remark = ended.remark;
        state.ready = false;
        let stopping = state.stopping.take().map(|status| *status);
        self.arm(index, None);
        let status = match (stopping, code) {
            // A release that was promoted, or went back on its own, keeps what it did.
            (Some(_), Some(0)) if deploy => Status::Succeeded,
            (Some(_), _) if deploy => Status::Failed,
            (Some(status), _) => status,
            (None, Some(0)) => Status::Succeeded,
            (None, _) => Status::Failed,
        };
        self.settle_or_retry(now, index, status);
        Vec::new()
    }

    fn settle_or_retry(&mut self, now: Timestamp, index: u32, status: Status) {
        let Some(job) = self.plan.job(index) else { return };
        let (retry, deploy) = (job.retry, matches!(job.body, Body::Deploy(_)));
        let spent = self.states.get(index as usize).map_or(0, |s| s.spent);
        let worth = status == Status::Failed || (status == Status::TimedOut && retry.on_timeout);
        let stopped = self.cancelled.is_some() && !job.cleanup;
        if !worth || stopped || deploy || spent >= retry.attempts {
            self.settle(now, index, status);
            return;
        }
        self.active.remove(&index);
        if let Some(state) = self.state_mut(index) {
            state.status = Status::Ready;
        }
        let pause = retry.backoff_ms.saturating_mul(1_u64 << spent.saturating_sub(1).min(16));
        self.arm(index, Some(now.after(pause)));
    }

    pub(crate) fn service_ready(&mut self, now: Timestamp, index: u32) -> Effects {
        let Some(state) = self.state_mut(index) else { return Vec::new() };
        if state.ready || state.stopping.is_some() {
            return Vec::new();
        }
        state.ready = true;
        let again = std::mem::replace(&mut state.released, true);
        self.arm(index, None);
        if again {
            // Started again after a loss: its dependants were let go the first time.
            return Vec::new();
        }
        for (dependant, status) in self.release_dependants(index) {
            self.settle(now, dependant, status);
        }
        Vec::new()
    }

    pub(crate) fn answered(&mut self, now: Timestamp, index: u32, granted: bool, by: &str) -> Effects {
        let Some(job) = self.plan.job(index) else { return Vec::new() };
        let lost = matches!(job.body, Body::Command(_));
        if let Some(state) = self.state_mut(index) {
            state.remark = Some(format!("{} by {by}", if granted { "yes" } else { "no" }));
        }
        match (lost, granted) {
            (_, true) => self.settle(now, index, Status::Succeeded),
            (true, false) => self.run_again(now, index),
            (false, false) => self.settle(now, index, Status::Failed),
        }
        Vec::new()
    }

    pub(crate) fn probed(&mut self, now: Timestamp, index: u32, answer: ProbeAnswer) -> Effects {
        match answer {
            ProbeAnswer::Done => {
                if let Some(state) = self.state_mut(index) {
                    state.remark = Some("done before the crash, as its probe says".to_owned());
                }
                self.settle(now, index, Status::Succeeded);
                Vec::new()
            }
            ProbeAnswer::NotDone => {
                self.run_again(now, index);
                Vec::new()
            }
            ProbeAnswer::Unknown => self.ask_about_lost(now, index),
        }
    }

    fn run_again(&mut self, now: Timestamp, index: u32) {
        self.active.remove(&index);
        self.arm(index, None);
        if self.cancelled.is_some() && self.plan.job(index).is_some_and(|job| !job.cleanup) {
            self.settle(now, index, Status::Cancelled);
            return;
        }
        let stopping = self.state_mut(index).and_then(|state| state.stopping.take());
        if let Some(status) = stopping {
            // It was being ended when it was lost: that is an end, not a loss.
            self.settle_or_retry(now, index, *status);
            return;
        }
        if let Some(state) = self.state_mut(index) {
            state.status = Status::Ready;
            // What a crash took does not count against the budget.
            state.spent = state.spent.saturating_sub(1);
        }
        self.ready.insert(index);
    }

    fn ask_about_lost(&mut self, now: Timestamp, index: u32) -> Effects {
        let timeout = self.plan.job(index).map_or(0, |job| job.timeout_ms);
        if let Some(state) = self.state_mut(index) {
            state.status = Status::Waiting;
        }
        self.arm(index, Some(now.after(timeout)));
        self.wanted(index)
    }

    pub(crate) fn wake(&mut self, now: Timestamp) -> Effects {
        let mut effects = Vec::new();
        while let Some((due, index)) = self.dues.first().copied().filter(|(due, _)| *due <= now) {
            debug_assert!(due <= now);
            self.arm(index, None);
            effects.extend(self.overdue(now, index));
        }
        effects
    }

    fn overdue(&mut self, now: Timestamp, index: u32) -> Effects {
        let Some(job) = self.plan.job(index) else { return Vec::new() };
        let otherwise = match &job.body {
            Body::Approval(approval) => Some(approval.otherwise),
            _ => None,
        };
        match (self.states.get(index as usize).map(|s| s.status.clone()), otherwise) {
            (Some(Status::Running), _) => self.stop(index, Status::TimedOut),
            (Some(Status::Ready), _) => {
                self.ready.insert(index);
                Vec::new()
            }
            (Some(Status::Waiting), Some(granted)) => self.answered(now, index, granted, "nobody, in time"),
            (Some(Status::Waiting | Status::Probing), _) => {
                if let Some(state) = self.state_mut(index) {
                    state.remark = Some("nobody said whether it had happened".to_owned());
                }
                self.settle(now, index, Status::Failed);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The first time ends what runs and lets cleanup run; the second ends cleanup too. A release goes back in both.
    pub(crate) fn cancel(&mut self, now: Timestamp, by: String) -> Effects {
        self.hurried = self.cancelled.is_some();
        self.cancelled.get_or_insert(by);
        let mut effects = Vec::new();
        for index in 0..self.plan.jobs().len() as u32 {
            let Some(job) = self.plan.job(index) else { continue };
            if job.cleanup && !self.hurried {
                continue;
            }
            let service = is_service(job);
            match self.states.get(index as usize).map(|s| s.status.clone()) {
                // Cleanup may need a service that runs; one that does not run is not started any more.
                Some(Status::Running | Status::Waiting | Status::Probing) if service => {}
                Some(Status::Running) => effects.extend(self.stop(index, Status::Cancelled)),
                Some(Status::Ready | Status::Waiting | Status::Probing) => {
                    self.settle(now, index, Status::Cancelled);
                }
                Some(Status::Pending) if self.states.get(index as usize).is_some_and(|s| s.open == 0) => {
                    self.settle(now, index, Status::Cancelled);
                }
                _ => {}
            }
        }
        effects
    }

    /// Attempts of commands died with the runner. Releases and questions go on.
    pub(crate) fn resumed(&mut self, now: Timestamp) -> Effects {
        let mut effects = Vec::new();
        for index in self.active.clone() {
            let Some(job) = self.plan.job(index) else { continue };
            let Body::Command(command) = &job.body else {
                effects.extend(self.wanted(index));
                continue;
            };
            let (effect, service) = (command.effect, command.service);
            match self.states.get(index as usize).map(|s| s.status.clone()) {
                Some(Status::Running) => effects.extend(self.lost(now, index, effect, service)),
                Some(Status::Probing | Status::Waiting) => effects.extend(self.wanted(index)),
                _ => {}
            }
        }
        effects
    }

    fn lost(&mut self, now: Timestamp, index: u32, effect: EffectClass, service: bool) -> Effects {
        if let Some(state) = self.state_mut(index) {
            state.ready = false;
        }
        if !service {
            self.busy = self.busy.saturating_sub(1);
        }
        self.arm(index, None);
        match effect {
            EffectClass::Repeatable => {
                self.run_again(now, index);
                Vec::new()
            }
            EffectClass::Once { probe: true } => {
                let timeout = self.plan.job(index).map_or(0, |job| job.timeout_ms);
                if let Some(state) = self.state_mut(index) {
                    state.status = Status::Probing;
                }
                self.arm(index, Some(now.after(timeout)));
                self.wanted(index)
            }
            EffectClass::Once { probe: false } => self.ask_about_lost(now, index),
        }
    }
}
