//! What one instance counted, out of its rows: requests, bad ones, durations, memory, start. Strictly: a sum with a
//! part that is no count is no count.

use std::collections::BTreeMap;

use health::Latency;
use health::sequential::Counts;
use promql::{Labels, is_stale};

use crate::{Names, Refusal, Row, Why};

/// Largest number up to which every whole number has a float of its own.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;
/// Endpoints of one instance that are followed.
const MOST_ENDPOINTS: usize = 64;
/// Refused series that are told of one by one.
const MOST_TOLD: usize = 16;

/// What one instance counted since its process began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Requests and bad ones; `None` when they could not be counted, and the refusals say why.
    pub counts: Option<Counts>,
    /// Durations; empty without a histogram, or when it is refused.
    pub latency: Latency,
    /// Resident memory.
    pub memory_bytes: Option<u64>,
    /// When the process started, in milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// By endpoint, the first 64.
    pub endpoints: BTreeMap<String, Counts>,
    /// What was refused.
    pub refused: Vec<Refusal>,
}

/// Counts the rows of one instance. `source` names it in refusals.
pub fn count(source: &str, rows: &[Row], names: &Names) -> Counted {
    let mut reader = Reader { source, rows, names, refused: Vec::new() };
    let counts = reader.counts();
    let endpoints = reader.endpoints();
    let latency = reader.latency();
    let memory_bytes = reader.gauge(&names.memory).map(|value| value as u64);
    let started_ms = reader.gauge(&names.started).map(|value| (value * 1_000.0).round() as i64);
    let mut refused = reader.refused;
    if refused.len() > MOST_TOLD {
        let more = refused.len() - MOST_TOLD;
        refused.truncate(MOST_TOLD);
        refused.push(Refusal::new(source, Why::TooMany, format!("{more} more series are refused")));
    }
    Counted { counts, latency, memory_bytes, started_ms, endpoints, refused }
}

struct Reader<'r> {
    source: &'r str,
    rows: &'r [Row],
    names: &'r Names,
    refused: Vec<Refusal>,
}

impl<'r> Reader<'r> {
    fn of(&self, name: &str) -> Vec<(&'r Labels, f64)> {
        let of_name = self.rows.iter().filter(|(labels, ..)| labels.value("__name__") == name);
        of_name.map(|(labels, _, value)| (labels, *value)).collect()
    }

    fn refuse(&mut self, why: Why, text: String) {
        self.refused.push(Refusal::new(self.source, why, text));
    }

    fn whole(&mut self, labels: &Labels, value: f64) -> Option<u64> {
        let why = if is_stale(value) {
            Why::Ended
        } else if value.is_nan() {
            Why::NotANumber
        } else if value.is_infinite() {
            Why::Infinite
        } else if value < 0.0 {
            Why::Negative
        } else if value > MOST_EXACT {
            Why::TooLarge
        } else if value.fract() != 0.0 {
            Why::Fractional
        } else {
            return Some(value as u64);
        };
        self.refuse(why, format!("{labels} is {value}: no count"));
        None
    }

    /// A number that is no count; one that is not there is no refusal.
    fn gauge(&mut self, name: &str) -> Option<f64> {
        let (labels, value) = *self.of(name).first()?;
        if value.is_finite() && (0.0..MOST_EXACT).contains(&value) {
            return Some(value);
        }
        let why = if value.is_nan() { Why::NotANumber } else { Why::Infinite };
        self.refuse(why, format!("{labels} is {value}"));
        None
    }

    /// The family of requests that is there.
    fn requests(&self) -> Option<Vec<(&'r Labels, f64)>> {
        self.names.requests.iter().map(|name| self.of(name)).find(|found| !found.is_empty())
    }

    /// The label that carries the status in that series.
    fn status(&self, labels: &'r Labels) -> Option<(&'r str, &str)> {
        let mut values = self.names.status.iter().map(|name| (labels.value(name), name.as_str()));
        values.find(|(value, _)| !value.is_empty())
    }

    fn counts(&mut self) -> Option<Counts> {
        let Some(requests) = self.requests() else {
            let names = self.names.requests.join(", ");
            self.refuse(Why::Missing, format!("no counter of requests is there (looked for: {names}); name yours in the gate file: metrics: {{requests: NAME}}"));
            return None;
        };
        let mut counts = Some(Counts::default());
        let mut with_status = false;
        for (labels, value) in requests {
            let count = self.whole(labels, value);
            let bad = match self
                .status(labels)
                .map(|(status, name)| (is_bad(status), status, name.to_owned()))
            {
                None => Some(false),
                Some((Some(bad), ..)) => {
                    with_status = true;
                    Some(bad)
                }
                Some((None, status, name)) => {
                    with_status = true;
                    self.refuse(Why::NoStatus, format!("{labels}: {name}={status:?} is no status of HTTP"));
                    None
                }
            };
            counts = counts.zip(count).zip(bad).map(|((sum, count), bad)| {
                sum.plus(Counts { requests: count, bad: if bad { count } else { 0 } })
            });
        }
        self.failures(counts, with_status)
    }

    /// Without a status the failures are counters of their own.
    fn failures(&mut self, counts: Option<Counts>, with_status: bool) -> Option<Counts> {
        let names = self.names;
        let errors: Vec<(&Labels, f64)> = names.errors.iter().flat_map(|name| self.of(name)).collect();
        if with_status {
            return counts;
        }
        if errors.is_empty() {
            let labels = names.status.join(", ");
            self.refuse(Why::Missing, format!("the requests have no status (looked for the labels {labels}), and no counter of errors is there; name one in the gate file: metrics: {{errors: [NAME]}}"));
            return None;
        }
        let mut counts = counts;
        for (labels, value) in errors {
            let bad = self.whole(labels, value);
            counts = counts.zip(bad).map(|(sum, bad)| sum.plus(Counts { requests: 0, bad }));
        }
        match counts {
            Some(counts) if counts.bad > counts.requests => {
                let Counts { requests, bad } = counts;
                self.refuse(Why::MoreBadThanRequests, format!("{bad} failed of {requests} requests"));
                None
            }
            counts => counts,
        }
    }

    fn endpoints(&self) -> BTreeMap<String, Counts> {
        let mut found: BTreeMap<String, Counts> = BTreeMap::new();
        for (labels, value) in self.requests().unwrap_or_default() {
            let name = self.names.endpoint.iter().map(|name| labels.value(name)).find(|it| !it.is_empty());
            let (Some(name), true) = (name, value.is_finite() && (0.0..MOST_EXACT).contains(&value)) else {
                continue;
            };
            if found.len() < MOST_ENDPOINTS || found.contains_key(name) {
                let bad = self.status(labels).and_then(|(status, _)| is_bad(status)).unwrap_or(false);
                let count = value as u64;
                let sum = found.entry(name.to_owned()).or_default();
                *sum = sum.plus(Counts { requests: count, bad: if bad { count } else { 0 } });
            }
        }
        found
    }

    fn latency(&mut self) -> Latency {
        let buckets = self.names.duration.iter().map(|name| self.of(&format!("{name}_bucket")));
        let Some(series) = buckets.into_iter().find(|found| !found.is_empty()) else {
            return Latency::default();
        };
        let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
        for (labels, value) in series {
            let bound = micros(labels.value("le"));
            let Some(bound) = bound else {
                self.refuse(Why::Histogram, format!("{labels}: le is no bound in whole microseconds"));
                return Latency::default();
            };
            let Some(count) = self.whole(labels, value) else { return Latency::default() };
            let sum = sums.entry(bound).or_default();
            *sum = sum.saturating_add(count);
        }
        let unbounded = sums.contains_key(&u64::MAX);
        match Latency::new(sums.into_iter().collect()).filter(|_| unbounded) {
            Some(latency) => latency,
            None => {
                let why =
                    if unbounded { "the buckets do not rise" } else { "there is no bucket le=\"+Inf\"" };
                self.refuse(Why::Histogram, format!("the histogram of durations: {why}"));
                Latency::default()
            }
        }
    }
}

/// Whether a status is that of a failed request; `None` when it is none.
fn is_bad(status: &str) -> Option<bool> {
    let class = status.strip_suffix("xx").or_else(|| status.strip_suffix("XX"));
    if let Some(class) = class {
        return class.parse::<u8>().ok().filter(|class| (1..=5).contains(class)).map(|class| class == 5);
    }
    status.parse::<u16>().ok().filter(|code| (100..600).contains(code)).map(|code| code >= 500)
}

/// A bound in seconds as microseconds; `+Inf` is the largest number.
fn micros(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok()?;
    if seconds == f64::INFINITY {
        return Some(u64::MAX);
    }
    let exact = seconds * 1e6;
    ((exact - exact.round()).abs() <= 1e-3 && (0.0..MOST_EXACT).contains(&exact))
        .then(|| exact.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counted {
        let rows = crate::rows(text.as_bytes(), 0, &exposition::Limits::default()).unwrap();
        count("here", &rows, &Names::default())
    }

    #[test]
    fn well_known_names_are_counted_by_status() {
        let found = counted(
            "http_requests_total{code=\"200\",path=\"/a\"} 90\nhttp_requests_total{code=\"503\",path=\"/a\"} 7\n\
             http_requests_total{code=\"404\",path=\"/b\"} 3\nprocess_start_time_seconds 12.5\n\
             http_request_duration_seconds_bucket{le=\"0.1\"} 60\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 100\n\
             process_resident_memory_bytes 1.5e8\n",
        );
        assert_eq!(found.counts, Some(Counts { requests: 100, bad: 7 }));
        assert_eq!(found.latency.buckets(), [(100_000, 60), (u64::MAX, 100)]);
        assert_eq!((found.started_ms, found.memory_bytes), (Some(12_500), Some(150_000_000)));
        assert_eq!(found.endpoints["/a"], Counts { requests: 97, bad: 7 });
        assert_eq!(found.refused, []);
        let ours = counted("nova_requests_total 9\nnova_server_errors_total 2\nnova_failures_total 1\n");
        assert_eq!(ours.counts, Some(Counts { requests: 9, bad: 3 }));
    }

    #[test]
    fn i28_what_is_no_count_has_a_name_and_is_never_coerced() {
        for (text, why) in [
            ("http_requests_total{code=\"200\"} NaN\n", Why::NotANumber),
            ("http_requests_total{code=\"200\"} +Inf\n", Why::Infinite),
            ("http_requests_total{code=\"200\"} -1\n", Why::Negative),
            ("http_requests_total{code=\"200\"} 0.5\n", Why::Fractional),
            ("http_requests_total{code=\"200\"} 1e300\n", Why::TooLarge),
            ("http_requests_total{code=\"ok\"} 1\n", Why::NoStatus),
            ("http_requests_total{code=\"9xx\"} 1\n", Why::NoStatus),
            ("http_requests_total 1\n", Why::Missing),
            ("other_total 1\n", Why::Missing),
            ("nova_requests_total 1\nnova_failures_total 2\n", Why::MoreBadThanRequests),
        ] {
            let found = counted(text);
            assert_eq!(found.counts, None, "{text}");
            assert_eq!(found.refused.iter().map(|it| it.why).collect::<Vec<_>>(), [why], "{text}");
        }
        let found = counted(
            "http_requests_total{code=\"5xx\"} 1\nhttp_request_duration_seconds_bucket{le=\"0.1\"} 1\n",
        );
        assert_eq!(found.counts, Some(Counts { requests: 1, bad: 1 }), "the rest is still evidence");
        assert_eq!(found.refused[0].why, Why::Histogram);
    }
}
