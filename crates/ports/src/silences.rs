//! Keeping alerts quiet for a deployment window, and never those that guard the rollout.

use std::future::Future;

use machine::Millis;
use promql::{MatchOp, Matcher, SyntaxKind};
use serde::{Deserialize, Serialize};

use crate::PortError;

/// One condition of a silence. All must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SilenceMatcher {
    /// Which label of an alert.
    pub label: String,
    /// With what it is compared.
    pub value: String,
    /// The value is a regular expression that the whole label must match.
    pub regex: bool,
    /// False turns the condition round.
    pub equal: bool,
}

impl From<&Matcher> for SilenceMatcher {
    fn from(it: &Matcher) -> Self {
        let regex = matches!(it.op, MatchOp::Matches | MatchOp::Differs);
        let equal = matches!(it.op, MatchOp::Equal | MatchOp::Matches);
        Self { label: it.label.clone(), value: it.value.clone(), regex, equal }
    }
}

impl SilenceMatcher {
    /// As conditions about labels are written elsewhere.
    ///
    /// # Errors
    /// The value is no regular expression, and must be one.
    pub fn matcher(&self) -> Result<Matcher, SyntaxKind> {
        let op = match (self.regex, self.equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::Unequal,
            (true, true) => MatchOp::Matches,
            (true, false) => MatchOp::Differs,
        };
        Matcher::new(&self.label, op, &self.value)
    }
}

/// What is to be quiet, for how long and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whose window it is, e.g. `RUN/JOB#ATTEMPT`; by it the silence is found again, also after a crash.
    pub run: String,
    /// At least one.
    pub matchers: Vec<SilenceMatcher>,
    /// When it ends by itself, from now.
    pub lasts_ms: Millis,
    /// Why, for people.
    pub comment: String,
}

/// A silence of ours that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As the other side names it.
    pub id: String,
    /// Whose window it is.
    pub run: String,
    /// What it keeps quiet.
    pub matchers: Vec<SilenceMatcher>,
    /// When it ends by itself, in milliseconds since 1970.
    pub ends_ms: i64,
    /// Who placed it, as people see it.
    pub owner: String,
    /// Why, as people see it.
    pub comment: String,
}

/// Keeps alerts quiet. All calls may be repeated.
pub trait Silences: Send + Sync {
    /// Places a silence and gives its name. One that stands already for the same run and matchers, and ends no sooner
    /// than asked, is kept.
    ///
    /// # Errors
    /// `Refused` when it would keep an alert quiet that guards the rollout, has no end, comment or matcher, or lasts
    /// too long.
    fn place(&self, window: &Window) -> impl Future<Output = Result<String, PortError>> + Send;

    /// Removes every silence of that window, and says how many stood.
    fn lift(&self, run: &str) -> impl Future<Output = Result<usize, PortError>> + Send;

    /// All silences of ours that stand, of whatever run: what a crash has left is among them.
    fn standing(&self) -> impl Future<Output = Result<Vec<Standing>, PortError>> + Send;
}
