//! What each event does in each phase: one match, and a small function for each way on.

use machine::{Input, Keyed, Timestamp};

use super::{BlueGreen, CheckPhase, Effect, Event, Finding, Phase};
use crate::Wait;

type Effects = Vec<Keyed<Effect>>;

impl BlueGreen {
    /// Takes an input that fits; one that means nothing in the phase changes nothing.
    pub fn tell(&mut self, now: Timestamp, input: Input<Event>) -> Effects {
        match input {
            Input::Wake => self.wake(now),
            Input::Event(event) => self.hear(now, event),
        }
    }

    fn hear(&mut self, now: Timestamp, event: Event) -> Effects {
        match (self.phase.clone(), event) {
            (Phase::Idle, Event::Opened { stable }) => self.open(now, stable),
            (Phase::Deploying, Event::Ready) => self.preview(now),
            (Phase::Previewing | Phase::Verifying, Event::ChecksEnded { n, failed }) => {
                self.checked(now, n, failed)
            }
            (Phase::Shifting(step), Event::WeightObserved { percent, taken }) => {
                self.applied(now, step, percent, taken)
            }
            (Phase::Pausing(step, wait), Event::Analysed { finding, taken }) => {
                self.analysed(now, Some(step), wait, finding, taken)
            }
            (Phase::Baking(wait), Event::Analysed { finding, taken }) => {
                self.analysed(now, None, wait, finding, taken)
            }
            (Phase::Verifying, Event::Analysed { finding: Finding::Passed, taken }) => {
                self.verified(now, taken)
            }
            (Phase::Promoting | Phase::Restoring, Event::PromotionObserved) => self.promoted(now),
            (Phase::Restoring, Event::RestoreTooLate) => self.too_late(now),
            (Phase::Decommissioning, Event::StopObserved) => self.end(Phase::Promoted),
            (Phase::Clearing, Event::StopObserved) => self.end(Phase::Aborted),
            (phase, Event::RestoreObserved { reason }) if returns(&phase) => self.restored(now, reason),
            (phase, Event::Abort { reason }) if returns(&phase) => self.go_back(now, reason),
            (_, Event::Hold) if self.exposed() => self.hold(),
            (_, Event::Continue) if self.held => self.go_on(now),
            _ => Vec::new(),
        }
    }

    /// A deadline never raises a weight and never promotes: it goes back, or stops waiting for instances to end.
    fn wake(&mut self, now: Timestamp) -> Effects {
        if self.held || self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        match self.phase {
            Phase::Decommissioning => self.end(Phase::Promoted),
            Phase::Clearing => self.end(Phase::Aborted),
            _ => {
                let reason = format!("no progress while {} within the progress deadline", self.phase_name());
                self.go_back(now, reason)
            }
        }
    }

    fn open(&mut self, now: Timestamp, stable: bool) -> Effects {
        self.stable = stable;
        if !stable {
            self.plan = self.plan.clone().without_stable();
        }
        self.enter(now, Phase::Deploying);
        self.want(Effect::Start)
    }

    fn preview(&mut self, now: Timestamp) -> Effects {
        if !self.plan.preview() {
            return self.shift(now, 0);
        }
        self.enter_for(now, Phase::Previewing, self.plan.checks_within_ms());
        self.want(Effect::RunChecks(CheckPhase::Preview))
    }

    fn checked(&mut self, now: Timestamp, n: u32, failed: Option<String>) -> Effects {
        if self.wanted_number() != Some(n) {
            return Vec::new();
        }
        self.wanted = None;
        match (failed, &self.phase) {
            (Some(reason), _) => self.go_back(now, reason),
            (None, Phase::Previewing) => self.shift(now, 0),
            // What was known when the checks began is old by now: the next passed analysis promotes.
            (None, _) => {
                self.arm(now, self.plan.progress_deadline_ms());
                Vec::new()
            }
        }
    }

    fn shift(&mut self, now: Timestamp, step: u32) -> Effects {
        let Some(next) = self.plan.step(step) else { return Vec::new() };
        self.enter(now, Phase::Shifting(step));
        self.want(Effect::SetWeight(next.percent))
    }

    fn applied(&mut self, now: Timestamp, step: u32, percent: u8, taken: Timestamp) -> Effects {
        let Some(ordered) = self.plan.step(step).filter(|s| s.percent == percent) else { return Vec::new() };
        self.wanted = None;
        let pause = if percent == 100 { self.plan.bake_ms().max(ordered.pause_ms) } else { ordered.pause_ms };
        let wait = Wait::from(taken, pause);
        let phase = if percent == 100 { Phase::Baking(wait) } else { Phase::Pausing(step, wait) };
        self.enter(now, phase);
        Vec::new()
    }

    /// Only an observation that is fresh and was taken after the weight was observed counts or advances.
    fn analysed(
        &mut self,
        now: Timestamp,
        step: Option<u32>,
        mut wait: Wait,
        finding: Finding,
        taken: Timestamp,
    ) -> Effects {
        let fresh_ms = self.plan.fresh_ms();
        let fresh = taken > wait.applied && now.since(taken) <= fresh_ms;
        if finding == Finding::NoData || !fresh || self.held {
            return Vec::new();
        }
        wait.count(taken, fresh_ms);
        self.phase = step.map_or(Phase::Baking(wait), |step| Phase::Pausing(step, wait));
        if finding != Finding::Passed {
            return Vec::new();
        }
        self.arm(now, self.plan.progress_deadline_ms());
        match step {
            _ if !wait.over() => Vec::new(),
            Some(step) => self.shift(now, step.saturating_add(1)),
            None => self.verify(now),
        }
    }

    fn verify(&mut self, now: Timestamp) -> Effects {
        if !self.plan.verify() {
            return self.promote(now);
        }
        self.enter_for(now, Phase::Verifying, self.plan.checks_within_ms());
        self.want(Effect::RunChecks(CheckPhase::Verify))
    }

    /// The checks passed, and so does what is seen now. Neither checks alone, nor an answer, nor silence promotes.
    fn verified(&mut self, now: Timestamp, taken: Timestamp) -> Effects {
        let fresh = now.since(taken) <= self.plan.fresh_ms();
        if fresh && self.wanted.is_none() { self.promote(now) } else { Vec::new() }
    }

    /// The target says that the run was promoted. Unless we ordered that, it means an earlier release of the same
    /// run, and our revision never had any traffic.
    fn too_late(&mut self, now: Timestamp) -> Effects {
        if self.promoting {
            return self.promoted(now);
        }
        self.restored(now, "aborted before its first order".to_owned())
    }

    fn promote(&mut self, now: Timestamp) -> Effects {
        if self.held {
            return Vec::new();
        }
        self.promoting = true;
        self.enter(now, Phase::Promoting);
        self.want(Effect::Promote)
    }

    fn promoted(&mut self, now: Timestamp) -> Effects {
        self.wanted = None;
        self.reason = None;
        self.held = false;
        if !self.stable {
            return self.end(Phase::Promoted);
        }
        self.enter(now, Phase::Decommissioning);
        self.want(Effect::StopOld)
    }

    fn hold(&mut self) -> Effects {
        self.held = true;
        Vec::new()
    }

    /// The time of the hold does not count as time without progress.
    fn go_on(&mut self, now: Timestamp) -> Effects {
        self.held = false;
        self.arm(now, self.plan.progress_deadline_ms());
        Vec::new()
    }

    fn go_back(&mut self, _now: Timestamp, reason: String) -> Effects {
        if self.phase == Phase::Restoring || self.phase == Phase::Clearing {
            return Vec::new();
        }
        let checking = matches!(self.wanted, Some((_, Effect::RunChecks(_))));
        self.held = false;
        self.wanted = None;
        self.due = None;
        self.reason = Some(reason);
        self.phase = Phase::Restoring;
        let stop = checking.then(|| Keyed::notice(Effect::StopChecks));
        std::iter::once(Self::restore()).chain(stop).collect()
    }

    fn restored(&mut self, now: Timestamp, reason: String) -> Effects {
        let checking = matches!(self.wanted, Some((_, Effect::RunChecks(_))));
        self.reason.get_or_insert(reason);
        self.held = false;
        self.enter(now, Phase::Clearing);
        let stop = checking.then(|| Keyed::notice(Effect::StopChecks));
        stop.into_iter().chain(self.want(Effect::StopNew)).collect()
    }

    fn end(&mut self, phase: Phase) -> Effects {
        self.wanted = None;
        self.due = None;
        self.phase = phase;
        Vec::new()
    }

    fn enter(&mut self, now: Timestamp, phase: Phase) {
        self.enter_for(now, phase, self.plan.progress_deadline_ms());
    }

    fn enter_for(&mut self, now: Timestamp, phase: Phase, within_ms: u64) {
        self.phase = phase;
        self.arm(now, within_ms);
    }

    fn arm(&mut self, now: Timestamp, within_ms: u64) {
        self.due = Some(now.after(within_ms));
    }

    fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Idle => "waiting for the target",
            Phase::Deploying => "the new revision becomes ready",
            Phase::Previewing => "checking the new revision before its first traffic",
            Phase::Shifting(_) => "shifting traffic",
            Phase::Pausing(..) => "gathering evidence at this weight",
            Phase::Baking(_) => "baking",
            Phase::Verifying => "verifying",
            Phase::Promoting => "promoting",
            Phase::Decommissioning | Phase::Promoted => "stopping the old revision",
            Phase::Restoring | Phase::Clearing | Phase::Aborted => "returning to stable",
        }
    }
}

/// Whether traffic can still be returned by us or by the target alone.
const fn returns(phase: &Phase) -> bool {
    !matches!(
        phase,
        Phase::Idle | Phase::Clearing | Phase::Decommissioning | Phase::Promoted | Phase::Aborted
    )
}
