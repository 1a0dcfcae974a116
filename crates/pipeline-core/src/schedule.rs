//! Who may start: needs, workers, services, cancel.

use std::collections::{BTreeMap, BTreeSet};

use machine::Timestamp;

use crate::pipeline::{Effects, Pipeline, is_service, keyed};
use crate::{Body, Effect, EffectClass, Job, SkipReason, Status};

/// What the ends of all needs mean for a job.
enum Readiness {
    Go,
    Skip(SkipReason),
    Cancel,
}

impl<D> Pipeline<D> {
    pub(crate) fn open(&mut self, now: Timestamp) -> Effects {
        let indices = 0..self.plan.jobs().len() as u32;
        for index in indices.clone() {
            let Some(job) = self.plan.job(index) else { continue };
            match (job.left_out, job.reused.clone()) {
                (true, _) => self.settle(now, index, Status::Skipped(SkipReason::LeftOut)),
                (_, Some(reused)) => {
                    if let Some(state) = self.state_mut(index) {
                        state.outputs = reused.outputs;
                        state.remark = Some(format!("by run {}", reused.run));
                    }
                    self.settle(now, index, Status::Cached);
                }
                _ => {}
            }
        }
        // Only now are dependants looked at: what is left out or taken over is that, whatever it needs.
        self.opened = true;
        for index in indices {
            if self.states.get(index as usize).is_some_and(|s| s.open == 0 && s.status == Status::Pending) {
                self.needs_settled(now, index);
            }
        }
        Vec::new()
    }

    /// All needs of the job are settled, or ready.
    pub(crate) fn needs_settled(&mut self, now: Timestamp, index: u32) {
        match self.readiness(index) {
            Readiness::Go => {
                if let Some(state) = self.state_mut(index) {
                    state.status = Status::Ready;
                }
                self.ready.insert(index);
            }
            Readiness::Skip(reason) => self.settle(now, index, Status::Skipped(reason)),
            Readiness::Cancel => self.settle(now, index, Status::Cancelled),
        }
    }

    fn readiness(&self, index: u32) -> Readiness {
        let Some(job) = self.plan.job(index) else { return Readiness::Cancel };
        let needs: Vec<_> =
            job.needs.iter().filter_map(|need| Some((need, self.states.get(need.job as usize)?))).collect();
        if job.cleanup {
            let begun = needs.is_empty() || needs.iter().any(|(_, state)| state.attempts > 0);
            return match begun {
                _ if self.hurried => Readiness::Cancel,
                true => Readiness::Go,
                false => Readiness::Skip(SkipReason::UpstreamSkipped),
            };
        }
        if self.cancelled.is_some() {
            return Readiness::Cancel;
        }
        let unsatisfied = |(need, state): &&(&crate::Need, &crate::JobState)| {
            let skipped = matches!(state.status, Status::Skipped(_));
            !(state.status.satisfies()
                || state.released
                || need.accept_any
                || (need.accept_skipped && skipped))
        };
        let mut worst: Option<SkipReason> = None;
        for (_, state) in needs.iter().filter(unsatisfied) {
            let reason = match state.status {
                Status::Cancelled => return Readiness::Cancel,
                Status::Skipped(_) => SkipReason::UpstreamSkipped,
                _ => SkipReason::UpstreamFailed,
            };
            worst = worst.max(Some(reason));
        }
        worst.map_or(Readiness::Go, Readiness::Skip)
    }

    /// The job will not change any more: its dependants may.
    pub(crate) fn settle(&mut self, now: Timestamp, index: u32, status: Status) {
        let mut open = vec![(index, status)];
        while let Some((index, status)) = open.pop() {
            let released = self.states.get(index as usize).is_some_and(|s| s.released);
            let Some(state) = self.state_mut(index) else { continue };
            if state.status.settled() {
                continue;
            }
            state.status = status;
            state.ended = Some(now);
            state.stopping = None;
            state.ready = false;
            self.arm(index, None);
            self.ready.remove(&index);
            self.active.remove(&index);
            let Some(job) = self.plan.job(index) else { continue };
            if !is_service(job) {
                self.unsettled = self.unsettled.saturating_sub(1);
            }
            // Dependants of a service were released when it became ready.
            if !released {
                open.extend(self.release_dependants(index));
            }
        }
    }

    /// Counts a need as done for all that wait for it; gives those that settle at once.
    pub(crate) fn release_dependants(&mut self, index: u32) -> Vec<(u32, Status)> {
        let dependants = self.plan.dependants(index).to_vec();
        let mut settled = Vec::new();
        for dependant in dependants {
            let Some(state) = self.state_mut(dependant) else { continue };
            state.open = state.open.saturating_sub(1);
            if state.open > 0 || state.status != Status::Pending || !self.opened {
                continue;
            }
            match self.readiness(dependant) {
                Readiness::Go => {
                    if let Some(state) = self.state_mut(dependant) {
                        state.status = Status::Ready;
                    }
                    self.ready.insert(dependant);
                }
                Readiness::Skip(reason) => settled.push((dependant, Status::Skipped(reason))),
                Readiness::Cancel => settled.push((dependant, Status::Cancelled)),
            }
        }
        settled
    }

    /// Starts what may start. Only commands take a worker.
    pub(crate) fn launch(&mut self, now: Timestamp) -> Effects {
        let mut effects = Vec::new();
        let mut passed_over = Vec::new();
        if self.opened && self.unsettled == 0 {
            // Only services are left, and nobody needs them any more, also those that wait for another attempt.
            let waiting = self.dues.iter().map(|(_, index)| *index).filter(|i| self.is_ready(*i));
            let mut left: BTreeSet<u32> = waiting.collect();
            left.append(&mut self.ready);
            for index in left {
                self.settle(now, index, Status::Skipped(SkipReason::LeftOut));
            }
        }
        let mut crowded = 0;
        while let Some(index) = self.ready.pop_first() {
            let Some(job) = self.plan.job(index) else { continue };
            if self.lacks_service(job) {
                passed_over.push(index);
                continue;
            }
            let takes_worker = matches!(&job.body, Body::Command(command) if !command.service);
            if takes_worker && self.busy >= self.plan.workers() {
                passed_over.push(index);
                crowded += 1;
                // The rest can only be jobs that take no worker; with many ready jobs that search must not repeat.
                if crowded > 64 {
                    break;
                }
                continue;
            }
            effects.extend(self.start(now, index));
        }
        self.ready.extend(passed_over);
        effects
    }

    /// A service that it needs was ready, and is being started again.
    fn lacks_service(&self, job: &Job<D>) -> bool {
        !job.cleanup
            && job.needs.iter().any(|need| {
                let service = self.plan.job(need.job).is_some_and(is_service);
                let state = self.states.get(need.job as usize);
                service && state.is_some_and(|state| !state.ready && !state.status.settled())
            })
    }

    fn is_ready(&self, index: u32) -> bool {
        self.states.get(index as usize).is_some_and(|state| state.status == Status::Ready)
    }

    fn start(&mut self, now: Timestamp, index: u32) -> Effects {
        let Some(job) = self.plan.job(index) else { return Vec::new() };
        let (timeout, takes_worker) =
            (job.timeout_ms, matches!(&job.body, Body::Command(command) if !command.service));
        if let Body::Approval(approval) = &job.body {
            let (within, pre) = (approval.within_ms, approval.pre.clone());
            return self.ask(now, index, within, pre);
        }
        self.busy += u32::from(takes_worker);
        self.active.insert(index);
        if let Some(state) = self.state_mut(index) {
            state.status = Status::Running;
            state.attempts = state.attempts.saturating_add(1);
            state.spent = state.spent.saturating_add(1);
            state.started = Some(now);
        }
        // A service may run as long as the run; its time is until it is ready.
        self.arm(index, Some(now.after(timeout)));
        self.wanted(index)
    }

    fn ask(&mut self, now: Timestamp, index: u32, within_ms: u64, pre: Option<crate::PreAnswer>) -> Effects {
        self.active.insert(index);
        if let Some(state) = self.state_mut(index) {
            state.status = Status::Waiting;
            state.attempts = 1;
            state.started = Some(now);
        }
        if let Some(pre) = pre {
            let by = format!("the file, {}", pre.written_at);
            return self.answered(now, index, pre.granted, &by);
        }
        self.arm(index, Some(now.after(within_ms)));
        self.wanted(index)
    }

    /// What an active job wants and has no answer to.
    pub(crate) fn wanted(&self, index: u32) -> Effects {
        let (Some(job), Some(state)) = (self.plan.job(index), self.states.get(index as usize)) else {
            return Vec::new();
        };
        let (name, attempt) = (job.name.clone(), state.attempts);
        let reads = || self.reads(index);
        let effect = match (&job.body, &state.status) {
            (Body::Command(command), Status::Running) => {
                let once = matches!(command.effect, EffectClass::Once { .. });
                let run = Effect::RunJob { job: name.clone(), attempt, once, reads: reads() };
                let run = keyed(&job.name, attempt, 0, run);
                let stop = || keyed(&job.name, attempt, 2, Effect::StopJob { job: name, attempt });
                return if state.stopping.is_some() { vec![run, stop()] } else { vec![run] };
            }
            (Body::Deploy(_), Status::Running) => Effect::OpenDeploy { job: name, attempt, reads: reads() },
            (_, Status::Probing) => {
                return vec![keyed(
                    &job.name,
                    attempt,
                    1,
                    Effect::Probe { job: name, attempt, reads: reads() },
                )];
            }
            (body, Status::Waiting) => Effect::Ask { job: name, lost: matches!(body, Body::Command(_)) },
            _ => return Vec::new(),
        };
        vec![keyed(&job.name, attempt, 0, effect)]
    }

    fn reads(&self, index: u32) -> BTreeMap<String, String> {
        let Some(job) = self.plan.job(index) else { return BTreeMap::new() };
        let value = |read: &crate::OutputRef| {
            let of = self.plan.job(read.job)?;
            let value = self.states.get(read.job as usize)?.outputs.get(&read.output)?;
            Some((format!("{}.{}", of.name, read.output), value.clone()))
        };
        job.reads.iter().filter_map(value).collect()
    }

    /// When only services are left, they end.
    pub(crate) fn stop_services(&mut self) -> Effects {
        if !self.opened || self.unsettled > 0 {
            return Vec::new();
        }
        let services: Vec<u32> = self.active.iter().copied().collect();
        services.into_iter().flat_map(|index| self.stop(index, Status::Succeeded)).collect()
    }

    /// Ends what runs; its end brings the status.
    pub(crate) fn stop(&mut self, index: u32, becomes: Status) -> Effects {
        let Some(job) = self.plan.job(index) else { return Vec::new() };
        let (name, deploy) = (job.name.clone(), matches!(job.body, Body::Deploy(_)));
        let Some(state) = self.state_mut(index) else { return Vec::new() };
        if state.status != Status::Running || state.stopping.is_some() {
            return Vec::new();
        }
        let attempt = state.attempts;
        let reason = if becomes == Status::TimedOut { "the job timed out" } else { "the run was cancelled" };
        state.stopping = Some(Box::new(becomes));
        let effect = if deploy {
            Effect::AbortDeploy { job: name.clone(), attempt, reason: reason.to_owned() }
        } else {
            Effect::StopJob { job: name.clone(), attempt }
        };
        self.arm(index, None);
        vec![keyed(&name, attempt, 2, effect)]
    }
}
