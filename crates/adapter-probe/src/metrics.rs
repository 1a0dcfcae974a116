//! Metrics that must be there, and move: families of a prefix in an exposition, compared with the try before.

use std::collections::BTreeMap;

use exposition::{Dialect, Kind, Limits};
use health::checks::Expect;
use health::checks::url::Url;

use crate::http::{get, status};
use crate::{BYTES_MAX, Reason};

const EXPOSITIONS: &str =
    "application/openmetrics-text; version=1.0.0;q=0.9, text/plain; version=0.0.4;q=0.7";

/// Counters and gauges by series, each as the bits of its value. NaN is no value.
pub(crate) type Values = BTreeMap<String, u64>;

/// What the families of the prefix show now.
pub(crate) async fn look(url: &Url, prefix: &str) -> Result<Values, Reason> {
    let answer = get(url, EXPOSITIONS).await?;
    status(answer.status, &Expect::default())?;
    let said = answer.content_type.unwrap_or_default();
    let dialect = Dialect::of_content_type(&said)
        .ok_or_else(|| Reason::Exposition(format!("its content type is {said:?}")))?;
    values(dialect, &answer.body, prefix)
}

fn values(dialect: Dialect, body: &[u8], prefix: &str) -> Result<Values, Reason> {
    let limits = Limits { bytes: BYTES_MAX, ..Limits::default() };
    let read = exposition::parse_as(dialect, body, &limits)
        .map_err(|error| Reason::Exposition(error.to_string()))?;
    let families = || read.families.iter().filter(|family| family.name.starts_with(prefix));
    if families().all(|family| family.samples.is_empty()) {
        return Err(Reason::NoFamily(prefix.to_owned()));
    }
    let moving = families().filter(|it| matches!(it.kind, Kind::Counter | Kind::Gauge | Kind::Untyped));
    let samples = moving.flat_map(|family| &family.samples).filter(|sample| !sample.value.is_nan());
    Ok(samples.map(|it| (format!("{}{:?}", it.name, it.labels), it.value.to_bits())).collect())
}

/// Whether a value differs from the one that the same series had before.
pub(crate) fn moved(before: Option<&Values>, now: &Values, prefix: &str) -> Result<(), Reason> {
    if now.is_empty() {
        return Err(Reason::NothingMoves(prefix.to_owned()));
    }
    let Some(before) = before else { return Err(Reason::FirstLook(prefix.to_owned())) };
    if now.iter().any(|(series, value)| before.get(series).is_some_and(|old| old != value)) {
        return Ok(());
    }
    Err(Reason::Still(now.len(), prefix.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Values, Reason> {
        values(Dialect::PrometheusText, text.as_bytes(), "dwcp_")
    }

    #[test]
    fn families_must_be_there_with_values_and_one_of_them_must_move() {
        let first = of("# TYPE dwcp_a gauge\ndwcp_a 1\nother 1\n").expect("there");
        assert_eq!(moved(None, &first, "dwcp_").expect_err("first").name(), "first_look");
        let same = of("# TYPE dwcp_a gauge\ndwcp_a 1\nother 2\n").expect("there");
        assert_eq!(moved(Some(&first), &same, "dwcp_").expect_err("still").name(), "still");
        let other = of("# TYPE dwcp_a gauge\ndwcp_a 2\nother 1\n").expect("there");
        assert_eq!(moved(Some(&first), &other, "dwcp_"), Ok(()));
        let histogram =
            "# TYPE dwcp_h histogram\ndwcp_h_bucket{le=\"+Inf\"} 1\ndwcp_h_sum 1\ndwcp_h_count 1\n";
        assert_eq!(
            moved(Some(&first), &of(histogram).expect("there"), "dwcp_").expect_err("h").name(),
            "nothing_moves"
        );
        for (text, name) in [
            ("", "no_family"),
            ("other 1\n", "no_family"),
            ("# TYPE dwcp_a gauge\n", "no_family"),
            ("<html>\n", "not_an_exposition"),
            ("dwcp_a 1", "not_an_exposition"),
        ] {
            assert_eq!(of(text).expect_err(text).name(), name);
        }
    }
}
