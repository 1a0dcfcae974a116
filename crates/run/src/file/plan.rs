//! The plan of a rollout: steps, their times, and what stays on stable during the bake.

use machine::Millis;
use release::{Plan, PlanError, Step};

use super::commands::{Context, at};
use super::judge;
use super::raw::{RawBlueGreen, RawDeploy};
use super::triggers::share;

/// Times where nothing is said: the design's, and Kubernetes' for progress.
const PAUSE_MS: Millis = 300_000;
const BAKE_MS: Millis = 900_000;
const PROGRESS_MS: Millis = 600_000;
const SCRAPE_MS: Millis = 15_000;
const CHECKS_MS: Millis = 300_000;
/// What stays on stable during the bake when tests judge, in percent: enough to compare with.
const HOLD_BACK: u8 = 5;

pub(super) fn compile(context: &mut Context<'_>, of: &RawDeploy, strategy: &RawBlueGreen) -> Option<Plan> {
    let pause_ms = context.millis(strategy.pause.as_ref(), PAUSE_MS);
    let bake_ms = context.millis(strategy.bake.as_ref(), BAKE_MS);
    let progress_ms = context.millis(strategy.progress_deadline.as_ref(), PROGRESS_MS);
    let scrape_ms = context.millis(strategy.scrape.as_ref(), SCRAPE_MS);
    let within_ms = context.millis(of.checks_within.as_ref(), CHECKS_MS);
    let steps = strategy.steps.value.iter().map(|&percent| Step { percent, pause_ms }).collect();
    match Plan::new(steps, bake_ms, progress_ms, scrape_ms) {
        Ok(plan) => {
            let plan = plan.with_checks(!of.preview.is_empty(), !of.verify.is_empty(), within_ms);
            hold_back(context, of, strategy, plan)
        }
        Err(error) => {
            let mend = "write rising steps that end with 100, e.g. [5, 25, 50, 100]".to_owned();
            context.problem(at(&strategy.steps), error.to_string(), mend);
            None
        }
    }
}

/// Where nothing is said, five percent are held back if the steps leave room for it and tests have a use for it.
fn hold_back(context: &mut Context<'_>, of: &RawDeploy, strategy: &RawBlueGreen, plan: Plan) -> Option<Plan> {
    let Some(text) = &strategy.hold_back else {
        let room = plan.steps().iter().rev().nth(1).is_some_and(|step| step.percent < 100 - HOLD_BACK);
        let held = if room && judge::tests(of) { HOLD_BACK } else { 0 };
        return plan.with_hold_back(held).ok();
    };
    let ppm = share(context, Some(text), 0);
    let percent =
        u8::try_from(ppm / 10_000).ok().filter(|percent| ppm.is_multiple_of(10_000) && *percent <= 50);
    let Some(percent) = percent else {
        let mend = "write a whole percentage from 0% to 50%, e.g. 5%".to_owned();
        context.problem(at(text), format!("{} cannot be held back", text.value), mend);
        return None;
    };
    match plan.with_hold_back(percent) {
        Ok(plan) => Some(plan),
        Err(error @ PlanError::NoRoom { .. }) => {
            let mend = "hold back less, or take that step away".to_owned();
            context.problem(at(text), error.to_string(), mend);
            None
        }
        Err(error) => {
            context.problem(at(&strategy.steps), error.to_string(), "write fewer steps".to_owned());
            None
        }
    }
}
