//! From a sighting to a decision: what the target shows, what the judge says, what the desk decides.

use deploy_strategies::{Event as Rollout, Finding, Phase};
use health::{Breach, Judge, Verdict};
use machine::Timestamp;
use rollback::Decision;

use crate::release::Effects;
use crate::wishes::{restart_order, say};
use crate::{Outcome, Release, Severity, Sighting, Stage};

impl<J: Judge> Release<J> {
    pub(crate) fn sighted(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        // What has not seen our last order, or is older than what we know, is never evidence.
        if sighting.taken < self.seen || sighting.generation < self.generation {
            return Vec::new();
        }
        self.seen = sighting.taken;
        if let Some(sample) = &sighting.sample {
            self.cost.count(sample);
        }
        match self.stage {
            Stage::Looking => self.look(now, sighting),
            Stage::Rolling => {
                // On the way back instances end, and their checks fail because of that.
                if !matches!(self.strategy.phase(), Phase::Restoring | Phase::Clearing) {
                    self.cost.failing.clone_from(&sighting.failing);
                }
                let mut effects = self.target_facts(now, sighting);
                effects.extend(self.health_facts(now, sighting));
                effects.extend(self.repeat_refused());
                effects
            }
            _ => Vec::new(),
        }
    }

    fn look(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        self.stable = sighting.stable.is_some();
        if sighting.latched {
            let reason = "the target had returned this run's traffic to stable".to_owned();
            return self.close(now, Outcome::Aborted { reason, stable: self.stable });
        }
        if sighting.stable.as_ref() == Some(&sighting.new) {
            // A target that was just started again serves only when the instances of its stable revision are ready.
            if sighting.ready < sighting.wanted.max(1) {
                return Vec::new();
            }
            let why = format!("{} is stable already", sighting.new);
            return self.close(now, Outcome::Unchanged { why });
        }
        if let (true, Some(stable)) = (self.setup.only_when_empty, &sighting.stable) {
            let why = format!("the target is not empty: {stable} is stable");
            return self.close(now, Outcome::Unchanged { why });
        }
        self.stage = Stage::Rolling;
        self.due = None;
        self.rollout(now, Rollout::Opened { stable: self.stable })
    }

    /// What the target shows of our orders.
    fn target_facts(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        self.cost.peak_percent = self.cost.peak_percent.max(sighting.percent);
        let promoted = sighting.stable.as_ref() == Some(&sighting.new);
        match self.strategy.phase() {
            Phase::Promoting | Phase::Restoring if promoted => self.rollout(now, Rollout::PromotionObserved),
            // Wanted and without an instance yet is not stopped.
            Phase::Clearing if sighting.running_new == 0 && sighting.wanted == 0 => {
                self.rollout(now, Rollout::StopObserved)
            }
            Phase::Clearing => Vec::new(),
            _ if sighting.latched && sighting.percent == 0 && self.strategy.abortable() => {
                self.back(now, sighting)
            }
            Phase::Restoring if self.restoring && sighting.percent == 0 => self.back(now, sighting),
            Phase::Deploying if sighting.wanted > 0 && sighting.ready >= sighting.wanted => {
                self.rollout(now, Rollout::Ready)
            }
            Phase::Shifting(_) if sighting.percent == self.strategy.ordered() => self.weighed(now, sighting),
            // A look from before the promotion counts the old revision as stable, not as old.
            Phase::Decommissioning if promoted && sighting.running_old == 0 => {
                self.rollout(now, Rollout::StopObserved)
            }
            _ => Vec::new(),
        }
    }

    fn weighed(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        let (percent, taken) = (sighting.percent, sighting.taken);
        self.judge.weighed(taken, percent);
        self.rollout(now, Rollout::WeightObserved { percent, taken })
    }

    fn back(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        self.cost.stable_again.get_or_insert(sighting.taken);
        self.desk.close();
        let reason = "the target returned traffic to stable: nobody renewed the lease".to_owned();
        self.rollout(now, Rollout::RestoreObserved { reason })
    }

    /// What the counters say, while the new revision may have traffic.
    fn health_facts(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        if !self.strategy.exposed() {
            return Vec::new();
        }
        // Evidence is as old as its counters, however new the look at the target is.
        let taken = evidence_taken(sighting);
        let fresh = now.since(taken) <= self.strategy.plan().fresh_ms();
        let sample = sighting.sample.as_ref().filter(|_| fresh);
        let finding = match self.judge.judge(now, sample) {
            Verdict::Regressed(breaches) => return self.decide(now, sighting, &breaches),
            Verdict::Shared(breach) => return self.incident(now, taken, &breach),
            Verdict::Healthy => Finding::Passed,
            Verdict::Undecided => Finding::Inconclusive,
            Verdict::NoData => Finding::NoData,
        };
        self.rollout(now, Rollout::Analysed { finding, taken })
    }

    /// Both revisions suffer: hold while it lasts, and say so once.
    fn incident(&mut self, now: Timestamp, taken: Timestamp, breach: &Breach) -> Effects {
        let mut effects = Vec::new();
        if !self.incident {
            self.incident = true;
            effects.push(say(Severity::Warning, format!("{breach}; hold")));
        }
        effects.extend(self.rollout(now, Rollout::Analysed { finding: Finding::Inconclusive, taken }));
        effects
    }

    fn decide(&mut self, now: Timestamp, sighting: &Sighting, breaches: &[health::Breach]) -> Effects {
        let restarts_of = |slot: u32| {
            let instances = sighting.sample.iter().flat_map(|sample| &sample.new.instances);
            instances.filter(|i| i.slot == slot).map(|i| i.restarts).max().unwrap_or(0)
        };
        match self.desk.decide(now, breaches, restarts_of) {
            // Something holds, but it is waived, asked or on its way: time counts, no step is taken on it alone.
            Decision::Continue => self.after_breach(now, sighting),
            Decision::Alert(breach) => {
                let mut effects = vec![say(Severity::Warning, breach.to_string())];
                effects.extend(self.after_breach(now, sighting));
                effects
            }
            Decision::Abort(breach) => {
                let reason = breach.to_string();
                self.cost.breach = Some(breach);
                self.abort(now, reason)
            }
            Decision::Hold(question) => {
                let text = format!(
                    "{}; hold, and back to stable at {} unless a person says go on",
                    question.breach, question.until
                );
                let mut effects = vec![say(Severity::Warning, text)];
                effects.extend(self.rollout(now, Rollout::Hold));
                effects
            }
            Decision::Restart(restarted, breach) => {
                let text = format!("{breach}; instance {} is restarted", restarted.slot);
                self.restarts.push((restarted.slot, restarted.restarts));
                vec![say(Severity::Warning, text), restart_order(restarted.slot, restarted.restarts)]
            }
        }
    }

    /// A breach that a person waived counts as a pass; one that is on its way to be dealt with does not.
    fn after_breach(&mut self, now: Timestamp, sighting: &Sighting) -> Effects {
        let busy = self.desk.question().is_some()
            || self.desk.restarts().any(|r| !self.restart_seen(sighting, r.slot, r.restarts));
        let finding = if busy { Finding::Inconclusive } else { Finding::Passed };
        self.rollout(now, Rollout::Analysed { finding, taken: evidence_taken(sighting) })
    }

    fn restart_seen(&self, sighting: &Sighting, slot: u32, restarts: u32) -> bool {
        let instances = sighting.sample.iter().flat_map(|sample| &sample.new.instances);
        !self.restarts.contains(&(slot, restarts))
            && instances.filter(|i| i.slot == slot).any(|i| i.restarts >= restarts)
    }
}

/// When the newest part of the evidence was taken: the older of the look and its counters.
fn evidence_taken(sighting: &Sighting) -> Timestamp {
    sighting.sample.as_ref().map_or(sighting.taken, |sample| sample.taken.min(sighting.taken))
}
