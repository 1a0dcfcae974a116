//! Two values put together: numbers, a vector and a number, two vectors by their labels, sets of series.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Grouping, Matching, Operator, Side};
use crate::eval::{Point, Value, unique};
use crate::{EvalError, Labels};

pub(crate) fn binary(
    operator: Operator,
    left: Value,
    right: Value,
    returns_bool: bool,
    matching: &Matching,
) -> Result<Value, EvalError> {
    match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => {
            let (value, keep) = apply(operator, a, b);
            Ok(Value::Scalar(if operator.is_comparison() { f64::from(u8::from(keep)) } else { value }))
        }
        (Value::Vector(points), Value::Scalar(number)) => {
            with_number(operator, points, returns_bool, |value| apply(operator, value, number))
        }
        (Value::Scalar(number), Value::Vector(points)) => {
            with_number(operator, points, returns_bool, |value| {
                let (result, keep) = apply(operator, number, value);
                // A comparison always gives the value of the series.
                (if operator.is_comparison() { value } else { result }, keep)
            })
        }
        (Value::Vector(left), Value::Vector(right)) if operator.is_set() => {
            Ok(Value::Vector(sets(operator, left, right, matching)))
        }
        (Value::Vector(left), Value::Vector(right)) => vectors(operator, left, right, returns_bool, matching),
    }
}

/// The value, and whether a comparison holds (always, when it is none).
fn apply(operator: Operator, a: f64, b: f64) -> (f64, bool) {
    #[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
    match operator {
        Operator::Add => (a + b, true),
        Operator::Sub => (a - b, true),
        Operator::Mul => (a * b, true),
        Operator::Div => (a / b, true),
        Operator::Mod => (a % b, true),
        Operator::Pow => (a.powf(b), true),
        Operator::Atan2 => (a.atan2(b), true),
        Operator::Equal => (a, a == b),
        Operator::Unequal => (a, a != b),
        Operator::Greater => (a, a > b),
        Operator::Less => (a, a < b),
        Operator::AtLeast => (a, a >= b),
        Operator::AtMost => (a, a <= b),
        Operator::And | Operator::Or | Operator::Unless => (a, true),
    }
}

fn with_number(
    operator: Operator,
    points: Vec<Point>,
    returns_bool: bool,
    apply: impl Fn(f64) -> (f64, bool),
) -> Result<Value, EvalError> {
    let unnamed = returns_bool || !operator.is_comparison();
    let results = points.into_iter().filter_map(|point| {
        let (value, keep) = apply(point.value);
        let value = if returns_bool { f64::from(u8::from(keep)) } else { value };
        let labels = if unnamed { point.labels.without_name() } else { point.labels };
        (keep || returns_bool).then_some(Point { labels, value })
    });
    unique(results.collect())
}

/// What of the labels must be equal.
fn key(labels: &Labels, matching: &Matching) -> Labels {
    match &matching.labels {
        Grouping::By(names) => labels.only(names),
        Grouping::Without(names) => labels.without(names),
    }
}

fn sets(operator: Operator, left: Vec<Point>, right: Vec<Point>, matching: &Matching) -> Vec<Point> {
    let keys = |points: &[Point]| -> BTreeSet<Labels> {
        points.iter().map(|point| key(&point.labels, matching)).collect()
    };
    match operator {
        Operator::Or => {
            let known = keys(&left);
            let added = right.into_iter().filter(|point| !known.contains(&key(&point.labels, matching)));
            left.into_iter().chain(added).collect()
        }
        _ => {
            let known = keys(&right);
            let wanted = operator == Operator::And;
            left.into_iter().filter(|point| known.contains(&key(&point.labels, matching)) == wanted).collect()
        }
    }
}

fn vectors(
    operator: Operator,
    left: Vec<Point>,
    right: Vec<Point>,
    returns_bool: bool,
    matching: &Matching,
) -> Result<Value, EvalError> {
    if left.is_empty() || right.is_empty() {
        return Ok(Value::Vector(Vec::new()));
    }
    let swapped = matching.many == Some(Side::Right);
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut singles: BTreeMap<Labels, &Point> = BTreeMap::new();
    for point in &one {
        let key = key(&point.labels, matching);
        if singles.insert(key.clone(), point).is_some() {
            return Err(EvalError::ManyToMany(key.to_string()));
        }
    }
    let mut taken: BTreeSet<(Labels, Labels)> = BTreeSet::new();
    let mut results = Vec::new();
    for point in &many {
        let key = key(&point.labels, matching);
        let Some(single) = singles.get(&key) else { continue };
        let single: &Point = single;
        let (a, b) = if swapped { (single, point) } else { (point, single) };
        let (value, keep) = apply(operator, a.value, b.value);
        if !keep && !returns_bool {
            continue;
        }
        let value = if returns_bool { f64::from(u8::from(keep)) } else { value };
        let unnamed = returns_bool || !operator.is_comparison();
        let labels = result_labels(&point.labels, &single.labels, unnamed, matching);
        let place = if matching.many.is_some() { labels.clone() } else { Labels::default() };
        if !taken.insert((key.clone(), place)) {
            return Err(EvalError::ManyToOne(key.to_string()));
        }
        results.push(Point { labels, value });
    }
    unique(results)
}

fn result_labels(many: &Labels, one: &Labels, unnamed: bool, matching: &Matching) -> Labels {
    let mut labels = if unnamed { many.without_name() } else { many.clone() };
    if matching.many.is_none() {
        match &matching.labels {
            Grouping::By(names) => labels = labels.only(names),
            Grouping::Without(names) => {
                for name in names {
                    labels.remove(name);
                }
            }
        }
    }
    for name in &matching.include {
        labels.set(name, one.value(name));
    }
    labels
}
