//! The planned looks in a gate file.

use health::planned::{PlannedLooks, Spending};

use super::Reader;
use super::raw::RawGate;
use crate::Decides;

/// Looks of a plan that does not say how many.
pub const LOOKS: u32 = 5;

impl Reader<'_> {
    /// The plan, where planned looks decide; one without the other is refused.
    pub(super) fn planned(&mut self, decides: Decides, raw: &RawGate) -> Option<PlannedLooks> {
        let Some(plan) = &raw.planned else {
            if let Some(text) = raw.decides.as_ref().filter(|_| decides == Decides::Planned) {
                let mend = "add planned: {requests: N}, the final number of requests of the canary";
                self.problem(text, "planned looks without a plan".to_owned(), mend);
            }
            return None;
        };
        if decides != Decides::Planned {
            let message = format!("planned looks, and {} rules decide", decides.as_str());
            self.problem(plan, message, "write decides: planned, or leave planned: out");
            return None;
        }
        let written = |text: &str| Spending::ALL.into_iter().find(|it| it.as_str() == text);
        let spending = self.read(plan.value.spending.as_ref(), "write obrien_fleming or pocock", written);
        let looks = plan.value.looks.unwrap_or(LOOKS);
        let found = PlannedLooks::new(plan.value.requests, looks, spending.unwrap_or_default());
        if found.is_none() {
            self.problem(plan, format!("no plan: {looks} looks at {} requests", plan.value.requests), MEND);
        }
        found
    }
}

/// What a plan must have.
pub const MEND: &str = "plan at least 100 requests of the canary, and 1 to 20 looks";
