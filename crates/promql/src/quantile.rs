//! `histogram_quantile`: a quantile out of the cumulative buckets of a classic histogram.

use std::collections::BTreeMap;

use crate::Labels;
use crate::eval::Point;

/// Upper bound and cumulative count.
type Bucket = (f64, f64);

/// One result a histogram. Series without a number in `le` are no buckets and are left out.
pub(crate) fn histogram_quantile(q: f64, points: &[Point]) -> Vec<Point> {
    let mut histograms: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for point in points {
        if let Some(bound) = bound(point.labels.value("le")) {
            let mut labels = point.labels.without_name();
            labels.remove("le");
            histograms.entry(labels).or_default().push((bound, point.value));
        }
    }
    histograms.into_iter().map(|(labels, buckets)| Point { labels, value: quantile(q, buckets) }).collect()
}

fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        _ => text.parse().ok(),
    }
}

fn quantile(q: f64, mut buckets: Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let buckets = monotonic(buckets);
    let Some((last, observations)) = buckets.last().copied() else { return f64::NAN };
    if last != f64::INFINITY || buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    let rank = q * observations;
    let at = buckets.iter().take(buckets.len() - 1).position(|(_, count)| *count >= rank);
    let before = |at: usize| at.checked_sub(1).and_then(|at| buckets.get(at)).copied();
    let Some(at) = at else { return before(buckets.len() - 1).map_or(f64::NAN, |(bound, _)| bound) };
    let Some((end, count)) = buckets.get(at).copied() else { return f64::NAN };
    match before(at) {
        None if end <= 0.0 => end,
        None => end * (rank / count),
        Some((start, below)) => start + (end - start) * ((rank - below) / (count - below)),
    }
}

/// Buckets of the same bound put together, and none lower than the one before.
fn monotonic(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut kept: Vec<Bucket> = Vec::new();
    for (bound, count) in buckets {
        match kept.last_mut() {
            Some((known, sum)) if known.total_cmp(&bound).is_eq() => *sum += count,
            _ => kept.push((bound, count)),
        }
    }
    let mut highest = f64::NEG_INFINITY;
    for (_, count) in &mut kept {
        if *count > highest {
            highest = *count;
        } else if *count < highest {
            *count = highest;
        }
    }
    kept
}
