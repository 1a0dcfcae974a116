//! A gate whose looks are planned: the test hears the sums of both arms, and what comes after its last look is refused.

use health::Finite;
use health::planned::{Analysis, GroupTest, Heard, PlannedLooks, smallest_planned};
use health::sequential::{Counts, Pair};
use machine::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::percent;
use crate::{Decides, Refusal, Session, Why};

/// The planned looks as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What was planned.
    pub plan: PlannedLooks,
    /// Chance to call a canary worse that is as good as stable, over all planned looks.
    pub alpha: Finite,
    /// The looks that were taken.
    pub taken: Vec<Analysis>,
    /// Requests of the canary at which the next one is due; `None` after the last.
    pub next_at: Option<u64>,
}

impl Planned {
    /// What was seen at the last look, in a sentence.
    pub fn told(&self) -> String {
        let alpha = percent(self.alpha.value());
        let promise = format!(
            "a canary as good as stable passes one of its boundaries with a chance of {alpha} at most"
        );
        match self.taken.last() {
            Some(last) => format!(
                "planned look at {} of {} requests: z {:.2}, worse from {:.2} on; {promise}",
                last.pair.canary.requests,
                self.plan.requests,
                last.z.value(),
                last.boundary.value()
            ),
            None => format!("no planned look was taken yet; {promise}"),
        }
    }
}

impl Session {
    /// The test of the planned looks, where they decide.
    pub(crate) fn planned_test(setup: &crate::Setup) -> Option<GroupTest> {
        let plan = setup.planned.filter(|_| setup.decides == Decides::Planned)?;
        Some(GroupTest::new(plan, setup.engine_plan().alpha))
    }

    /// Hears the sums of both arms; the look that calls the canary worse.
    pub(crate) fn hear_planned(&mut self, now: Timestamp) -> Option<Analysis> {
        let pair = Pair { canary: self.canary.counts, stable: self.stable.counts };
        // Without a stable that serves there is nothing to compare with: the look is waited for.
        if pair.stable == Counts::default() {
            return None;
        }
        match self.planned.as_mut()?.observe(&pair) {
            Heard::Between => None,
            Heard::Taken(look) => look.worse.then_some(look),
            Heard::Past => {
                let most = self.setup.planned.map_or(0, |plan| plan.requests);
                let text = format!(
                    "{} requests of the canary, {most} were planned: what comes after the last planned look does not count",
                    pair.canary.requests
                );
                self.refuse(now, Refusal::new("the planned looks", Why::PastThePlan, text).of(true));
                None
            }
        }
    }

    /// As they stand.
    pub(crate) fn planned_so_far(&self) -> Option<Planned> {
        let test = self.planned.as_ref()?;
        let next_at = (!test.finished()).then(|| test.next_at());
        Some(Planned { plan: *test.plan(), alpha: test.alpha(), taken: test.taken().to_vec(), next_at })
    }

    /// The smallest multiple of stable's rate that the last planned look finds; `None` before it.
    pub(crate) fn smallest_by_plan(&self, base: f64) -> Option<f64> {
        let test = self.planned.as_ref().filter(|test| test.finished())?;
        smallest_planned(base, test.taken().last()?, self.setup.plan.beta.value())
    }
}
