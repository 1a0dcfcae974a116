//! Native histograms of a Prometheus as rows of classic ones, at bounds that all of them have.
//!
//! Classic buckets of the same instance and name count instead, where they are: both are the same requests.

use adapter_prometheus::answer::Series;
use adapter_prometheus::native::{FINEST, Native};
use gate::{Names, Row};

const MICROS: f64 = 1e6;

/// The histograms of durations that count: native, and without classic buckets beside them.
fn durations<'s>(series: &'s [Series], names: &'s Names) -> impl Iterator<Item = (&'s Series, &'s str)> {
    let name_of = |it: &'s Series| it.labels.value("__name__");
    let native = series.iter().filter(|it| !it.native.is_empty());
    native.map(move |it| (it, name_of(it))).filter(move |(_, name)| {
        let classic = format!("{name}_bucket");
        names.duration.iter().any(|it| it == name) && !series.iter().any(|it| name_of(it) == classic)
    })
}

fn last(series: &Series, at: i64) -> Option<&(i64, Native)> {
    series.native.get(series.native.partition_point(|(t, _)| *t <= at).checked_sub(1)?)
}

/// When the last histogram of each series was taken.
pub(super) fn times(series: &[Series], at: i64) -> impl Iterator<Item = i64> {
    series.iter().filter_map(move |it| last(it, at)).map(|(t, _)| *t)
}

/// The schema at which all of these can be read; `None` when there are none.
pub(super) fn coarsest<'s>(all: impl Iterator<Item = &'s Vec<Series>>, names: &Names) -> Option<i8> {
    let natives = all.flat_map(|series| durations(series, names).collect::<Vec<_>>());
    let natives = natives.flat_map(|(series, _)| &series.native);
    // One that cannot be read is refused when it is looked at.
    natives.filter_map(|(_, native)| native.schema().ok()).min()
}

/// The last histograms at a time as rows, and in words what cannot be read.
pub(super) fn rows(series: &[Series], at: i64, schema: Option<i8>, names: &Names) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    for (series, name) in durations(series, names) {
        let Some((t, native)) = last(series, at) else { continue };
        let labels = |suffix: &str| {
            let mut labels = series.labels.clone();
            labels.set("__name__", format!("{name}{suffix}"));
            labels
        };
        match native.cumulative(schema.unwrap_or(FINEST)) {
            Ok(counts) => {
                rows.extend(counts.iter().map(|(bound, count)| {
                    let mut labels = labels("_bucket");
                    labels.set("le", le(*bound));
                    (labels, *t, *count as f64)
                }));
                let total = counts.last().map_or(0, |(_, total)| *total);
                rows.push((labels("_count"), *t, total as f64));
            }
            Err(why) => unread.push(format!("{}: a native histogram: {why}", series.labels)),
        }
    }
    // A part of the durations is not all of them.
    if unread.is_empty() { (rows, unread) } else { (Vec::new(), unread) }
}

/// A bound in microseconds as the label of a classic bucket.
fn le(bound: u64) -> String {
    if bound == u64::MAX { "+Inf".to_owned() } else { format!("{}", bound as f64 / MICROS) }
}
