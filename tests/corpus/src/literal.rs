//! The design's literal rules as a rule of the benchmark: word for word, and with their evidence guards.

use health::{Arm, Judge, Latency, Literal, Rules, Sample, Verdict};
use machine::Timestamp;

use crate::arms::Arms;
use crate::rule::{Decision, Rule};
use crate::trace::{Header, Scrape};

/// The literal rules on requests; instances and durations are not in every trace.
pub struct Literally {
    guarded: bool,
    judge: Literal,
    arms: Arms,
    percent: u8,
    back: bool,
}

impl Literally {
    /// With evidence guards, or word for word.
    pub fn new(guarded: bool) -> Self {
        Self { guarded, judge: Literal::new(rules(guarded)), arms: Arms::default(), percent: 0, back: false }
    }
}

fn rules(guarded: bool) -> Rules {
    let mut rules = Rules::design(None);
    if !guarded {
        if let Some(rate) = &mut rules.error_rate {
            (rate.min_requests, rate.min_errors) = (1, 1);
        }
        if let Some(errors) = &mut rules.server_errors {
            errors.over_ppm = 0;
        }
    }
    rules
}

impl Rule for Literally {
    fn name(&self) -> String {
        if self.guarded { "literal, guarded" } else { "literal" }.to_owned()
    }

    fn begin(&mut self, _: &Header) {
        self.judge = Literal::new(rules(self.guarded));
        self.arms.clear();
        (self.percent, self.back) = (0, false);
    }

    fn scrape(&mut self, scrape: &Scrape) -> Decision {
        self.arms.push(scrape);
        let now = Timestamp::from_millis(scrape.at_ms);
        if scrape.percent != self.percent {
            self.judge.weighed(now, scrape.percent);
            self.percent = scrape.percent;
        }
        let sum = self.arms.over(u64::MAX);
        let arm = |counts: health::sequential::Counts| Arm {
            requests: counts.requests,
            server_errors: counts.bad,
            latency: Latency::default(),
            ..Arm::default()
        };
        let sample = Sample { taken: now, new: arm(sum.canary), stable: Some(arm(sum.stable)) };
        self.back |= matches!(self.judge.judge(now, Some(&sample)), Verdict::Regressed(_));
        if self.back { Decision::Rollback } else { Decision::Continue }
    }

    fn score(&self) -> f64 {
        f64::from(u8::from(self.back))
    }
}
