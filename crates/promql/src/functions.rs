//! The functions of the subset: what each is given, and what it gives.

use crate::ast::ValueKind::{Matrix, Scalar, Text, Vector};
use crate::ast::{Expr, ValueKind};
use crate::eval::{Evaluation, Point, Value, unique, unnamed};
use crate::numbers::{max, min};
use crate::quantile::histogram_quantile;
use crate::{EvalError, Labels, MatchOp, Matcher, calendar, pattern};

/// What a function is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Kinds of the arguments; the last one holds for all that follow.
    pub(crate) kinds: &'static [ValueKind],
    pub(crate) least: usize,
    pub(crate) most: usize,
}

/// Functions that take exactly these kinds.
const EXACT: [(&str, &[ValueKind]); 44] = [
    ("rate", &[Matrix]),
    ("irate", &[Matrix]),
    ("increase", &[Matrix]),
    ("delta", &[Matrix]),
    ("idelta", &[Matrix]),
    ("deriv", &[Matrix]),
    ("changes", &[Matrix]),
    ("resets", &[Matrix]),
    ("sum_over_time", &[Matrix]),
    ("avg_over_time", &[Matrix]),
    ("min_over_time", &[Matrix]),
    ("max_over_time", &[Matrix]),
    ("count_over_time", &[Matrix]),
    ("last_over_time", &[Matrix]),
    ("present_over_time", &[Matrix]),
    ("stddev_over_time", &[Matrix]),
    ("stdvar_over_time", &[Matrix]),
    ("absent_over_time", &[Matrix]),
    ("quantile_over_time", &[Scalar, Matrix]),
    ("predict_linear", &[Matrix, Scalar]),
    ("histogram_quantile", &[Scalar, Vector]),
    ("abs", &[Vector]),
    ("ceil", &[Vector]),
    ("floor", &[Vector]),
    ("sgn", &[Vector]),
    ("sqrt", &[Vector]),
    ("absent", &[Vector]),
    ("scalar", &[Vector]),
    ("vector", &[Scalar]),
    ("time", &[]),
    ("timestamp", &[Vector]),
    ("sort", &[Vector]),
    ("sort_desc", &[Vector]),
    ("clamp", &[Vector, Scalar, Scalar]),
    ("clamp_min", &[Vector, Scalar]),
    ("clamp_max", &[Vector, Scalar]),
    ("label_replace", &[Vector, Text, Text, Text, Text]),
    ("minute", &[Vector]),
    ("hour", &[Vector]),
    ("day_of_week", &[Vector]),
    ("day_of_month", &[Vector]),
    ("month", &[Vector]),
    ("year", &[Vector]),
    ("days_in_month", &[Vector]),
];

/// The shape of a function, `None` when the subset has none of that name.
pub(crate) fn shape(name: &str) -> Option<Shape> {
    match name {
        "round" => return Some(Shape { name: "round", kinds: &[Vector, Scalar], least: 1, most: 2 }),
        "label_join" => {
            let kinds: &[ValueKind] = &[Vector, Text, Text, Text];
            return Some(Shape { name: "label_join", kinds, least: 3, most: usize::MAX });
        }
        _ => {}
    }
    let (name, kinds) = EXACT.into_iter().find(|(known, _)| *known == name)?;
    // The parts of a date are those of the present time when nothing is given.
    let least = if is_date(name) { 0 } else { kinds.len() };
    Some(Shape { name, kinds, least, most: kinds.len() })
}

fn is_date(name: &str) -> bool {
    matches!(name, "minute" | "hour" | "day_of_week" | "day_of_month" | "month" | "year" | "days_in_month")
}

pub(crate) fn call(
    evaluation: &mut Evaluation<'_>,
    function: &'static str,
    arguments: &[Expr],
    ms: i64,
) -> Result<Value, EvalError> {
    match (function, arguments) {
        ("time", _) => Ok(Value::Scalar(ms as f64 / 1000.0)),
        ("quantile_over_time", [q, range]) => {
            let q = evaluation.scalar(q, ms)?;
            evaluation.over(function, range, q, ms)
        }
        ("predict_linear", [range, ahead]) => {
            let ahead = evaluation.scalar(ahead, ms)?;
            evaluation.over(function, range, ahead, ms)
        }
        ("absent_over_time", [range]) => {
            let (series, ..) = evaluation.ranged(range, ms)?;
            Ok(Value::Vector(if series.is_empty() { vec![absent(range)] } else { Vec::new() }))
        }
        (_, [range]) if range.kind() == Matrix => evaluation.over(function, range, f64::NAN, ms),
        ("vector", [number]) => {
            let value = evaluation.scalar(number, ms)?;
            Ok(Value::Vector(vec![Point { labels: Labels::default(), value }]))
        }
        ("histogram_quantile", [q, buckets]) => {
            let q = evaluation.scalar(q, ms)?;
            let points = evaluation.value(buckets, ms)?.into_points();
            Ok(Value::Vector(histogram_quantile(q, &points)))
        }
        ("timestamp", [Expr::Latest(selector)]) => {
            let found = evaluation.instant(selector, ms)?.into_iter();
            unique(found.map(|(point, at)| unnamed(point, |_| at as f64 / 1000.0)).collect())
        }
        (_, []) => {
            let seconds = ms as f64 / 1000.0;
            let value = calendar::part(function, seconds).unwrap_or(f64::NAN);
            Ok(Value::Vector(vec![Point { labels: Labels::default(), value }]))
        }
        (_, [vector, rest @ ..]) => {
            let points = evaluation.value(vector, ms)?.into_points();
            instant(evaluation, function, points, vector, rest, ms)
        }
    }
}

/// Functions of an instant vector.
fn instant(
    evaluation: &mut Evaluation<'_>,
    function: &str,
    points: Vec<Point>,
    vector: &Expr,
    rest: &[Expr],
    ms: i64,
) -> Result<Value, EvalError> {
    match function {
        "absent" => {
            return Ok(Value::Vector(if points.is_empty() { vec![absent(vector)] } else { Vec::new() }));
        }
        "scalar" => {
            let only = points.first().filter(|_| points.len() == 1);
            return Ok(Value::Scalar(only.map_or(f64::NAN, |point| point.value)));
        }
        "sort" | "sort_desc" => return Ok(Value::Vector(sorted(points, function == "sort_desc"))),
        "label_replace" => return label_replace(points, rest),
        "label_join" => return label_join(points, rest),
        _ => {}
    }
    let mut numbers = Vec::new();
    for expr in rest {
        numbers.push(evaluation.scalar(expr, ms)?);
    }
    if let ("clamp", [low, high]) = (function, numbers.as_slice())
        && low > high
    {
        return Ok(Value::Vector(Vec::new()));
    }
    let changed =
        points.into_iter().map(|point| unnamed(point, |value| number(function, value, &numbers, ms)));
    unique(changed.collect())
}

fn number(function: &str, value: f64, parameters: &[f64], ms: i64) -> f64 {
    match (function, parameters) {
        ("abs", _) => value.abs(),
        ("ceil", _) => value.ceil(),
        ("floor", _) => value.floor(),
        ("sqrt", _) => value.sqrt(),
        ("sgn", _) if value > 0.0 => 1.0,
        ("sgn", _) if value < 0.0 => -1.0,
        ("sgn", _) => value,
        ("timestamp", _) => ms as f64 / 1000.0,
        // Half way goes up, also below zero.
        ("round", []) => (value + 0.5).floor(),
        ("round", [nearest, ..]) => {
            let inverse = 1.0 / nearest;
            (value * inverse + 0.5).floor() / inverse
        }
        ("clamp", [low, high]) => max(*low, min(*high, value)),
        ("clamp_min", [low]) => max(*low, value),
        ("clamp_max", [high]) => min(*high, value),
        _ => calendar::part(function, value).unwrap_or(f64::NAN),
    }
}

/// NaN stands last either way.
fn sorted(mut points: Vec<Point>, descending: bool) -> Vec<Point> {
    points.sort_by(|a, b| {
        let order = a.value.total_cmp(&b.value);
        let order = if descending { order.reverse() } else { order };
        a.value.is_nan().cmp(&b.value.is_nan()).then(order)
    });
    points
}

/// 1 with the labels that the selector asks for by equality, each once.
fn absent(expr: &Expr) -> Point {
    let matchers: &[Matcher] = match expr {
        Expr::Latest(selector) | Expr::Range { selector, .. } => &selector.matchers,
        _ => &[],
    };
    let mut labels = Labels::default();
    for matcher in matchers.iter().filter(|matcher| matcher.label != "__name__") {
        let alone = matchers.iter().filter(|other| other.label == matcher.label).count() == 1;
        if alone && matcher.op == MatchOp::Equal {
            labels.set(&matcher.label, &matcher.value);
        }
    }
    Point { labels, value: 1.0 }
}

fn text(expr: Option<&Expr>) -> &str {
    match expr {
        Some(Expr::Text(text)) => text,
        _ => "",
    }
}

fn label_name(name: &str) -> Result<&str, EvalError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if good && !name.is_empty() { Ok(name) } else { Err(EvalError::LabelName(name.to_owned())) }
}

fn label_replace(points: Vec<Point>, rest: &[Expr]) -> Result<Value, EvalError> {
    let [to, replacement, from, expression] = [0, 1, 2, 3].map(|number| text(rest.get(number)));
    let to = label_name(to)?;
    // It was compiled once when the expression was read.
    let Ok(regex) = pattern::compile(expression) else { return Ok(Value::Vector(Vec::new())) };
    let changed = points.into_iter().map(|mut point| {
        let replaced = regex.captures(point.labels.value(from)).map(|captures| {
            let mut value = String::new();
            captures.expand(replacement, &mut value);
            value
        });
        if let Some(value) = replaced {
            point.labels.set(to, value);
        }
        point
    });
    unique(changed.collect())
}

fn label_join(points: Vec<Point>, rest: &[Expr]) -> Result<Value, EvalError> {
    let to = label_name(text(rest.first()))?;
    let between = text(rest.get(1));
    let changed = points.into_iter().map(|mut point| {
        let values: Vec<&str> =
            rest.iter().skip(2).map(|label| point.labels.value(text(Some(label)))).collect();
        let joined = values.join(between);
        point.labels.set(to, joined);
        point
    });
    unique(changed.collect())
}
