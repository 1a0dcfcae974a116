//! The value of an expression at one time.

use crate::aggregate::aggregate;
use crate::ast::{Expr, Selector, ValueKind};
use crate::binary::binary;
use crate::functions::call;
use crate::range::Window;
use crate::store::Samples;
use crate::{EvalError, Labels, Store, is_stale};

/// Whether a sample exactly at the far edge of a time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edges {
    /// It does: Prometheus 2.
    #[default]
    Closed,
    /// It does not: Prometheus 3.
    Open,
}

/// How expressions are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How old the last sample of a series may be, in milliseconds.
    pub lookback_ms: i64,
    /// What counts at the far edge.
    pub edges: Edges,
    /// Samples and series that one evaluation may look at.
    pub samples_max: usize,
}

impl Default for Options {
    /// 5 minutes, the edges of Prometheus 2, ten million samples.
    fn default() -> Self {
        Self { lookback_ms: 300_000, edges: Edges::Closed, samples_max: 10_000_000 }
    }
}

/// One number of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Whose.
    pub labels: Labels,
    /// May be NaN or infinite.
    pub value: f64,
}

/// What an expression has as value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// One number a series, in no particular order.
    Vector(Vec<Point>),
}

impl Value {
    /// The points; a number is one without labels.
    pub fn into_points(self) -> Vec<Point> {
        match self {
            Self::Scalar(value) => vec![Point { labels: Labels::default(), value }],
            Self::Vector(points) => points,
        }
    }
}

/// Evaluates at a time in milliseconds since 1970.
///
/// # Errors
/// There is no value, and why.
pub fn evaluate(expr: &Expr, ms: i64, store: &Store, options: &Options) -> Result<Value, EvalError> {
    Evaluation { store, options, looked: 0 }.value(expr, ms)
}

/// Samples of one series by its labels.
pub(crate) type Ranged = (Labels, Samples);

/// One evaluation: what it reads, and how much it has read.
pub(crate) struct Evaluation<'s> {
    store: &'s Store,
    pub(crate) options: &'s Options,
    looked: usize,
}

impl Evaluation<'_> {
    pub(crate) fn value(&mut self, expr: &Expr, ms: i64) -> Result<Value, EvalError> {
        match expr {
            Expr::Number(value) => Ok(Value::Scalar(*value)),
            Expr::Latest(selector) => {
                let found = self.instant(selector, ms)?;
                Ok(Value::Vector(found.into_iter().map(|(point, _)| point).collect()))
            }
            Expr::Negated(inner) => match self.value(inner, ms)? {
                Value::Scalar(value) => Ok(Value::Scalar(-value)),
                Value::Vector(points) => {
                    let negated = points.into_iter().map(|point| unnamed(point, |value| -value));
                    unique(negated.collect())
                }
            },
            Expr::Call { function, arguments } => call(self, function, arguments, ms),
            Expr::Aggregate { by, grouping, parameter, inner } => {
                let parameter = parameter.as_deref();
                aggregate(self, *by, grouping, parameter, inner, ms)
            }
            Expr::Binary { operator, left, right, returns_bool, matching } => {
                let (left, right) = (self.value(left, ms)?, self.value(right, ms)?);
                binary(*operator, left, right, *returns_bool, matching)
            }
            Expr::Text(_) | Expr::Range { .. } | Expr::Subquery { .. } => {
                Err(EvalError::NoValue(expr.kind().as_str()))
            }
        }
    }

    /// A value that is a number by its kind.
    pub(crate) fn scalar(&mut self, expr: &Expr, ms: i64) -> Result<f64, EvalError> {
        match self.value(expr, ms)? {
            Value::Scalar(value) => Ok(value),
            Value::Vector(_) => Err(EvalError::NoValue(ValueKind::Vector.as_str())),
        }
    }

    /// The last sample of each series, with its own time.
    pub(crate) fn instant(&mut self, selector: &Selector, ms: i64) -> Result<Vec<(Point, i64)>, EvalError> {
        let at = ms.saturating_sub(selector.offset_ms);
        let oldest = at.saturating_sub(self.options.lookback_ms);
        self.look(self.store.len())?;
        let open = self.options.edges == Edges::Open;
        let found = self.store.select(&selector.matchers).filter_map(|(labels, samples)| {
            let behind = samples.partition_point(|(sampled, _)| *sampled <= at);
            let (sampled, value) = *samples.get(behind.checked_sub(1)?)?;
            let fresh = if open { sampled > oldest } else { sampled >= oldest };
            (fresh && !is_stale(value)).then(|| (Point { labels: labels.clone(), value }, sampled))
        });
        Ok(found.collect())
    }

    /// The samples of each series over a time, and that time.
    pub(crate) fn ranged(&mut self, expr: &Expr, ms: i64) -> Result<(Vec<Ranged>, i64, i64), EvalError> {
        match expr {
            Expr::Range { selector, range_ms } => {
                let end = ms.saturating_sub(selector.offset_ms);
                let start = end.saturating_sub(*range_ms);
                Ok((self.samples(selector, start, end)?, start, end))
            }
            Expr::Subquery { inner, range_ms, step_ms, offset_ms } => {
                let end = ms.saturating_sub(*offset_ms);
                let start = end.saturating_sub(*range_ms);
                Ok((self.repeated(inner, *step_ms, start, end)?, start, end))
            }
            _ => Err(EvalError::NoValue(expr.kind().as_str())),
        }
    }

    fn samples(&mut self, selector: &Selector, start: i64, end: i64) -> Result<Vec<Ranged>, EvalError> {
        self.look(self.store.len())?;
        let open = self.options.edges == Edges::Open;
        let mut found = Vec::new();
        for (labels, samples) in self.store.select(&selector.matchers) {
            let from = samples.partition_point(|(at, _)| if open { *at <= start } else { *at < start });
            let to = samples.partition_point(|(at, _)| *at <= end);
            let within = samples.get(from..to).unwrap_or_default();
            self.look(within.len())?;
            let kept: Samples = within.iter().filter(|(_, value)| !is_stale(*value)).copied().collect();
            if !kept.is_empty() {
                found.push((labels.clone(), kept));
            }
        }
        Ok(found)
    }

    /// The inner expression at every multiple of the step.
    fn repeated(&mut self, inner: &Expr, step: i64, start: i64, end: i64) -> Result<Vec<Ranged>, EvalError> {
        let mut found: std::collections::BTreeMap<Labels, Samples> = std::collections::BTreeMap::new();
        let mut at = start.div_euclid(step).saturating_mul(step);
        let open = self.options.edges == Edges::Open;
        if at < start || (open && at == start) {
            at = at.saturating_add(step);
        }
        while at <= end {
            self.look(1)?;
            for point in self.value(inner, at)?.into_points() {
                found.entry(point.labels).or_default().push((at, point.value));
            }
            at = at.saturating_add(step);
        }
        Ok(found.into_iter().collect())
    }

    /// A function over each series of a range.
    pub(crate) fn over(
        &mut self,
        function: &str,
        expr: &Expr,
        parameter: f64,
        now: i64,
    ) -> Result<Value, EvalError> {
        let (series, start, end) = self.ranged(expr, now)?;
        let points = series.into_iter().filter_map(|(labels, samples)| {
            let window = Window { samples: &samples, start, end, now };
            let value = crate::range::over(function, window, parameter)?;
            let labels = if function == "last_over_time" { labels } else { labels.without_name() };
            Some(Point { labels, value })
        });
        unique(points.collect())
    }

    /// Counts what is looked at.
    fn look(&mut self, more: usize) -> Result<(), EvalError> {
        self.looked = self.looked.saturating_add(more);
        if self.looked > self.options.samples_max {
            return Err(EvalError::TooMany(self.options.samples_max));
        }
        Ok(())
    }
}

/// The same without its name, and another value.
pub(crate) fn unnamed(point: Point, change: impl Fn(f64) -> f64) -> Point {
    Point { labels: point.labels.without_name(), value: change(point.value) }
}

/// Fails when two results have the same labels.
pub(crate) fn unique(points: Vec<Point>) -> Result<Value, EvalError> {
    let mut labels: Vec<&Labels> = points.iter().map(|point| &point.labels).collect();
    labels.sort_unstable();
    let twin = labels.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(a.to_string()),
        _ => None,
    });
    match twin {
        Some(labels) => Err(EvalError::SameLabels(labels)),
        None => Ok(Value::Vector(points)),
    }
}
