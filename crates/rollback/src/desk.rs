//! The desk where breaches arrive and decisions leave.
//!
//! Back to stable wins over a question, a question over a restart. A question that was answered with "go on" is not
//! asked again for the same rule in the same rollout.

use std::collections::{BTreeMap, BTreeSet};

use health::{Breach, RuleName};
use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::{Action, Otherwise, Policy};

/// What shall be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing; go on.
    Continue,
    /// Ask a person and hold meanwhile.
    Hold(Question),
    /// All traffic to stable.
    Abort(Breach),
    /// Replace the instance of this slot.
    Restart(Restarted, Breach),
    /// Tell a person, and go on.
    Alert(Breach),
}

/// A question that stands until it is answered or its time is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Question {
    /// What was seen.
    pub breach: Breach,
    /// When it stops standing.
    pub until: Timestamp,
    /// What silence means.
    pub otherwise: Otherwise,
}

/// A restart of one slot by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Restarted {
    /// Which instance.
    pub slot: u32,
    /// How often, this time included.
    pub restarts: u32,
    /// When it was decided.
    pub at: Timestamp,
}

/// Turns breaches into decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Desk {
    policy: Policy,
    question: Option<Question>,
    waived: BTreeSet<RuleName>,
    restarts: BTreeMap<u32, Restarted>,
}

impl Desk {
    /// An empty desk under this policy.
    pub const fn new(policy: Policy) -> Self {
        Self { policy, question: None, waived: BTreeSet::new(), restarts: BTreeMap::new() }
    }

    /// The question that stands.
    pub const fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// When silence becomes an answer.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.question.as_ref().map(|q| q.until)
    }

    /// Restarts that were decided, by slot.
    pub fn restarts(&self) -> impl Iterator<Item = &Restarted> {
        self.restarts.values()
    }

    /// Decides on the breaches of one sample. `restarts_seen` says how often a slot is seen restarted: a breach of an
    /// instance whose restart is still on its way says nothing new.
    pub fn decide(
        &mut self,
        now: Timestamp,
        breaches: &[Breach],
        restarts_seen: impl Fn(u32) -> u32,
    ) -> Decision {
        let standing = |breach: &&Breach| !self.waived.contains(&breach.rule);
        let all: Vec<&Breach> = breaches.iter().filter(standing).collect();
        let first = |want: fn(Action) -> bool| all.iter().find(|b| want(self.policy.action_on(b))).copied();
        if let Some(breach) = first(|a| matches!(a, Action::Abort)) {
            return Decision::Abort(breach.clone());
        }
        if let Some(breach) = first(|a| matches!(a, Action::Ask { .. })).cloned() {
            return self.ask(now, breach);
        }
        let restarting: Vec<Breach> =
            all.iter().filter(|b| self.policy.action_on(b) == Action::Restart).map(|&b| b.clone()).collect();
        let alert = first(|a| matches!(a, Action::Alert)).cloned();
        let decided = restarting.into_iter().find_map(|breach| self.restart(now, breach, &restarts_seen));
        decided.or_else(|| alert.map(|b| self.alert(b))).unwrap_or(Decision::Continue)
    }

    /// A person answered. Says whether to go on; `None` when nothing was asked.
    pub fn answer(&mut self, go_on: bool) -> Option<Question> {
        let question = self.question.take()?;
        if go_on {
            self.waived.insert(question.breach.rule);
        }
        Some(question)
    }

    /// The time of the question is over: gives it back when it was.
    pub fn wake(&mut self, now: Timestamp) -> Option<Question> {
        let over = self.question.as_ref().is_some_and(|q| q.until <= now);
        let question = if over { self.question.take()? } else { return None };
        if question.otherwise == Otherwise::Continue {
            self.waived.insert(question.breach.rule);
        }
        Some(question)
    }

    /// Nothing is asked any more.
    pub fn close(&mut self) {
        self.question = None;
    }

    fn ask(&mut self, now: Timestamp, breach: Breach) -> Decision {
        if self.question.is_some() {
            return Decision::Continue;
        }
        let Action::Ask { within_ms, otherwise } = self.policy.action(breach.rule) else {
            return Decision::Continue;
        };
        let question = Question { breach, until: now.after(within_ms), otherwise };
        self.question = Some(question.clone());
        Decision::Hold(question)
    }

    fn alert(&mut self, breach: Breach) -> Decision {
        self.waived.insert(breach.rule);
        Decision::Alert(breach)
    }

    fn restart(&mut self, now: Timestamp, breach: Breach, seen: impl Fn(u32) -> u32) -> Option<Decision> {
        let Some(slot) = breach.slot else { return Some(Decision::Abort(breach)) };
        match self.restarts.get(&slot) {
            Some(last) if seen(slot) < last.restarts => None,
            Some(last) if now.since(last.at) <= self.policy.restart_window_ms => {
                let text =
                    format!("{}, again after a restart {} s before", breach.text, now.since(last.at) / 1000);
                Some(Decision::Abort(Breach { text, ..breach }))
            }
            before => {
                let restarts = before.map_or_else(|| seen(slot), |last| last.restarts).saturating_add(1);
                let restarted = Restarted { slot, restarts, at: now };
                self.restarts.insert(slot, restarted);
                Some(Decision::Restart(restarted, breach))
            }
        }
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(question) = &mut self.question {
            v.time(&mut question.until);
            v.time(&mut question.breach.since);
        }
        for restarted in self.restarts.values_mut() {
            v.time(&mut restarted.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use health::Finite;

    use super::*;

    const fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn breach(rule: RuleName, slot: Option<u32>) -> Breach {
        let (observed, limit) = (Finite::default(), Finite::default());
        Breach { rule, observed, limit, since: at(0), slot, text: "seen".into() }
    }

    fn desk() -> Desk {
        Desk::new(Policy::design())
    }

    #[test]
    fn every_trigger_does_what_the_design_says() {
        use RuleName::{ErrorRate, HealthCheck, Memory, ResponseTime, ServerErrors};
        for rule in [HealthCheck, ErrorRate, ServerErrors] {
            let decision = desk().decide(at(5), &[breach(rule, None)], |_| 0);
            assert!(matches!(decision, Decision::Abort(b) if b.rule == rule), "{rule}");
        }
        let held = desk().decide(at(5), &[breach(ResponseTime, None)], |_| 0);
        assert!(
            matches!(held, Decision::Hold(q) if q.until == at(900_005) && q.otherwise == Otherwise::Abort)
        );
        let restarted = desk().decide(at(5), &[breach(Memory, Some(1))], |_| 0);
        assert!(matches!(restarted, Decision::Restart(r, _) if (r.slot, r.restarts) == (1, 1)));
    }

    #[test]
    fn one_instance_that_fails_requests_is_restarted_and_a_second_time_the_release_goes_back() {
        let mut desk = desk();
        let one = [breach(RuleName::ErrorRate, Some(2))];
        let first = desk.decide(at(0), &one, |_| 0);
        assert!(matches!(first, Decision::Restart(r, _) if (r.slot, r.restarts) == (2, 1)));
        assert!(matches!(desk.decide(at(30), &one, |_| 1), Decision::Abort(_)));
        let checks = [breach(RuleName::HealthCheck, Some(2))];
        assert!(matches!(
            super::Desk::new(Policy::design()).decide(at(0), &checks, |_| 0),
            Decision::Abort(_)
        ));
    }

    #[test]
    fn back_to_stable_wins_over_a_question_and_a_restart() {
        let all = [
            breach(RuleName::Memory, Some(0)),
            breach(RuleName::ResponseTime, None),
            breach(RuleName::ErrorRate, None),
        ];
        assert!(matches!(desk().decide(at(0), &all, |_| 0), Decision::Abort(_)));
    }

    #[test]
    fn a_second_restart_of_a_slot_in_the_window_is_a_breach() {
        let mut desk = desk();
        let leak = [breach(RuleName::Memory, Some(0))];
        assert!(matches!(desk.decide(at(0), &leak, |_| 0), Decision::Restart(..)));
        assert_eq!(desk.decide(at(10), &leak, |_| 0), Decision::Continue, "the restart is still on its way");
        assert!(matches!(
            desk.decide(at(20), &[breach(RuleName::Memory, Some(1))], |_| 0),
            Decision::Restart(..)
        ));
        assert!(matches!(desk.decide(at(30), &leak, |_| 1), Decision::Abort(_)));
        let late = at(3_600_031);
        assert!(matches!(desk.decide(late, &leak, |_| 1), Decision::Restart(r, _) if r.restarts == 2));
    }

    #[test]
    fn a_question_that_was_answered_with_go_on_is_not_asked_again() {
        let mut desk = desk();
        let slow = [breach(RuleName::ResponseTime, None)];
        assert!(matches!(desk.decide(at(0), &slow, |_| 0), Decision::Hold(_)));
        assert_eq!(desk.decide(at(1), &slow, |_| 0), Decision::Continue, "asked once");
        assert!(desk.answer(true).is_some());
        assert_eq!(desk.decide(at(2), &slow, |_| 0), Decision::Continue);
        assert_eq!(desk.answer(true), None);
    }
}
