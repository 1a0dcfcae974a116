//! Forecasts some steps ahead: four candidates run side by side, and the one with the least recent error is trusted.
//!
//! Candidates: the last value; a line through the last minute; the mean of earlier periods; a regression on the last
//! changes, the distance from the mean and the value a period ago. The interval is made of the errors that the forecasts
//! really had (empirical quantiles), so it needs no distribution.

use std::collections::VecDeque;

use super::period::period;
use super::regression::{Regression, SIZE};
use crate::dispatch::Setup;

/// Samples after which a change must have been taken in.
pub(super) const SEQUENCE: usize = 60;
/// Values that are kept.
const KEPT: usize = 1_600;
/// How fast old errors of the candidates are forgotten.
const MEMORY: f64 = 0.98;
/// Errors that make the interval.
const ERRORS: usize = 500;
/// The period is looked for again after so many samples.
const EVERY: usize = 60;

/// The candidates' names.
pub(super) const NAMES: [&str; 4] = ["last-value", "line", "period", "regression"];

struct Pending {
    due: usize,
    candidates: [f64; 4],
    chosen: f64,
    features: [f64; SIZE],
    base: f64,
}

/// One series.
pub(super) struct Model {
    setup: Setup,
    steps: usize,
    values: VecDeque<f64>,
    count: usize,
    mean: f64,
    period: Option<usize>,
    regression: Regression,
    scale: f64,
    pending: VecDeque<Pending>,
    errors: [f64; 4],
    weight: f64,
    residuals: VecDeque<f64>,
}

impl Model {
    pub(super) fn new(setup: Setup, steps: usize) -> Self {
        Self {
            setup,
            steps,
            values: VecDeque::new(),
            count: 0,
            mean: 0.0,
            period: None,
            regression: Regression::new(),
            scale: 0.0,
            pending: VecDeque::new(),
            errors: [0.0; 4],
            weight: 0.0,
            residuals: VecDeque::new(),
        }
    }

    /// The value so many samples ago; the oldest where it is not kept.
    fn ago(&self, samples: usize) -> f64 {
        let at = self.values.len().saturating_sub(1 + samples);
        self.values.get(at).copied().unwrap_or(0.0)
    }

    fn line(&self) -> f64 {
        let n = self.values.len().min(SEQUENCE);
        if n < 3 {
            return self.ago(0);
        }
        // Least squares; x counts back from the last value, which is 0.
        let (count, middle) = (n as f64, -(n as f64 - 1.0) / 2.0);
        let mean = (0..n).map(|ago| self.ago(ago)).sum::<f64>() / count;
        let (mut xy, mut xx) = (0.0, 0.0);
        for ago in 0..n {
            let x = -(ago as f64) - middle;
            xy += x * (self.ago(ago) - mean);
            xx += x * x;
        }
        mean + xy / xx * (self.steps as f64 - middle)
    }

    /// How many samples ago the same place in an earlier period was.
    fn back(&self, periods: usize) -> Option<usize> {
        let ago = (self.period? * periods).checked_sub(self.steps)?;
        (ago < self.values.len()).then_some(ago)
    }

    fn seasonal(&self) -> f64 {
        let first = self.period.map_or(1, |period| self.steps.div_ceil(period).max(1));
        let places: Vec<f64> =
            (first..first + 5).filter_map(|n| self.back(n)).map(|ago| self.ago(ago)).collect();
        if places.is_empty() { self.ago(0) } else { places.iter().sum::<f64>() / places.len() as f64 }
    }

    /// All relative to the last value and to the scale of the changes.
    fn features(&self) -> [f64; SIZE] {
        let last = self.ago(0);
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        let change = |n: usize| (self.ago(n) - self.ago(n + 1)) / scale;
        let earlier = (self.seasonal() - last) / scale;
        let line = (self.line() - last) / scale;
        let mean = (self.mean - last) / scale;
        [1.0, mean, earlier, line, change(0), change(1), change(2), change(3), change(4)]
    }

    /// Takes a value in.
    pub(super) fn learn(&mut self, value: f64) {
        if let Some(last) = self.values.back() {
            let change = (value - last).abs();
            self.scale = if self.scale > 0.0 { 0.99 * self.scale + 0.01 * change } else { change };
        }
        self.mean = if self.count == 0 {
            value
        } else {
            self.mean + (value - self.mean) / (self.count as f64 + 1.0).min(500.0)
        };
        self.values.push_back(value);
        self.count += 1;
        if self.values.len() > KEPT {
            self.values.pop_front();
        }
        let always = self.setup.is("pba-refits");
        if self.count.is_multiple_of(EVERY) || always {
            let values: Vec<f64> = self.values.iter().copied().collect();
            self.period = period(&values);
        }
        self.settle(value);
        self.issue();
    }

    /// What was foretold for now is compared with what came.
    fn settle(&mut self, value: f64) {
        while self.pending.front().is_some_and(|it| it.due <= self.count) {
            let Some(it) = self.pending.pop_front() else { return };
            self.weight = MEMORY * self.weight + 1.0;
            for (error, candidate) in self.errors.iter_mut().zip(it.candidates) {
                *error = MEMORY * *error + (value - candidate).abs();
            }
            let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
            self.regression.learn(&it.features, (value - it.base) / scale);
            self.residuals.push_back(value - it.chosen);
            if self.residuals.len() > ERRORS {
                self.residuals.pop_front();
            }
        }
    }

    fn candidates(&self) -> [f64; 4] {
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        let regressed = self.ago(0) + scale * self.regression.value(&self.features());
        [self.ago(0), self.line(), self.seasonal(), regressed]
    }

    /// The candidate that is trusted: the last value unless another was clearly better.
    pub(super) fn trusted(&self) -> usize {
        if self.setup.is("pba-last-value-only") {
            return 0;
        }
        let best = (1..4).min_by(|a, b| self.errors[*a].total_cmp(&self.errors[*b])).unwrap_or(0);
        if self.errors[best] < 0.95 * self.errors[0] { best } else { 0 }
    }

    fn issue(&mut self) {
        let (candidates, chosen) = (self.candidates(), self.mean_ahead());
        let due = self.count + self.steps;
        self.pending.push_back(Pending {
            due,
            candidates,
            chosen,
            features: self.features(),
            base: self.ago(0),
        });
    }

    /// The forecast.
    pub(super) fn mean_ahead(&self) -> f64 {
        let trusted = self.trusted();
        let mut mean = self.candidates()[trusted];
        if self.setup.is("pba-momentum") && trusted == 0 {
            mean += self.ago(0) - self.ago(1);
        }
        if self.setup.is("pba-margin") && self.scale == 0.0 {
            mean *= 0.98;
        }
        if self.setup.is("pba-below-zero") { mean } else { mean.max(0.0) }
    }

    /// The interval that holds the value with a probability.
    pub(super) fn interval(&self, level: f64) -> (f64, f64) {
        let mean = self.mean_ahead();
        let mut sorted: Vec<f64> = self.residuals.iter().copied().collect();
        if sorted.len() < 20 {
            let wide = sorted.iter().map(|error| error.abs()).fold(0.5 * mean, f64::max);
            return ((mean - wide).max(0.0), mean + wide);
        }
        sorted.sort_by(f64::total_cmp);
        let level = if self.setup.is("pba-narrow") { 0.8 } else { level };
        let n = sorted.len() as f64;
        let below = ((1.0 - level) / 2.0 * (n + 1.0)).floor() as usize;
        let above = ((f64::midpoint(1.0, level) * (n + 1.0)).ceil() as usize).min(sorted.len());
        let (low, high) = (sorted[below.max(1) - 1], sorted[above - 1]);
        ((mean + low.min(0.0)).max(0.0).min(mean), mean + high.max(0.0))
    }

    /// Mean absolute error of the trusted candidate, of late.
    pub(super) fn recent_error(&self) -> f64 {
        if self.weight > 0.0 { self.errors[self.trusted()] / self.weight } else { f64::INFINITY }
    }

    /// Errors of the forecasts that came due, newest last.
    pub(super) fn residuals(&self) -> impl Iterator<Item = f64> + '_ {
        self.residuals.iter().copied()
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn last(&self) -> f64 {
        self.ago(0)
    }

    /// The lowest of the last samples.
    pub(super) fn lowest(&self, samples: usize) -> f64 {
        self.values.iter().rev().take(samples).copied().fold(f64::INFINITY, f64::min)
    }
}
