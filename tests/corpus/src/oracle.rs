//! The yardstick: a sequential probability ratio test that is told both rates and the moment of the change.

use crate::arms::Arms;
use crate::rule::{Decision, Rule};
use crate::trace::{Header, Scrape};

/// Wald's one-sided test on the canary alone. No test with the same alpha needs fewer requests on average.
pub struct Oracle {
    factor: f64,
    onset_ms: u64,
    rates: (f64, f64),
    arms: Arms,
    before: (u64, u64),
    score: f64,
}

impl Oracle {
    /// Told that the rate is multiplied by `factor` from `onset_s` on.
    pub fn new(factor: f64, onset_s: u64) -> Self {
        Self {
            factor,
            onset_ms: onset_s * 1_000,
            rates: (0.0, 0.0),
            arms: Arms::default(),
            before: (0, 0),
            score: 0.0,
        }
    }
}

impl Rule for Oracle {
    fn name(&self) -> String {
        format!("oracle x{} at {}s", self.factor, self.onset_ms / 1_000)
    }

    fn begin(&mut self, header: &Header) {
        self.arms.clear();
        self.rates = (header.stable_rate, (header.stable_rate * self.factor).min(0.95));
        (self.before, self.score) = ((0, 0), 0.0);
    }

    fn scrape(&mut self, scrape: &Scrape) -> Decision {
        self.arms.push(scrape);
        let all = self.arms.over(u64::MAX).canary;
        if scrape.at_ms <= self.onset_ms {
            self.before = (all.requests, all.bad);
        } else {
            let bad = (all.bad - self.before.1) as f64;
            let good = (all.requests - self.before.0) as f64 - bad;
            let (p0, p1) = self.rates;
            self.score = bad * libm::log(p1 / p0) + good * libm::log((1.0 - p1) / (1.0 - p0));
        }
        if self.score >= -libm::log(0.01) { Decision::Rollback } else { Decision::Continue }
    }

    fn score(&self) -> f64 {
        self.score
    }
}
