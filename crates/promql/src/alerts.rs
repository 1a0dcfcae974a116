//! A group of rules over time: what is recorded, and the state of every alert.
//!
//! ```text
//!  no result ──result──► pending ──held for `for`──► firing ──no result──► (kept for keep_firing_for) ──► resolved
//!     ▲                     │ no result                 ▲                                                  │ 15 min
//!     └─────────────────────┘                           └───────── a result while it is kept               ▼
//!                                                                                                      forgotten
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::eval::{Options, Point, evaluate};
use crate::{EvalError, Labels, Rule, RuleGroup, STALE, Store};

/// How long a resolved alert is kept, so that the news of it arrives, in milliseconds.
const RESOLVED_KEPT_MS: i64 = 15 * 60 * 1000;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// It holds, not yet for long enough.
    Pending,
    /// It holds, or is kept.
    Firing,
    /// It fired, and no longer does.
    Resolved,
}

/// One alert of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Those of the result and of the rule, and `alertname`.
    pub labels: Labels,
    /// For people, filled in.
    pub annotations: BTreeMap<String, String>,
    /// The last result.
    pub value: f64,
    /// Where it stands.
    pub state: AlertState,
    /// Since when it holds.
    pub active_ms: i64,
    /// Since when it fires.
    pub fired_ms: Option<i64>,
    /// Since when it is resolved.
    pub resolved_ms: Option<i64>,
    /// Since when it fires although it no longer holds.
    pub kept_since_ms: Option<i64>,
}

/// A rule that could not be evaluated. Its alerts stay as they were; nothing follows from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: {why}")]
pub struct RuleFailure {
    /// Its name.
    pub rule: String,
    /// What went wrong.
    pub why: EvalError,
}

/// What holds of a rule now.
struct Held {
    value: f64,
    annotations: BTreeMap<String, String>,
}

/// One rule with its state.
#[derive(Clone, Debug)]
struct Live {
    rule: Rule,
    active: BTreeMap<Labels, Alert>,
    /// Series that it wrote the last time.
    written: BTreeSet<Labels>,
}

/// A group of rules with the state of its alerts.
#[derive(Clone, Debug)]
pub struct Group {
    limit: usize,
    rules: Vec<Live>,
}

impl Group {
    /// A group without any alert.
    pub fn new(group: RuleGroup) -> Self {
        let live = |rule| Live { rule, active: BTreeMap::new(), written: BTreeSet::new() };
        Self { limit: group.limit, rules: group.rules.into_iter().map(live).collect() }
    }

    /// Evaluates all rules at a time, in order. What they record, and the series `ALERTS` and `ALERTS_FOR_STATE`, go
    /// into the store; a series that is no longer written is marked as ended.
    pub fn evaluate(&mut self, ms: i64, store: &mut Store, options: &Options) -> Vec<RuleFailure> {
        let limit = self.limit;
        let mut failures = Vec::new();
        for live in &mut self.rules {
            let results = evaluate(&live.rule.expr, ms, store, options);
            match results.and_then(|value| live.step(ms, value.into_points(), limit)) {
                Ok(written) => live.write(ms, written, store),
                Err(why) => failures.push(RuleFailure { rule: live.rule.name.clone(), why }),
            }
        }
        failures
    }

    /// All alerts, those that are resolved and not yet forgotten among them.
    pub fn alerts(&self) -> impl Iterator<Item = (&Rule, &Alert)> {
        self.rules.iter().flat_map(|live| live.active.values().map(|alert| (&live.rule, alert)))
    }
}

impl Live {
    /// What is to be written.
    fn step(&mut self, ms: i64, points: Vec<Point>, limit: usize) -> Result<Vec<Point>, EvalError> {
        if self.rule.records {
            return self.recorded(points, limit);
        }
        let found = self.found(points)?;
        let seen: BTreeSet<Labels> = found.keys().cloned().collect();
        for (labels, Held { value, annotations }) in found {
            match self.active.get_mut(&labels) {
                Some(alert) if alert.state != AlertState::Resolved => {
                    (alert.value, alert.annotations) = (value, annotations);
                }
                _ => {
                    let alert = Alert {
                        labels: labels.clone(),
                        annotations,
                        value,
                        state: AlertState::Pending,
                        active_ms: ms,
                        fired_ms: None,
                        resolved_ms: None,
                        kept_since_ms: None,
                    };
                    self.active.insert(labels, alert);
                }
            }
        }
        let (for_ms, keep_ms) = (self.rule.for_ms, self.rule.keep_firing_for_ms);
        self.active.retain(|labels, alert| alert.advance(ms, seen.contains(labels), for_ms, keep_ms));
        let live = || self.active.values().filter(|alert| alert.state != AlertState::Resolved);
        if limit > 0 && live().count() > limit {
            self.active.clear();
            return Err(EvalError::OverLimit(limit));
        }
        Ok(live().flat_map(Alert::series).collect())
    }

    fn recorded(&self, points: Vec<Point>, limit: usize) -> Result<Vec<Point>, EvalError> {
        let named = points.into_iter().map(|mut point| {
            let source = point.labels.clone();
            point.labels.set("__name__", &self.rule.name);
            for (name, template) in &self.rule.labels {
                point.labels.set(name, template.filled(&source, point.value));
            }
            point
        });
        let points = crate::eval::unique(named.collect())?.into_points();
        if limit > 0 && points.len() > limit {
            return Err(EvalError::OverLimit(limit));
        }
        Ok(points)
    }

    /// The alerts that hold now, by their labels.
    fn found(&self, points: Vec<Point>) -> Result<BTreeMap<Labels, Held>, EvalError> {
        let mut found = BTreeMap::new();
        for point in points {
            let mut labels = point.labels.without_name();
            for (name, template) in &self.rule.labels {
                labels.set(name, template.filled(&point.labels, point.value));
            }
            labels.set("alertname", &self.rule.name);
            let fill = |(name, template): (&String, &crate::Template)| {
                (name.clone(), template.filled(&point.labels, point.value))
            };
            let annotations = self.rule.annotations.iter().map(fill).collect();
            let held = Held { value: point.value, annotations };
            if found.insert(labels.clone(), held).is_some() {
                return Err(EvalError::SameLabels(labels.to_string()));
            }
        }
        Ok(found)
    }

    fn write(&mut self, ms: i64, points: Vec<Point>, store: &mut Store) {
        let now: BTreeSet<Labels> = points.iter().map(|point| point.labels.clone()).collect();
        for point in &points {
            store.append(&point.labels, ms, point.value);
        }
        for gone in self.written.difference(&now) {
            store.append(gone, ms, STALE);
        }
        self.written = now;
    }
}

impl Alert {
    /// Moves on to that time. Returns whether it is still to be kept.
    fn advance(&mut self, ms: i64, holds: bool, for_ms: i64, keep_ms: i64) -> bool {
        if !holds {
            if self.state == AlertState::Pending {
                return false;
            }
            let keeps = self.state == AlertState::Firing && keep_ms > 0 && {
                let since = *self.kept_since_ms.get_or_insert(ms);
                ms - since < keep_ms
            };
            if keeps {
                return true;
            }
            if self.state == AlertState::Firing {
                self.state = AlertState::Resolved;
                self.resolved_ms = Some(ms);
            }
            return self.resolved_ms.is_none_or(|resolved| ms - resolved <= RESOLVED_KEPT_MS);
        }
        self.kept_since_ms = None;
        if self.state == AlertState::Pending && ms - self.active_ms >= for_ms {
            self.state = AlertState::Firing;
            self.fired_ms = Some(ms);
        }
        true
    }

    /// The series that Prometheus keeps about it.
    fn series(&self) -> [Point; 2] {
        let mut labels = self.labels.clone();
        labels.set("__name__", "ALERTS_FOR_STATE");
        let since = Point { labels: labels.clone(), value: (self.active_ms as f64 / 1000.0).floor() };
        labels.set("__name__", "ALERTS");
        let state = if self.state == AlertState::Pending { "pending" } else { "firing" };
        labels.set("alertstate", state);
        [Point { labels, value: 1.0 }, since]
    }
}
