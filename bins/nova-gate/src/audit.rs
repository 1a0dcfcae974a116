//! `audit`: the promise checked on one's own history. Each stable instance plays the canary in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adapter_prometheus::Source;
use adapter_prometheus::query::QueryClient;
use clap::{Args, ValueEnum};
use gate::history::{Count, Minutes};
use gate::units::{share_of, span};
use gate::{Names, Row, count, file};
use health::Finite;
use health::sequential::Counts;

use crate::args::{given, millis};
use crate::failure::Failure;
use crate::files::{self, RECORD_MAX};
use crate::output::json;
use crate::source::wall_ms;
use health::checks::url;

const MINUTE_MS: i64 = 60_000;
/// Seconds of raw samples that one question asks for.
const PART_S: i64 = 3_600;
/// Kinds of refusals that are told of.
const MOST_TOLD: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Which history, and what is played.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditArgs {
    /// Records of a watch, or traces of the corpus
    history: Vec<PathBuf>,
    /// Take the history of this Prometheus
    #[arg(long, value_name = "URL", requires = "stable")]
    prometheus: Option<String>,
    /// Series of the stable revision there, e.g. 'job="api"'
    #[arg(long, value_name = "SELECTOR")]
    stable: Option<String>,
    /// How far back
    #[arg(long, default_value = "24h", value_name = "TIME")]
    look_back: String,
    /// Length of one played rollout, in minutes
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
    /// Allowed chance of a false rollback
    #[arg(long, default_value = "1%", value_name = "PERCENT")]
    alpha: String,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// Ends with 0 when the promise is kept, 10 when it is broken, 12 when the history is too short to say.
pub(crate) async fn audit(args: &AuditArgs) -> Result<u8, Failure> {
    let read =
        |text: &str| share_of(text).filter(|alpha| *alpha > 0.0 && *alpha <= 0.5).and_then(Finite::new);
    if args.history.is_empty() && args.prometheus.is_none() {
        let mend = "give records of nova-gate watch --record, or --prometheus URL --stable SELECTOR";
        return Err(Failure::usage(format!("no history to audit: {mend}")));
    }
    let alpha = given("alpha", &args.alpha, "a percentage above 0% and up to 50%", read)?;
    let mut minutes: Vec<Vec<Counts>> = Vec::new();
    for path in &args.history {
        minutes.extend(history(path, &files::text(path, RECORD_MAX)?)?);
    }
    if let (Some(server), Some(stable)) = (&args.prometheus, &args.stable) {
        let look_back = i64::try_from(millis("look-back", &args.look_back)?).unwrap_or(i64::MAX);
        minutes.extend(asked(server, stable, look_back).await?);
    }
    let found = gate::audit(&minutes, args.minutes, alpha);
    match args.format {
        Form::Json => print!("{}", json(&found)?),
        Form::Text => found.lines().iter().for_each(|line| println!("{line}")),
    }
    Ok(found.code)
}

/// The minutes of a record or a trace.
pub(crate) fn history(path: &Path, text: &str) -> Result<Vec<Vec<Counts>>, Failure> {
    let minutes = gate::history::read(text).map_err(|error| {
        Failure::usage(format!(
            "{}:{error}\n    mend: give a file of nova-gate watch --record",
            path.display()
        ))
    })?;
    if minutes.skipped() > 0 {
        eprintln!(
            "{}: {} looks at an instance were no evidence and are left out",
            path.display(),
            minutes.skipped()
        );
    }
    Ok(minutes.list())
}

/// Minutes out of a Prometheus, an hour at a time.
async fn asked(server: &str, stable: &str, look_back: i64) -> Result<Vec<Vec<Counts>>, Failure> {
    let url = url::read(server, "").map_err(Failure::usage)?;
    let client = QueryClient::new(Source::Tcp(url.address)).with_prefix(url.path.trim_end_matches('/'));
    let (_, written) = file::selector(stable).map_err(Failure::usage)?;
    let names = Names::default();
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
                let counted = count(instance, &rows, &names);
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
    Ok(minutes.list())
}
