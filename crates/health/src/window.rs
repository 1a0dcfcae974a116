//! The samples that still count, and what changed over a span of them.

use std::collections::VecDeque;

use machine::{Millis, Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::{Arm, Latency, Sample};

/// Samples of one stratum: between two restarts of a counting process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    samples: VecDeque<Sample>,
    span_ms: Millis,
}

/// What was added to the counters of one revision over a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// Requests that ended.
    pub requests: u64,
    /// Answers of 500 or above.
    pub server_errors: u64,
    /// Requests without an answer.
    pub failures: u64,
    /// Durations.
    pub latency: Latency,
    /// From the first to the last sample of the span.
    pub over_ms: Millis,
}

impl Change {
    /// Requests that failed for the user.
    pub const fn errors(&self) -> u64 {
        self.server_errors.saturating_add(self.failures)
    }
}

impl Window {
    /// The most samples that are kept; when more come, the oldest go.
    pub const MAX_SAMPLES: usize = 2_048;

    /// Keeps what is needed to look back `span_ms`.
    pub const fn new(span_ms: Millis) -> Self {
        Self { samples: VecDeque::new(), span_ms }
    }

    /// Takes a sample. One that is not newer is ignored; one whose counters fell starts a new stratum.
    pub fn push(&mut self, sample: Sample) {
        if let Some(last) = self.samples.back() {
            if sample.taken <= last.taken {
                return;
            }
            if fell(&last.new, &sample.new) || stable_fell(last, &sample) {
                self.samples.clear();
            }
        }
        let horizon = Timestamp::from_millis(sample.taken.as_millis().saturating_sub(self.span_ms));
        self.samples.push_back(sample);
        // One sample at or before the horizon stays: the span begins there.
        while self.samples.len() > Self::MAX_SAMPLES
            || self.samples.get(1).is_some_and(|s| s.taken <= horizon)
        {
            self.samples.pop_front();
        }
    }

    /// The newest sample.
    pub fn last(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// What changed over the last `span_ms`, or since the stratum began if that is shorter. `pick` chooses the
    /// revision. `None` with fewer than two samples.
    pub fn change(&self, span_ms: Millis, pick: impl Fn(&Sample) -> Option<&Arm>) -> Option<Change> {
        let last = self.samples.back()?;
        let first = self.first(last.taken, span_ms)?;
        let (now, then) = (pick(last)?, pick(first)?);
        Some(Change {
            requests: now.requests.checked_sub(then.requests)?,
            server_errors: now.server_errors.checked_sub(then.server_errors)?,
            failures: now.failures.checked_sub(then.failures)?,
            latency: now.latency.since(&then.latency)?,
            over_ms: last.taken.since(first.taken),
        })
    }

    /// When the first of the errors of the last `span_ms` can have happened: the sample before it was counted.
    pub fn errors_since(&self, span_ms: Millis, errors: impl Fn(&Arm) -> u64) -> Option<Timestamp> {
        let last = self.samples.back()?;
        let first = self.first(last.taken, span_ms)?;
        let before = self.samples.iter().filter(|s| s.taken >= first.taken);
        before.take_while(|s| errors(&s.new) <= errors(&first.new)).last().map(|s| s.taken)
    }

    /// Since when the condition has held without a break up to the newest sample, as far as the window reaches.
    pub fn held_since(&self, holds: impl Fn(&Sample) -> bool) -> Option<Timestamp> {
        self.samples.iter().rev().take_while(|sample| holds(sample)).last().map(|sample| sample.taken)
    }

    /// Since when the new revision's quantile of `percent` has been over `over_us` from each sample to the next. A
    /// span without requests breaks nothing.
    pub fn slow_since(&self, percent: u64, over_us: u64) -> Option<Timestamp> {
        let spans = self.samples.iter().rev().zip(self.samples.iter().rev().skip(1));
        let slow = |(later, earlier): &(&Sample, &Sample)| {
            let between =
                later.new.latency.since(&earlier.new.latency).and_then(|latency| latency.quantile(percent));
            between.is_none_or(|quantile| quantile.estimate_us > over_us)
        };
        spans.take_while(slow).last().map(|(_, earlier)| earlier.taken)
    }

    fn first(&self, last: Timestamp, span_ms: Millis) -> Option<&Sample> {
        let horizon = Timestamp::from_millis(last.as_millis().saturating_sub(span_ms));
        let inside = self.samples.iter().rev().take_while(|s| s.taken >= horizon).last()?;
        (inside.taken < last).then_some(inside)
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        for sample in &mut self.samples {
            v.time(&mut sample.taken);
        }
    }
}

fn fell(before: &Arm, after: &Arm) -> bool {
    after.requests < before.requests
        || after.server_errors < before.server_errors
        || after.failures < before.failures
        || after.latency.since(&before.latency).is_none()
}

fn stable_fell(before: &Sample, after: &Sample) -> bool {
    match (&before.stable, &after.stable) {
        (Some(before), Some(after)) => fell(before, after),
        _ => false,
    }
}
