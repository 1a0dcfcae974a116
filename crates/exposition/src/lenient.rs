//! The parser of the crate `prometheus-parse`, for comparison only: it loses and changes series without a word.
//!
//! `tests/corrupted.rs` lists what it does to seventeen inputs. Nothing of it may decide about traffic.

use std::borrow::Cow;

use prometheus_parse::{Scrape, Value};

use crate::Sample;

/// The samples that it finds; a histogram or summary comes as one sample a bucket or quantile.
///
/// # Errors
/// Its own, which it gives only when a line cannot be read at all.
pub fn parse(text: &str) -> Result<Vec<Sample<'static>>, String> {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = Scrape::parse(lines).map_err(|error| error.to_string())?;
    Ok(scrape.samples.into_iter().flat_map(samples).collect())
}

fn samples(found: prometheus_parse::Sample) -> Vec<Sample<'static>> {
    let labels: Vec<(String, String)> = found.labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    let one = |name: String, further: Option<(&'static str, f64)>, value: f64| {
        let mut labels: Vec<(Cow<'static, str>, Cow<'static, str>)> =
            labels.iter().map(|(n, v)| (Cow::Owned(n.clone()), Cow::Owned(v.clone()))).collect();
        labels.extend(further.map(|(name, bound)| (Cow::Borrowed(name), crate::number::spell(bound).into())));
        labels.sort_unstable();
        Sample { name: Cow::Owned(name), labels, value, timestamp_ms: None, exemplar: None }
    };
    match found.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
            vec![one(found.metric, None, value)]
        }
        Value::Histogram(buckets) => buckets
            .iter()
            .map(|it| one(format!("{}_bucket", found.metric), Some(("le", it.less_than)), it.count))
            .collect(),
        Value::Summary(quantiles) => quantiles
            .iter()
            .map(|it| one(found.metric.clone(), Some(("quantile", it.quantile)), it.count))
            .collect(),
    }
}
