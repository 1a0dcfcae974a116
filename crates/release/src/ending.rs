//! How a release ends: promoted or gone back, by an order, by the target alone, or because nobody answers.

use deploy_strategies::Phase;
use health::Judge;
use machine::{Key, Keyed, Timestamp};

use crate::release::Effects;
use crate::wishes::say;
use crate::{Effect, Outcome, Release, Severity, Stage};

impl<J: Judge> Release<J> {
    /// The return has happened without us: what is left is to stop the new revision.
    pub(crate) fn returned_by_target(&mut self, now: Timestamp, why: &str) -> Effects {
        if self.stage == Stage::Looking {
            return self.close(now, Outcome::Aborted { reason: why.to_owned(), stable: true });
        }
        self.desk.close();
        self.rollout(now, deploy_strategies::Event::RestoreObserved { reason: why.to_owned() })
    }

    /// Somebody acquired the target later: another run, which returned our traffic first, or another runner of this
    /// run, which did not. Orders are void from here on; only the return is taken at any epoch, and only its answer
    /// says where the traffic is.
    pub(crate) fn fenced(&mut self, now: Timestamp) -> Effects {
        match self.strategy.phase() {
            Phase::Clearing | Phase::Decommissioning => {
                self.rollout(now, deploy_strategies::Event::StopObserved)
            }
            Phase::Restoring => Vec::new(),
            _ => self.abort(now, "somebody else took the target over".to_owned()),
        }
    }

    pub(crate) fn end_closed(&mut self) -> Effects {
        if let Stage::Closing(outcome) = &self.stage {
            self.stage = Stage::Ended(outcome.clone());
            self.due = None;
        }
        Vec::new()
    }

    /// The target did not answer in time. What it may have taken it gives back, or its lease does.
    pub(crate) fn overdue(&mut self, now: Timestamp) -> Effects {
        self.due = None;
        let late = "the target did not answer within the progress deadline".to_owned();
        match self.stage {
            Stage::Acquiring => self.close(now, Outcome::Refused { reason: late }),
            Stage::Looking => self.close(now, Outcome::Aborted { reason: late, stable: true }),
            Stage::Closing(_) => {
                let text = "the target was not given back: it did not answer".to_owned();
                self.end_closed();
                vec![say(Severity::Warning, text)]
            }
            Stage::Rolling | Stage::Ended(_) => Vec::new(),
        }
    }

    pub(crate) fn close_when_done(&mut self, now: Timestamp) -> Effects {
        let outcome = match self.strategy.phase() {
            _ if self.stage != Stage::Rolling => return Vec::new(),
            Phase::Promoted => Outcome::Promoted,
            Phase::Aborted => {
                let reason = self.strategy.reason().unwrap_or("aborted").to_owned();
                Outcome::Aborted { reason, stable: self.stable }
            }
            _ => return Vec::new(),
        };
        self.close(now, outcome)
    }

    /// Somebody else holds the target: there is nothing to give back.
    pub(crate) fn refused_by_target(&mut self, reason: String) -> Effects {
        let outcome = Outcome::Refused { reason };
        let note = say(Severity::Critical, outcome.to_string());
        self.stage = Stage::Ended(outcome);
        self.due = None;
        vec![note]
    }

    pub(crate) fn close(&mut self, now: Timestamp, outcome: Outcome) -> Effects {
        let severity = if outcome.code() == 0 { Severity::Info } else { Severity::Critical };
        let note = say(severity, outcome.to_string());
        self.stage = Stage::Closing(outcome);
        self.arm(now);
        vec![Keyed::new(Key::new(1), Effect::GiveBack), note]
    }
}
