//! What a row of tries says: passing, failing, or not decided yet.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use super::Check;

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected, and why.
    Failed(String),
    /// Neither: the first look at something that must move says nothing. Counts for nothing and against nothing.
    Unproven(String),
}

/// What is known of a check.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not decided yet.
    Pending,
    /// Enough successes in a row, and not enough failures in a row after them.
    Passing {
        /// The end of the success that decided.
        since: Timestamp,
    },
    /// Enough failures in a row, and not enough successes in a row after them.
    Failing {
        /// The end of the first failure of the row that decided.
        since: Timestamp,
    },
}

/// One check and its tries so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checked {
    check: Check,
    began: Timestamp,
    due: Timestamp,
    status: Status,
    tries: u32,
    good_in_row: u32,
    bad_in_row: u32,
    /// The end of the first failure of the row that goes on.
    bad_since: Timestamp,
    /// It has succeeded once: the grace is over.
    started: bool,
    last_why: Option<String>,
}

impl Checked {
    /// A check that begins now; its first try is due at once.
    pub fn new(check: Check, now: Timestamp) -> Self {
        Self {
            check,
            began: now,
            due: now,
            status: Status::Pending,
            tries: 0,
            good_in_row: 0,
            bad_in_row: 0,
            bad_since: now,
            started: false,
            last_why: None,
        }
    }

    /// A try ended now. Says what is known after it.
    pub fn hear(&mut self, now: Timestamp, outcome: Outcome) -> &Status {
        self.due = self.check.due(self.tries, now);
        self.tries = self.tries.saturating_add(1);
        match outcome {
            Outcome::Passed => self.good(now),
            Outcome::Failed(why) => self.bad(now, why),
            Outcome::Unproven(why) => self.last_why = Some(why),
        }
        &self.status
    }

    fn good(&mut self, now: Timestamp) {
        (self.started, self.bad_in_row) = (true, 0);
        self.good_in_row = self.good_in_row.saturating_add(1);
        let enough = self.good_in_row >= self.check.pace.successes.max(1);
        if enough && !matches!(self.status, Status::Passing { .. }) {
            self.status = Status::Passing { since: now };
        }
    }

    fn bad(&mut self, now: Timestamp, why: String) {
        (self.good_in_row, self.last_why) = (0, Some(why));
        if self.in_grace(now) {
            return;
        }
        if self.bad_in_row == 0 {
            self.bad_since = now;
        }
        self.bad_in_row = self.bad_in_row.saturating_add(1);
        let enough = self.bad_in_row >= self.check.pace.failures.max(1);
        if enough && !matches!(self.status, Status::Failing { .. }) {
            self.status = Status::Failing { since: self.bad_since };
        }
    }

    /// Whether a failure now would not count.
    pub fn in_grace(&self, now: Timestamp) -> bool {
        !self.started && now.since(self.began) < self.check.pace.grace_ms
    }

    /// What is tried.
    pub const fn check(&self) -> &Check {
        &self.check
    }

    /// What is known.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// When the next try is due.
    pub const fn due(&self) -> Timestamp {
        self.due
    }

    /// Tries that have ended.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// Failures in a row that count, up to the last try.
    pub const fn bad_in_row(&self) -> u32 {
        self.bad_in_row
    }

    /// Successes in a row, up to the last try.
    pub const fn good_in_row(&self) -> u32 {
        self.good_in_row
    }

    /// Why the newest try that did not pass did not.
    pub fn last_why(&self) -> Option<&str> {
        self.last_why.as_deref()
    }
}
