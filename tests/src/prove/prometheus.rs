//! `prove prometheus`: the adapter against a real Prometheus that scrapes a small exporter of two revisions.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use adapter_prometheus::Source;
use adapter_prometheus::answer::AnswerError;
use adapter_prometheus::outcome::{Freshness, Outcome, judge};
use adapter_prometheus::query::{QueryClient, QueryError};
use adapter_prometheus::server::{Family, ServerMetrics};
use ports::Metrics;
use promql::{Labels, Options, Store, evaluate, parse};

use super::servers::{TEXT, exporter, now_ms, prometheus, runtime};
use crate::door::Verdict;

/// How long samples may take to arrive.
const LIMIT: Duration = Duration::from_mins(1);

/// Expressions whose values ours and the server's must be the same, on the same raw samples.
const SAME: [&str; 8] = [
    "sum by (revision) (rate(http_requests_total[10s]))",
    "sum(rate(http_requests_total{status=~\"5..\"}[10s])) / sum(rate(http_requests_total[10s]))",
    "increase(http_requests_total{status=\"200\"}[8s])",
    "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[10s])))",
    "max_over_time(up[10s])",
    "absent(nothing{job=\"x\"})",
    "up == 1",
    "count by (job) (http_requests_total)",
];

fn exposition(n: u64) -> String {
    let mut text = "# TYPE http_requests_total counter\n".to_owned();
    for (revision, status, each) in [("r-a", 200, 8), ("r-a", 500, 1), ("r-b", 200, 4), ("r-b", 503, 2)] {
        let count = n * each;
        let _ = writeln!(text, "http_requests_total{{revision=\"{revision}\",status=\"{status}\"}} {count}");
    }
    text += "# TYPE http_request_duration_seconds histogram\n";
    for (le, each) in [("0.125", 4), ("0.5", 6), ("2", 7), ("+Inf", 8)] {
        let _ = writeln!(text, "http_request_duration_seconds_bucket{{le=\"{le}\"}} {}", n * each);
    }
    let _ = writeln!(text, "http_request_duration_seconds_sum {n}");
    let _ = writeln!(text, "http_request_duration_seconds_count {}", n * 8);
    text + "# TYPE odd gauge\nodd NaN\n# TYPE endless gauge\nendless +Inf\n"
}

/// Waits until there are enough samples.
async fn warm(client: &QueryClient) -> Result<(), String> {
    let until = Instant::now() + LIMIT;
    loop {
        let count = client.instant("min(count_over_time(http_requests_total[30s]))", None).await;
        let enough = |value: f64| value >= 12.0;
        if count.as_ref().is_ok_and(|answer| answer.series.first().is_some_and(|it| enough(it.samples[0].1)))
        {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("no samples within {LIMIT:?}: {count:?}"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What one number is, for each kind that this server can show.
async fn outcomes(client: &QueryClient) -> Result<(), String> {
    for (query, good) in [
        ("sum(http_requests_total)", (|it| matches!(it, Outcome::Measured { .. })) as fn(&Outcome) -> bool),
        ("nothing", |it| *it == Outcome::NoData),
        ("http_requests_total", |it| *it == Outcome::SeveralSeries(4)),
        ("odd", |it| *it == Outcome::NotANumber),
        ("endless", |it| *it == Outcome::Infinite),
    ] {
        let answer = client.instant(query, None).await.map_err(|error| format!("{query}: {error}"))?;
        let outcome = judge(&answer, now_ms(), Freshness::default());
        if !good(&outcome) {
            return Err(format!("{query}: {outcome:?}"));
        }
    }
    let old = client.instant("up[1h]", Some(now_ms())).await.map_err(|error| error.to_string())?;
    match judge(&old, now_ms() + 600_000, Freshness::default()) {
        Outcome::TooOld(_) => {}
        other => return Err(format!("an old sample: {other:?}")),
    }
    let bad = client.instant("rate(up)", None).await;
    let named = matches!(&bad, Err(QueryError::Answer(AnswerError::Said { kind, .. })) if kind == "bad_data");
    if named { Ok(()) } else { Err(format!("a bad query: {bad:?}")) }
}

/// Our evaluator on the server's raw samples, against the server.
async fn same(client: &QueryClient) -> Result<(), String> {
    let at = now_ms() - 1_500;
    let raw = client.instant("{job=\"example\"}[2m]", Some(at)).await.map_err(|error| error.to_string())?;
    let mut store = Store::default();
    for series in &raw.series {
        for (ms, value) in &series.samples {
            store.append(&series.labels, *ms, *value);
        }
    }
    for query in SAME {
        let expr = parse(query).map_err(|error| format!("{query}: {error}"))?;
        let ours = evaluate(&expr, at, &store, &Options::default())
            .map_err(|error| error.to_string())?
            .into_points();
        let theirs = client.instant(query, Some(at)).await.map_err(|error| format!("{query}: {error}"))?;
        let found =
            |labels: &Labels| theirs.series.iter().find(|it| it.labels == *labels).map(|it| it.samples[0].1);
        let equal = ours.len() == theirs.series.len()
            && ours.iter().all(|point| {
                found(&point.labels).is_some_and(|value| (value - point.value).abs() <= 1e-9 * value.abs())
            });
        if !equal {
            return Err(format!("{query}: ours {ours:?}, theirs {:?}", theirs.series));
        }
    }
    Ok(())
}

/// The port over the server, with its contract.
async fn port(client: &QueryClient) -> Result<(), String> {
    let family = Family::new("http_requests_total", &["r-a", "r-b"]);
    let metrics = ServerMetrics::new(client.clone(), family, now_ms);
    ports::contract::metrics::metrics(&metrics, async || {}).await.map_err(|error| error.to_string())?;
    let scrape = metrics.scrape().await.map_err(|error| error.to_string())?;
    let shares: Vec<(u64, u64)> = scrape.arms.iter().map(|arm| (arm.requests, arm.server_errors)).collect();
    // As the exporter counts: one of nine, and two of six.
    match shares.as_slice() {
        [(a, a_errors), (b, b_errors)] if *a == a_errors * 9 && *b == b_errors * 3 && *a > 0 => Ok(()),
        _ => Err(format!("{shares:?}")),
    }
}

/// A range of values, step by step.
async fn ranged(client: &QueryClient) -> Result<(), String> {
    let to = now_ms();
    let answer = client.range("up", to - 4_000, to, 1_000).await.map_err(|error| error.to_string())?;
    let samples = answer.series.first().map_or(0, |it| it.samples.len());
    if samples >= 4 { Ok(()) } else { Err(format!("{answer:?}")) }
}

/// Asks a real server everything that the adapter can ask.
///
/// # Errors
/// `not run` when there is no Prometheus, or it does not start.
pub(super) fn prove() -> Result<Verdict, String> {
    let target = exporter(|n| (200, TEXT, exposition(n).into_bytes()))?;
    let server = prometheus(1, &format!("  - targets: ['127.0.0.1:{target}']\n"))?;
    let client = QueryClient::new(Source::Tcp(server.address.clone()));
    let runtime = runtime()?;
    runtime.block_on(warm(&client))?;
    let mut rows = vec![
        ("each kind of nothing has its name", runtime.block_on(outcomes(&client))),
        ("our evaluator on its raw samples gives its values", runtime.block_on(same(&client))),
        ("the contract of metrics over the server", runtime.block_on(port(&client))),
        ("a range of values", runtime.block_on(ranged(&client))),
    ];
    drop(server);
    let gone = runtime.block_on(client.instant("up", None));
    let gone =
        if matches!(gone, Err(QueryError::Unreachable(_))) { Ok(()) } else { Err(format!("{gone:?}")) };
    rows.push(("a server that is gone is unreachable", gone));
    Ok(super::verdict("a real Prometheus", &rows))
}
