//! Series put together along labels.

use std::collections::BTreeMap;

use crate::ast::{Aggregation, Expr, Grouping};
use crate::eval::{Evaluation, Point, Value, unique};
use crate::numbers::{quantile, stays};
use crate::{EvalError, Labels};

pub(crate) fn aggregate(
    evaluation: &mut Evaluation<'_>,
    by: Aggregation,
    grouping: &Grouping,
    parameter: Option<&Expr>,
    inner: &Expr,
    ms: i64,
) -> Result<Value, EvalError> {
    let mut label = String::new();
    let number = match parameter {
        Some(Expr::Text(text)) => {
            label.clone_from(text);
            f64::NAN
        }
        Some(expr) => evaluation.scalar(expr, ms)?,
        None => f64::NAN,
    };
    let points = evaluation.value(inner, ms)?.into_points();
    let mut groups: BTreeMap<Labels, Vec<Point>> = BTreeMap::new();
    for mut point in points {
        if by == Aggregation::CountValues {
            point.labels.set(&label, plain(point.value));
        }
        groups.entry(group(&point.labels, grouping, &label)).or_default().push(point);
    }
    let results = groups.into_iter().flat_map(|(labels, members)| match by {
        Aggregation::Topk => highest(members, number, false),
        Aggregation::Bottomk => highest(members, number, true),
        _ => vec![Point { labels, value: together(by, number, &members) }],
    });
    unique(results.collect())
}

/// The labels of the group. The label of `count_values` always stays.
fn group(labels: &Labels, grouping: &Grouping, also: &str) -> Labels {
    match grouping {
        Grouping::Without(names) => labels.without(names),
        Grouping::By(names) => {
            let mut kept = labels.only(names);
            if !also.is_empty() {
                kept.set(also, labels.value(also));
            }
            kept
        }
    }
}

fn together(by: Aggregation, parameter: f64, members: &[Point]) -> f64 {
    let values = || members.iter().map(|point| point.value);
    match by {
        Aggregation::Sum => values().sum(),
        Aggregation::Count | Aggregation::CountValues => members.len() as f64,
        Aggregation::Group => 1.0,
        Aggregation::Min => pick(members, |a, b| a < b),
        Aggregation::Max => pick(members, |a, b| a > b),
        Aggregation::Avg => mean(members),
        Aggregation::Stdvar => variance(members),
        Aggregation::Stddev => variance(members).sqrt(),
        Aggregation::Quantile => quantile(parameter, &mut values().collect::<Vec<_>>()),
        Aggregation::Topk | Aggregation::Bottomk => f64::NAN,
    }
}

fn pick(members: &[Point], better: impl Fn(f64, f64) -> bool) -> f64 {
    let first = members.first().map_or(f64::NAN, |point| point.value);
    members.iter().fold(
        first,
        |best, point| {
            if best.is_nan() || better(point.value, best) { point.value } else { best }
        },
    )
}

fn mean(members: &[Point]) -> f64 {
    let (mut mean, mut count) = (0.0, 0.0);
    for point in members {
        count += 1.0;
        if !stays(mean, point.value) {
            mean += point.value / count - mean / count;
        }
    }
    mean
}

fn variance(members: &[Point]) -> f64 {
    let (mut mean, mut squares, mut count) = (0.0, 0.0, 0.0);
    for point in members {
        count += 1.0;
        let delta = point.value - mean;
        mean += delta / count;
        squares += delta * (point.value - mean);
    }
    squares / count
}

/// The highest or lowest ones, with all their labels; NaN only when nothing else is left.
fn highest(mut members: Vec<Point>, wanted: f64, lowest: bool) -> Vec<Point> {
    let wanted = if wanted >= 1.0 { wanted as usize } else { 0 };
    members.sort_by(|a, b| {
        let order = a.value.total_cmp(&b.value);
        let order = if lowest { order } else { order.reverse() };
        a.value.is_nan().cmp(&b.value.is_nan()).then(order)
    });
    members.truncate(wanted);
    members
}

/// A number as `count_values` writes it: never with an exponent.
fn plain(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        format!("{value}")
    }
}
