//! The plan of a blue-green rollout: steps of weight with their pauses, bake, deadlines.

use machine::Millis;
use serde::{Deserialize, Serialize};

/// One step: this share of traffic, then at least this much time with fresh and passing analyses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Percent of traffic for the new revision, 1 to 100.
    pub percent: u8,
    /// Time with fresh data before the next step.
    pub pause_ms: Millis,
}

/// Steps that rise and end at 100, and the times around them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Plan(Draft);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Draft {
    steps: Vec<Step>,
    bake_ms: Millis,
    progress_deadline_ms: Millis,
    scrape_ms: Millis,
    preview: bool,
    verify: bool,
    checks_within_ms: Millis,
    /// The bake is the pause of the step before the last one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bakes_before: bool,
}

/// Why steps do not make a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is none.
    #[error("a rollout needs at least one step; write steps: [100] to switch at once")]
    NoSteps,
    /// Over the limit.
    #[error("{0} steps are too many; the limit is {limit}", limit = Plan::MAX_STEPS)]
    TooManySteps(usize),
    /// A share outside 1 to 100.
    #[error("a step is 1 to 100 percent of the traffic, not {0}")]
    OutOfRange(u8),
    /// A step that does not rise.
    #[error("steps must rise: {after} comes after {before}")]
    NotRising {
        /// The step before.
        before: u8,
        /// The step that is not above it.
        after: u8,
    },
    /// The last step is below 100.
    #[error("the last step must be 100, not {0}")]
    NotWhole(u8),
    /// A step leaves no room for what is held back.
    #[error("a step of {before} leaves less than {held} percent to be held back")]
    NoRoom {
        /// Percent that are to stay on stable.
        held: u8,
        /// The last step before 100.
        before: u8,
    },
    /// A zero where time must pass.
    #[error("{0} must be longer than nothing")]
    Zero(&'static str),
}

impl Plan {
    /// The most steps that a plan may have.
    pub const MAX_STEPS: usize = 64;

    /// A plan with these steps. `scrape_ms` is the time from one observation to the next; what is older than two of
    /// them is not fresh.
    ///
    /// # Errors
    /// Says which rule the steps break.
    pub fn new(
        steps: Vec<Step>,
        bake_ms: Millis,
        progress_deadline_ms: Millis,
        scrape_ms: Millis,
    ) -> Result<Self, PlanError> {
        let checks_within_ms = progress_deadline_ms;
        check(Draft {
            steps,
            bake_ms,
            progress_deadline_ms,
            scrape_ms,
            preview: false,
            verify: false,
            checks_within_ms,
            bakes_before: false,
        })
    }

    /// The same plan with checks before the first traffic (`preview`) and after the bake (`verify`), which must end
    /// within `within_ms`.
    #[must_use]
    pub fn with_checks(mut self, preview: bool, verify: bool, within_ms: Millis) -> Self {
        self.0.preview = preview;
        self.0.verify = verify;
        self.0.checks_within_ms = within_ms.max(1);
        self
    }

    /// The same plan, in which stable keeps `percent` of the traffic during the bake: one more step, whose pause is the
    /// bake, and then the whole. 0 holds nothing back.
    ///
    /// # Errors
    /// The step before the last one leaves no room for it.
    pub fn with_hold_back(mut self, percent: u8) -> Result<Self, PlanError> {
        if percent == 0 {
            return Ok(self);
        }
        let before = self.0.steps.iter().rev().nth(1).map_or(0, |step| step.percent);
        let top = 100_u8.saturating_sub(percent);
        if top <= before {
            return Err(PlanError::NoRoom { held: percent, before });
        }
        self.0.steps.pop();
        self.0.steps.push(Step { percent: top, pause_ms: self.0.bake_ms });
        self.0.steps.push(Step { percent: 100, pause_ms: 0 });
        self.0.bakes_before = true;
        check(self.0)
    }

    /// The plan of a first release: nothing to compare with, so all traffic at once after the checks.
    #[must_use]
    pub fn without_stable(mut self) -> Self {
        self.0.steps = vec![Step { percent: 100, pause_ms: 0 }];
        self.0.bakes_before = false;
        self
    }

    /// The steps, rising, at least one, the last one 100.
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The step of that number, from 0.
    pub fn step(&self, number: u32) -> Option<Step> {
        self.0.steps.get(number as usize).copied()
    }

    /// Time at 100 % with fresh data before the last checks. With a hold-back the bake is over by then: 0.
    pub fn bake_ms(&self) -> Millis {
        if self.0.bakes_before { 0 } else { self.0.bake_ms }
    }

    /// Longest time without progress.
    pub fn progress_deadline_ms(&self) -> Millis {
        self.0.progress_deadline_ms
    }

    /// Longest age of an observation that counts as fresh: two scrapes.
    pub fn fresh_ms(&self) -> Millis {
        self.0.scrape_ms.saturating_mul(2)
    }

    /// Time from one observation to the next.
    pub fn scrape_ms(&self) -> Millis {
        self.0.scrape_ms
    }

    /// Checks run before the first traffic.
    pub fn preview(&self) -> bool {
        self.0.preview
    }

    /// Checks run after the bake.
    pub fn verify(&self) -> bool {
        self.0.verify
    }

    /// Longest time for either.
    pub fn checks_within_ms(&self) -> Millis {
        self.0.checks_within_ms
    }
}

fn check(draft: Draft) -> Result<Plan, PlanError> {
    if draft.steps.len() > Plan::MAX_STEPS {
        return Err(PlanError::TooManySteps(draft.steps.len()));
    }
    let mut before = 0;
    for step in &draft.steps {
        if !(1..=100).contains(&step.percent) {
            return Err(PlanError::OutOfRange(step.percent));
        }
        if step.percent <= before {
            return Err(PlanError::NotRising { before, after: step.percent });
        }
        before = step.percent;
    }
    match before {
        0 => return Err(PlanError::NoSteps),
        100 => {}
        below => return Err(PlanError::NotWhole(below)),
    }
    for (ms, name) in [(draft.progress_deadline_ms, "progress_deadline"), (draft.scrape_ms, "scrape")] {
        if ms == 0 {
            return Err(PlanError::Zero(name));
        }
    }
    Ok(Plan(draft))
}

impl TryFrom<Draft> for Plan {
    type Error = PlanError;
    fn try_from(draft: Draft) -> Result<Self, PlanError> {
        check(draft)
    }
}

impl From<Plan> for Draft {
    fn from(plan: Plan) -> Self {
        plan.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(percents: &[u8]) -> Result<Plan, PlanError> {
        Plan::new(percents.iter().map(|&percent| Step { percent, pause_ms: 1 }).collect(), 1, 1, 1)
    }

    #[test]
    fn steps_that_break_a_rule_are_named() {
        let rows: [(&[u8], PlanError); 5] = [
            (&[], PlanError::NoSteps),
            (&[0, 100], PlanError::OutOfRange(0)),
            (&[5, 101], PlanError::OutOfRange(101)),
            (&[25, 5, 100], PlanError::NotRising { before: 25, after: 5 }),
            (&[5, 50], PlanError::NotWhole(50)),
        ];
        for (percents, error) in rows {
            assert_eq!(plan(percents), Err(error), "{percents:?}");
        }
        let no_room = PlanError::NoRoom { held: 50, before: 50 };
        assert_eq!(plan(&[5, 50, 100]).and_then(|plan| plan.with_hold_back(50)), Err(no_room));
        assert_eq!(plan(&[100; 65]), Err(PlanError::TooManySteps(65)));
        assert!(plan(&[5, 25, 50, 100]).is_ok());
    }

    #[test]
    fn what_is_held_back_stays_on_stable_for_the_bake() {
        let plan = Plan::new(vec![Step { percent: 100, pause_ms: 3 }], 9, 1, 1).unwrap();
        let held = plan.clone().with_hold_back(5).unwrap();
        assert_eq!(held.steps(), [Step { percent: 95, pause_ms: 9 }, Step { percent: 100, pause_ms: 0 }]);
        assert_eq!((held.bake_ms(), plan.bake_ms()), (0, 9));
        let first = held.without_stable();
        assert_eq!(
            (first.steps().len(), first.bake_ms()),
            (1, 9),
            "a first release has nothing to hold back on"
        );
        assert_eq!(plan.clone().with_hold_back(0), Ok(plan));
    }
}
