//! Functions over the samples of one series within a time.

use crate::numbers::{Sum, quantile, stays};

/// Samples of one series within a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'s> {
    /// Milliseconds and value, times rising; none is a stale mark.
    pub(crate) samples: &'s [(i64, f64)],
    /// Where the time begins, in milliseconds.
    pub(crate) start: i64,
    /// Where it ends.
    pub(crate) end: i64,
    /// When it is evaluated: later than the end by the offset.
    pub(crate) now: i64,
}

/// The value of a function over a window, `None` when there is none. `parameter` is that of `quantile_over_time` and
/// `predict_linear`.
pub(crate) fn over(function: &str, window: Window<'_>, parameter: f64) -> Option<f64> {
    let samples = window.samples;
    let values = || samples.iter().map(|(_, value)| *value);
    let (_, last) = *samples.last()?;
    let value = match function {
        "rate" => return extrapolated(window, true, true),
        "increase" => return extrapolated(window, true, false),
        "delta" => return extrapolated(window, false, false),
        "irate" => return instant(samples, true),
        "idelta" => return instant(samples, false),
        "deriv" => return regression(samples, samples.first()?.0).map(|(slope, _)| slope),
        "predict_linear" => {
            let (slope, intercept) = regression(samples, window.now)?;
            slope * parameter + intercept
        }
        "sum_over_time" => {
            let mut sum = Sum::default();
            values().for_each(|value| sum.add(value));
            sum.total()
        }
        "avg_over_time" => mean(samples),
        "min_over_time" => pick(samples, |a, b| a < b),
        "max_over_time" => pick(samples, |a, b| a > b),
        "count_over_time" => samples.len() as f64,
        "last_over_time" => last,
        "present_over_time" => 1.0,
        "stddev_over_time" => variance(samples).sqrt(),
        "stdvar_over_time" => variance(samples),
        "quantile_over_time" => quantile(parameter, &mut values().collect::<Vec<_>>()),
        "changes" => pairs(samples, |a, b| !same(a, b)),
        "resets" => pairs(samples, |a, b| b < a),
        _ => return None,
    };
    Some(value)
}

#[expect(clippy::float_cmp, reason = "a change is any difference")]
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

fn pairs(samples: &[(i64, f64)], counts: impl Fn(f64, f64) -> bool) -> f64 {
    samples.windows(2).filter(|pair| matches!(pair, [(_, a), (_, b)] if counts(*a, *b))).count() as f64
}

fn pick(samples: &[(i64, f64)], better: impl Fn(f64, f64) -> bool) -> f64 {
    let first = samples.first().map_or(f64::NAN, |(_, value)| *value);
    samples.iter().fold(
        first,
        |best, (_, value)| {
            if best.is_nan() || better(*value, best) { *value } else { best }
        },
    )
}

fn mean(samples: &[(i64, f64)]) -> f64 {
    let (mut mean, mut count) = (Sum::default(), 0.0);
    for (_, value) in samples {
        count += 1.0;
        if !stays(mean.sum, *value) {
            mean.add(value / count - mean.sum / count);
        }
    }
    mean.total()
}

fn variance(samples: &[(i64, f64)]) -> f64 {
    let (mut mean, mut squares, mut count) = (Sum::default(), Sum::default(), 0.0);
    for (_, value) in samples {
        count += 1.0;
        let delta = value - (mean.sum + mean.lost);
        mean.add(delta / count);
        squares.add(delta * (value - (mean.sum + mean.lost)));
    }
    (squares.sum + squares.lost) / count
}

/// What the samples say about the whole window: a series that begins or ends well inside it is taken to go on for half
/// the time between two samples, and a counter never below zero.
fn extrapolated(window: Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let [(first_ms, first), .., (last_ms, last)] = *window.samples else { return None };
    let mut change = last - first;
    if counter {
        let resets = window.samples.windows(2);
        change += resets
            .filter_map(|pair| match pair {
                [(_, before), (_, after)] if after < before => Some(*before),
                _ => None,
            })
            .sum::<f64>();
    }
    let mut to_start = (first_ms - window.start) as f64 / 1000.0;
    let to_end = (window.end - last_ms) as f64 / 1000.0;
    let sampled = (last_ms - first_ms) as f64 / 1000.0;
    let between = sampled / (window.samples.len() as f64 - 1.0);
    if counter && change > 0.0 && first >= 0.0 {
        let to_zero = sampled * (first / change);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    let threshold = between * 1.1;
    let mut whole = sampled;
    whole += if to_start < threshold { to_start } else { between / 2.0 };
    whole += if to_end < threshold { to_end } else { between / 2.0 };
    let mut factor = whole / sampled;
    if per_second {
        factor /= (window.end - window.start) as f64 / 1000.0;
    }
    Some(change * factor)
}

/// Between the last two samples.
fn instant(samples: &[(i64, f64)], rate: bool) -> Option<f64> {
    let [.., (before_ms, before), (last_ms, last)] = *samples else { return None };
    // A counter that fell has started again at zero.
    let change = if rate && last < before { last } else { last - before };
    Some(if rate { change / ((last_ms - before_ms) as f64 / 1000.0) } else { change })
}

/// Slope a second and value at a time, by least squares.
fn regression(samples: &[(i64, f64)], at: i64) -> Option<(f64, f64)> {
    let [(_, first), .., _] = *samples else { return None };
    if samples.iter().all(|(_, value)| same(*value, first)) {
        return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
    }
    let [mut xs, mut ys, mut products, mut squares] = [Sum::default(); 4];
    for (ms, y) in samples {
        let x = (ms - at) as f64 / 1000.0;
        xs.add(x);
        ys.add(*y);
        products.add(x * y);
        squares.add(x * x);
    }
    let n = samples.len() as f64;
    let of = |sum: Sum| sum.sum + sum.lost;
    let (x, y) = (of(xs), of(ys));
    let slope = (of(products) - x * y / n) / (of(squares) - x * x / n);
    Some((slope, y / n - slope * x / n))
}
