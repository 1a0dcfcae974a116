//! Who judges: sequential tests where nothing is said, the literal rules alone where they are asked for.

use release::{Plan, Tests};

use super::commands::{Context, at};
use super::raw::{RawDeploy, RawTrigger};
use super::triggers::share;

/// Allowed chance of a false rollback over a whole rollout, in parts per million: 1 %.
const ALPHA_PPM: u64 = 10_000;

/// Whether tests judge, as far as the file is right.
pub(super) fn tests(of: &RawDeploy) -> bool {
    of.judge.as_ref().is_none_or(|judge| judge.value == "sequential")
}

/// The tests of a release; `None` when the literal rules judge alone.
pub(super) fn compile(context: &mut Context<'_>, of: &RawDeploy, plan: &Plan) -> Option<Tests> {
    let judge = of.judge.as_ref().map_or("sequential", |judge| judge.value.as_str());
    let alpha_ppm = share(context, of.alpha.as_ref(), ALPHA_PPM);
    if let (Some(alpha), 0 | 500_001..) = (&of.alpha, alpha_ppm) {
        let message = format!("an alpha of {} promises nothing, or cannot be kept", alpha.value);
        context.problem(
            at(alpha),
            message,
            "write a percentage above 0 % and up to 50 %, e.g. 1%".to_owned(),
        );
    }
    match (judge, &of.judge, &of.alpha) {
        ("sequential", ..) => {}
        ("literal", _, None) => return None,
        ("literal", _, Some(alpha)) => {
            let message = "alpha is the promise of the sequential tests".to_owned();
            context.problem(at(alpha), message, "take it away, or write judge: sequential".to_owned());
        }
        (other, Some(judge), _) => {
            let mend = "write sequential or literal".to_owned();
            context.problem(at(judge), format!("the judge {other} is not known"), mend);
        }
        (_, None, _) => {}
    }
    let pauses: u64 = plan.steps().iter().map(|step| step.pause_ms).sum();
    let scrapes = pauses.saturating_add(plan.bake_ms()) / plan.scrape_ms().max(1);
    let triggers = &of.triggers;
    Some(Tests {
        alpha_ppm: u32::try_from(alpha_ppm).unwrap_or(u32::MAX),
        scrapes: u32::try_from(scrapes.max(1)).unwrap_or(u32::MAX),
        error_rate: !written(triggers.error_rate.as_ref()),
        response_time: !written(triggers.response_time.as_ref()),
        server_errors: !written(triggers.server_errors.as_ref()),
    })
}

/// A rule whose limits are written is meant: it acts beside the tests. What is to be done about it is not its limits.
fn written(trigger: Option<&RawTrigger>) -> bool {
    trigger.is_some_and(|trigger| {
        trigger.over.is_some()
            || trigger.window.is_some()
            || trigger.min_requests.is_some()
            || trigger.min_errors.is_some()
            || trigger.min_diff.is_some()
            || trigger.baseline.is_some()
            || trigger.per_minute.is_some()
    })
}
