//! The past of a stable revision, out of a Prometheus.

use std::collections::BTreeMap;

use adapter_prometheus::Source;
use adapter_prometheus::answer::Series;
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
    let now = wall_ms();
    let began_ms = now.saturating_sub(look_back);
    let mut gathered = Gathered { began_ms, ..Gathered::default() };
    let mut from = began_ms;
    while from < now {
        let until = now.min(from + PART_S * 1_000);
        let by_instance = samples(server, written, names, (from, until)).await?;
        let mut at = from;
        while at <= until {
            for (instance, series) in &by_instance {
                gathered.count(instance, series, at, names);
            }
            at += MINUTE_MS;
        }
        from = until;
    }
    if gathered.numbers.is_empty() {
        let span = span(look_back.unsigned_abs());
        return Err(Failure::usage(format!("{server}: no series for {{{written}}} in the last {span}")));
    }
    gathered.tell_refused();
    Ok(Past { began_ms, minutes: gathered.minutes })
}

/// The raw samples of a stretch, and of the minute before it, by instance.
async fn samples(
    server: &str,
    written: &str,
    names: &Names,
    (from, until): (i64, i64),
) -> Result<BTreeMap<String, Vec<Series>>, Failure> {
    let url = url::read(server, "").map_err(Failure::usage)?;
    let client = QueryClient::new(Source::Tcp(url.address)).with_prefix(url.path.trim_end_matches('/'));
    let series = names.series().join("|");
    let query = format!("{{__name__=~\"{series}\",{written}}}[{}s]", (until - from) / 1_000 + 60);
    let answer = client.instant(&query, Some(until)).await;
    let answer = answer.map_err(|error| Failure::usage(format!("{server}: {error}")))?;
    if !answer.warnings.is_empty() {
        let warnings = answer.warnings.join("; ");
        return Err(Failure::usage(format!("{server}: the answer may be partial: {warnings}")));
    }
    let mut by_instance: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for it in answer.series {
        by_instance.entry(it.labels.value(&names.instance).to_owned()).or_default().push(it);
    }
    Ok(by_instance)
}

/// What is known so far.
#[derive(Default)]
struct Gathered {
    began_ms: i64,
    minutes: Minutes,
    /// Instances in the order in which they came.
    numbers: BTreeMap<String, u32>,
    /// Source and text of what was no evidence, and how often.
    refused: BTreeMap<(String, String), u64>,
}

impl Gathered {
    /// Takes what an instance had counted at a time.
    fn count(&mut self, instance: &str, series: &[Series], at: i64, names: &Names) {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(instance.to_owned()).or_insert(next);
        let rows: Vec<Row> = series.iter().filter_map(|it| fresh(it, at)).collect();
        let counted = count(instance, &rows, names);
        for refusal in counted.refused {
            *self.refused.entry((refusal.source, refusal.text)).or_default() += 1;
        }
        if let Some(counts) = counted.counts {
            let at_ms = u64::try_from(at - self.began_ms).unwrap_or(0);
            self.minutes.add(Count { instance: number, at_ms, counts, started_ms: counted.started_ms });
        }
    }

    fn tell_refused(&self) {
        for ((source, text), times) in self.refused.iter().take(MOST_TOLD) {
            eprintln!("not evidence, {times} times: {source}: {text}");
        }
    }
}

/// The last sample of a series at a time, unless it is older than two minutes.
fn fresh(series: &Series, at: i64) -> Option<Row> {
    let until = series.samples.partition_point(|(t, _)| *t <= at);
    let (t, value) = *series.samples.get(until.checked_sub(1)?)?;
    (at - t <= 2 * MINUTE_MS).then(|| (series.labels.clone(), t, value))
}
