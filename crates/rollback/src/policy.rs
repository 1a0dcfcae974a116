//! What each rule leads to, as the design's table of rollback triggers says.

use std::collections::BTreeMap;

use health::{Breach, RuleName};
use machine::Millis;
use serde::{Deserialize, Serialize};

/// What happens when nobody answers in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// Back to stable.
    Abort,
    /// Go on, and say so.
    Continue,
}

/// What a trigger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Back to stable at once.
    Abort,
    /// Alert, hold, ask a person.
    Ask {
        /// How long the question stands.
        within_ms: Millis,
        /// What silence means.
        otherwise: Otherwise,
    },
    /// Alert and replace the instance; a second time within the observation window is a breach of its own.
    Restart,
    /// Alert only.
    Alert,
}

/// The action of every rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Policy {
    actions: BTreeMap<RuleName, Action>,
    /// How long a restart of a slot is remembered.
    pub restart_window_ms: Millis,
}

impl Policy {
    /// The design's table: health checks, error rate and server errors go back at once; response time asks for
    /// 15 minutes and then goes back; memory restarts, and is remembered for an hour.
    pub fn design() -> Self {
        let ask = Action::Ask { within_ms: 900_000, otherwise: Otherwise::Abort };
        let actions = BTreeMap::from([
            (RuleName::HealthCheck, Action::Abort),
            (RuleName::ErrorRate, Action::Abort),
            (RuleName::ServerErrors, Action::Abort),
            (RuleName::ResponseTime, ask),
            (RuleName::Memory, Action::Restart),
        ]);
        Self { actions, restart_window_ms: 3_600_000 }
    }

    /// The same policy with another action for one rule.
    #[must_use]
    pub fn with(mut self, rule: RuleName, action: Action) -> Self {
        self.actions.insert(rule, action);
        self
    }

    /// What the rule leads to. A rule without an action goes back: unknown never goes on.
    pub fn action(&self, rule: RuleName) -> Action {
        self.actions.get(&rule).copied().unwrap_or(Action::Abort)
    }

    /// What a breach leads to. Where the evidence is that one instance alone fails requests, that instance is restarted
    /// in place of the release going back; a second time it goes back.
    pub fn action_on(&self, breach: &Breach) -> Action {
        let of_requests = match breach.rule {
            RuleName::ErrorRate | RuleName::ResponseTime | RuleName::ServerErrors => true,
            RuleName::HealthCheck | RuleName::Memory => false,
        };
        match self.action(breach.rule) {
            Action::Abort | Action::Ask { .. } if of_requests && breach.slot.is_some() => Action::Restart,
            action => action,
        }
    }
}
