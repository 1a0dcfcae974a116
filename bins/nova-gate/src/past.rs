//! The past of a stable revision, out of a Prometheus.

use std::collections::BTreeMap;

use adapter_prometheus::Source;
use adapter_prometheus::query::QueryClient;
use gate::history::{Count, Minutes};
use gate::units::span;
use gate::{Names, Row, count};
use health::checks::url;

use crate::failure::Failure;
use crate::source::wall_ms;

const MINUTE_MS: i64 = 60_000;
/// Seconds of raw samples that one question asks for.
const PART_S: i64 = 3_600;
/// Kinds of refusals that are told of.
const MOST_TOLD: usize = 10;

/// Minutes of all instances, and the wall time of the first, in milliseconds since 1970.
pub(crate) struct Past {
    pub(crate) began_ms: i64,
    pub(crate) minutes: Minutes,
}

/// Minutes out of a Prometheus, an hour at a time.
pub(crate) async fn asked(
    server: &str,
    written: &str,
    names: &Names,
    look_back: i64,
) -> Result<Past, Failure> {
    let url = url::read(server, "").map_err(Failure::usage)?;
    let client = QueryClient::new(Source::Tcp(url.address)).with_prefix(url.path.trim_end_matches('/'));
    let (now, mut minutes) = (wall_ms(), Minutes::default());
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut refused: BTreeMap<(String, String), u64> = BTreeMap::new();
    let began = now.saturating_sub(look_back);
    let mut from = began;
    while from < now {
        let until = now.min(from + PART_S * 1_000);
        let series = names.series().join("|");
        let query = format!("{{__name__=~\"{series}\",{written}}}[{}s]", (until - from) / 1_000 + 60);
        let answer = client.instant(&query, Some(until)).await;
        let answer = answer.map_err(|error| Failure::usage(format!("{server}: {error}")))?;
        if !answer.warnings.is_empty() {
            return Err(Failure::usage(format!(
                "{server}: the answer may be partial: {}",
                answer.warnings.join("; ")
            )));
        }
        let mut by_instance: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for it in answer.series {
            by_instance.entry(it.labels.value(&names.instance).to_owned()).or_default().push(it);
        }
        let mut at = from;
        while at <= until {
            for (instance, series) in &by_instance {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                let number = *numbers.entry(instance.clone()).or_insert(next);
                let rows: Vec<Row> = series
                    .iter()
                    .filter_map(|it| {
                        let until = it.samples.partition_point(|(t, _)| *t <= at);
                        let (t, value) = *it.samples.get(until.checked_sub(1)?)?;
                        (at - t <= 2 * MINUTE_MS).then(|| (it.labels.clone(), t, value))
                    })
                    .collect();
                let counted = count(instance, &rows, names);
                for refusal in counted.refused {
                    *refused.entry((refusal.source, refusal.text)).or_default() += 1;
                }
                if let Some(counts) = counted.counts {
                    let at_ms = u64::try_from(at - began).unwrap_or(0);
                    minutes.add(Count { instance: number, at_ms, counts, started_ms: counted.started_ms });
                }
            }
            at += MINUTE_MS;
        }
        from = until;
    }
    if numbers.is_empty() {
        return Err(Failure::usage(format!(
            "{server}: no series for {{{written}}} in the last {}",
            span(look_back.unsigned_abs())
        )));
    }
    for ((source, text), times) in refused.iter().take(MOST_TOLD) {
        eprintln!("not evidence, {times} times: {source}: {text}");
    }
    Ok(Past { began_ms: began, minutes })
}
