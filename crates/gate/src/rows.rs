//! Rows: samples of any source in one shape.

use exposition::{Dialect, Limits};
use promql::Labels;

/// Labels with the name, wall time in milliseconds since 1970, value.
pub type Row = (Labels, i64, f64);

/// The rows of an exposition in a file. A sample without a time of its own was taken at `now_ms`. What ends in `# EOF`
/// is OpenMetrics.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn rows(body: &[u8], now_ms: i64, limits: &Limits) -> Result<Vec<Row>, exposition::ParseError> {
    let dialect = if body.trim_ascii_end().ends_with(b"# EOF") {
        Dialect::OpenMetrics
    } else {
        Dialect::PrometheusUtf8
    };
    let exposition = exposition::parse_as(dialect, body, limits)?;
    let samples = exposition.families.iter().flat_map(|family| &family.samples);
    let row = |sample: &exposition::Sample<'_>| {
        let pairs = sample.labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let labels = Labels::new(pairs.chain([("__name__", sample.name.as_ref())]));
        (labels, sample.timestamp_ms.unwrap_or(now_ms), sample.value)
    };
    Ok(samples.map(row).collect())
}
