//! What a session says of its baseline: beside stable, or in place of a stable that does not serve.

use health::Finite;
use health::sequential::promote::smallest_seen;
use health::sequential::{Explanation, Metric};

use crate::units::percent;
use crate::{Session, Smallest};

impl Session {
    /// The baseline is what the canary is compared with.
    pub(crate) fn has_record(&self) -> bool {
        self.engine.record().is_some()
    }

    /// Nothing serves at the same time, and no baseline stands in for it.
    pub(crate) fn uncompared(&self) -> Option<String> {
        let basis = self.setup.baseline.as_ref().filter(|basis| !basis.used)?;
        let alone = !self.setup.compared && self.setup.decides.sequential();
        alone.then(|| format!("nothing to compare with: the baseline of {}", basis.told()))
    }

    /// The evidence is the record's, and nothing that serves at the same time confirms it: what to say, and to do.
    pub(crate) fn suspected_by_record(&self) -> Option<(String, String)> {
        let record = self.engine.record().filter(|_| self.engine.leading() == Some(Metric::Errors))?;
        let basis = self.setup.baseline.as_ref()?;
        let (rate, most) = (percent(self.canary.counts.rate()), percent(record.at_rest()));
        let serving = if self.stable.counts.requests == 0 {
            "no stable revision serves at the same time"
        } else {
            "stable, serving at the same time, does not confirm it"
        };
        let hour = &basis.hour;
        Some((
            format!(
                "the canary is worse than the baseline of {hour} ({rate} failed, {most} is allowed), and {serving}"
            ),
            format!(
                "worse than the baseline of {hour}: hold, and compare with a stable revision that serves"
            ),
        ))
    }

    /// The smallest rise over what the baseline allows that could have been seen.
    pub(crate) fn smallest_by_record(&self) -> Option<Smallest> {
        let (base, plan) = (self.engine.record()?.at_rest(), self.engine.plan());
        let times = smallest_seen(base, self.canary.counts.requests, plan.alpha.value(), plan.beta.value())?;
        Some(Smallest {
            times: Finite::new(times)?,
            base: Finite::new(base)?,
            at_most: false,
            recorded: true,
        })
    }

    /// What is not judged when nothing serves at the same time.
    pub(crate) fn unjudged(&self, explanation: &Explanation) -> Option<&'static str> {
        let judged = self.looks > 0 && self.setup.decides.sequential();
        let timed = explanation.metrics.iter().any(|metric| metric.metric == Metric::Latency);
        match (judged, self.setup.compared) {
            (true, true) if !timed => Some("stable has no histogram of durations: latency is not judged"),
            (true, false) if self.has_record() => Some(
                "no stable revision serves: errors are judged against the baseline, latency is not judged",
            ),
            _ => None,
        }
    }
}
