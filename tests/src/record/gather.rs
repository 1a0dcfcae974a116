//! From what Prometheus has stored to a trace of the corpus.

use std::collections::{BTreeMap, BTreeSet};

use adapter_prometheus::Source;
use adapter_prometheus::answer::Series;
use adapter_prometheus::query::QueryClient;
use delivery_corpus::trace::{Answer, Header, Pod, Scrape, Trace};
use health::sequential::Counts;

use super::kinds::Kind;
use super::{LENGTH_S, PODS, RATE, SCRAPE_S, STEPS, WARM_S};
use crate::prove::servers::runtime;

/// One instance's values by time in milliseconds since 1970.
#[derive(Default)]
struct Values {
    requests: BTreeMap<i64, u64>,
    errors: BTreeMap<i64, u64>,
    /// By bound in microseconds; the last one without bound.
    buckets: BTreeMap<u64, BTreeMap<i64, u64>>,
}

/// The trace of a rollout that began at `began_ms`.
pub(super) fn trace(server: &str, number: usize, kind: &Kind, began_ms: i64) -> Result<Trace, String> {
    let client = QueryClient::new(Source::Tcp(server.to_owned()));
    let span = format!("[{}s]", WARM_S + LENGTH_S + 60);
    let mut values: BTreeMap<(bool, u32), Values> = BTreeMap::new();
    let runtime = runtime()?;
    for name in ["http_requests_total", "http_request_duration_seconds_bucket"] {
        let query = format!("{name}{{trace=\"{number}\"}}{span}");
        let answer =
            runtime.block_on(client.instant(&query, None)).map_err(|error| format!("{query}: {error}"))?;
        for series in &answer.series {
            add(&mut values, name == "http_requests_total", series)?;
        }
    }
    let stable = |at_ms: i64| -> Vec<Pod> {
        (0..PODS).filter_map(|pod| values.get(&(false, pod))?.pod(false, pod, at_ms)).collect()
    };
    let recorded = stable(began_ms);
    let sum = |pick: fn(&Pod) -> u64| recorded.iter().map(pick).sum::<u64>();
    let recorded_counts = Counts { requests: sum(|pod| pod.requests), bad: sum(|pod| pod.errors) };
    if (recorded_counts.requests as f64) < 0.8 * RATE * (WARM_S - SCRAPE_S) as f64 {
        return Err(format!(
            "trace {number}: Prometheus has seen only {} requests before the rollout",
            recorded_counts.requests
        ));
    }
    let bounds: BTreeSet<u64> =
        values.values().flat_map(|of| of.buckets.keys().copied()).filter(|b| *b < u64::MAX).collect();
    let buckets =
        (0..=bounds.len()).map(|at| recorded.iter().filter_map(|pod| pod.buckets.get(at)).sum()).collect();
    let header = Header {
        seed: number as u64,
        scenario: kind.name.to_owned(),
        change_ms: kind.onset_s() * 1_000,
        canary_rate: kind.canary.filter(|fault| fault.0 == "errors").map_or(0.0, |fault| fault.1),
        stable_rate: kind.stable.filter(|fault| fault.0 == "errors").map_or(0.0, |fault| fault.1),
        truth: kind.truth,
        scrapes: (LENGTH_S / SCRAPE_S) as u32,
        scrape_ms: SCRAPE_S * 1_000,
        recorded: recorded_counts,
        minutes: vec![],
        bounds_us: bounds.into_iter().collect(),
        recorded_buckets: buckets,
    };
    let scrapes = (0..=LENGTH_S / SCRAPE_S).map(|n| scrape(&values, n * SCRAPE_S, began_ms)).collect();
    Ok(Trace { header, scrapes: restarted(scrapes) })
}

fn add(values: &mut BTreeMap<(bool, u32), Values>, counts: bool, series: &Series) -> Result<(), String> {
    let label = |name: &str| series.labels.value(name).to_owned();
    let pod = label("pod").parse().map_err(|error| format!("pod {:?}: {error}", label("pod")))?;
    let of = values.entry((label("arm") == "canary", pod)).or_default();
    let into = if counts {
        vec![Some(&mut of.requests), label("status").starts_with('5').then_some(&mut of.errors)]
    } else {
        let le = label("le");
        let bound = match le.as_str() {
            "+Inf" => u64::MAX,
            le => (le.parse::<f64>().map_err(|error| format!("le {le:?}: {error}"))? * 1e6).round() as u64,
        };
        vec![Some(of.buckets.entry(bound).or_default())]
    };
    for map in into.into_iter().flatten() {
        for (ms, value) in &series.samples {
            *map.entry(*ms).or_default() += value.max(0.0) as u64;
        }
    }
    Ok(())
}

impl Values {
    /// The instance as last scraped at most one and a half intervals before `at_ms`.
    fn pod(&self, canary: bool, pod: u32, at_ms: i64) -> Option<Pod> {
        let oldest = at_ms - i64::try_from(SCRAPE_S * 1_500).unwrap_or(0);
        let (ms, requests) = self.requests.range(oldest..=at_ms).next_back()?;
        let at = |map: &BTreeMap<i64, u64>| map.get(ms).copied().unwrap_or(0);
        Some(Pod {
            canary,
            pod,
            answer: Answer::Ok,
            requests: *requests,
            errors: at(&self.errors),
            buckets: self.buckets.values().map(at).collect(),
            started_ms: -1_000 * i64::try_from(WARM_S).unwrap_or(0),
        })
    }
}

fn scrape(values: &BTreeMap<(bool, u32), Values>, second: u64, began_ms: i64) -> Scrape {
    let at_ms = began_ms + i64::try_from(second * 1_000).unwrap_or(0);
    let pods = [true, false].into_iter().flat_map(|canary| (0..PODS).map(move |pod| (canary, pod)));
    let seen = |(canary, pod): (bool, u32)| {
        let found = values.get(&(canary, pod)).and_then(|of| of.pod(canary, pod, at_ms));
        // An instance that was never asked for anything has no counter yet, and answers all the same.
        let idle = canary
            && values.get(&(canary, pod)).is_none_or(|of| of.requests.range(..=at_ms).next().is_none());
        let answer = if idle { Answer::Ok } else { Answer::Lost };
        found.unwrap_or(Pod { canary, pod, answer, ..Pod::default() })
    };
    let percent = STEPS.iter().rev().find(|(from, _)| second >= *from).map_or(0, |(_, percent)| *percent);
    Scrape { at_ms: second * 1_000, percent, pods: pods.map(seen).collect(), endpoints: vec![] }
}

/// The service does not say when it started: where a counter fell, it has started again.
fn restarted(mut scrapes: Vec<Scrape>) -> Vec<Scrape> {
    let mut last: BTreeMap<(bool, u32), (u64, i64)> = BTreeMap::new();
    for scrape in &mut scrapes {
        for pod in scrape.pods.iter_mut().filter(|pod| pod.answer == Answer::Ok) {
            let (requests, started) =
                last.get(&(pod.canary, pod.pod)).copied().unwrap_or((0, pod.started_ms));
            let again = pod.requests < requests;
            pod.started_ms = if again { scrape.at_ms.cast_signed() } else { started };
            last.insert((pod.canary, pod.pod), (pod.requests, pod.started_ms));
        }
    }
    scrapes
}
