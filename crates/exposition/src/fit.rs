//! What samples a family of each type has.

use crate::{Dialect, ErrorKind, Family, Kind, Sample, number};

/// All endings that some type puts behind the name of its family.
pub(crate) const ENDINGS: [&str; 8] =
    ["_bucket", "_sum", "_count", "_total", "_created", "_gsum", "_gcount", "_info"];

/// The endings of one type.
pub(crate) const fn endings(kind: Kind, dialect: Dialect) -> &'static [&'static str] {
    match (kind, dialect) {
        (Kind::Histogram, Dialect::OpenMetrics) => &["_bucket", "_sum", "_count", "_created"],
        (Kind::Summary, Dialect::OpenMetrics) => &["_sum", "_count", "_created"],
        (Kind::Counter, Dialect::OpenMetrics) => &["_total", "_created"],
        (Kind::GaugeHistogram, _) => &["_bucket", "_gsum", "_gcount"],
        (Kind::Info, _) => &["_info"],
        (Kind::Histogram, _) => &["_bucket", "_sum", "_count"],
        (Kind::Summary, _) => &["_sum", "_count"],
        _ => &[],
    }
}

/// Whether the sample can be of its family. OpenMetrics says more about values than the older text.
pub(crate) fn fits(family: &Family<'_>, sample: &Sample<'_>, dialect: Dialect) -> Result<(), ErrorKind> {
    let ending = sample.name.strip_prefix(family.name.as_ref()).unwrap_or_default();
    let open = dialect.is_rigid();
    let reason = match (family.kind, ending) {
        (Kind::Histogram | Kind::GaugeHistogram, "_bucket") if !numbered(sample, "le") => {
            "a bucket needs a number in le"
        }
        (Kind::Summary, "") if !numbered(sample, "quantile") => "a quantile needs a number in quantile",
        (Kind::Histogram, "") => "a histogram has only _bucket, _sum and _count",
        (Kind::GaugeHistogram, "") => "a gaugehistogram has only _bucket, _gsum and _gcount",
        (Kind::Info, "") => "an info has only _info",
        (Kind::Info, _) if !is(sample.value, 1.0) => "an info is always 1",
        (Kind::StateSet, _) if sample.label(&family.name).is_none() => {
            "a state needs a label of the name of its family"
        }
        (Kind::StateSet, _) if !is(sample.value, 0.0) && !is(sample.value, 1.0) => "a state is 0 or 1",
        (Kind::Counter, "") if open => "a counter has only _total and _created",
        (Kind::Counter, "_total") | (Kind::Histogram, "_bucket" | "_count") | (Kind::Summary, "_count")
            if open && !counts(sample.value) =>
        {
            "a count is a number from 0"
        }
        _ => return Ok(()),
    };
    Err(ErrorKind::Misfit { name: sample.name.to_string(), kind: family.kind.as_str(), reason })
}

fn is(value: f64, expected: f64) -> bool {
    value.to_bits() == expected.to_bits()
}

/// NaN is not.
fn counts(value: f64) -> bool {
    value >= 0.0
}

fn numbered(sample: &Sample<'_>, label: &str) -> bool {
    let value = sample.label(label).and_then(|text| number::value(text, Dialect::PrometheusText));
    value.is_some_and(|value| !value.is_nan())
}
