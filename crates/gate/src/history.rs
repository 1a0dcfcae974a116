//! History for the audit and the baselines: minutes of every stable instance, out of a record of the gate or a trace of
//! the corpus.

use std::collections::BTreeMap;

use health::sequential::Counts;
use serde::Deserialize;

use crate::{Answer, Pod, RecordError};

const MINUTE_MS: u64 = 60_000;
/// Minutes that are kept: a week and a half.
const MOST_MINUTES: u64 = 16_384;

/// Between two looks at an instance; after more, when it did what is not known.
const MOST_GAP_MS: u64 = 900_000;

/// The part of an instance that is looked at.
#[derive(Deserialize)]
struct Part {
    canary: bool,
    pod: u32,
    answer: Answer,
    requests: u64,
    errors: u64,
    #[serde(default)]
    started_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Look {
    at_ms: u64,
    pods: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Any {
    Own { look: Look },
    Trace(Look),
}

/// Cumulative counts of one instance, as a part of a history.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// Its number.
    pub instance: u32,
    /// In milliseconds of the history.
    pub at_ms: u64,
    /// Requests and bad ones since its process began.
    pub counts: Counts,
    /// When that was, if it is known.
    pub started_ms: Option<i64>,
}

/// Minutes by instance, out of cumulative counts in time order. A restart begins anew, a missing instance adds nothing.
#[derive(Clone, Debug, Default)]
pub struct Minutes {
    last: BTreeMap<u32, Count>,
    by_minute: BTreeMap<u64, BTreeMap<u32, Counts>>,
    skipped: u64,
}

impl Minutes {
    /// Takes one count.
    pub fn add(&mut self, now: Count) {
        let minute = now.at_ms / MINUTE_MS;
        if minute >= MOST_MINUTES {
            return;
        }
        let last = self.last.insert(now.instance, now);
        let grown = last.filter(|last| {
            last.started_ms == now.started_ms
                && last.at_ms < now.at_ms
                && now.at_ms - last.at_ms <= MOST_GAP_MS
                && last.counts.requests <= now.counts.requests
                && last.counts.bad <= now.counts.bad
        });
        let added = grown.map_or_else(Counts::default, |last| now.counts.minus(last.counts));
        let sum = self.by_minute.entry(minute).or_default().entry(now.instance).or_default();
        *sum = sum.plus(added);
    }

    /// Takes the stable instances of a look, at so many milliseconds of the history.
    pub fn look<'p>(&mut self, at_ms: u64, pods: impl IntoIterator<Item = &'p Pod>) {
        for pod in pods.into_iter().filter(|pod| !pod.canary) {
            let (answer, started_ms) = (pod.answer, pod.started_ms);
            self.part(
                at_ms,
                &Part {
                    canary: false,
                    pod: pod.pod,
                    answer,
                    requests: pod.requests,
                    errors: pod.errors,
                    started_ms,
                },
            );
        }
    }

    fn part(&mut self, at_ms: u64, part: &Part) {
        match Counts::new(part.requests, part.errors).filter(|_| part.answer == Answer::Ok) {
            Some(counts) => {
                self.add(Count { instance: part.pod, at_ms, counts, started_ms: part.started_ms });
            }
            None => self.skipped = self.skipped.saturating_add(1),
        }
    }

    /// What all instances did together, by minute since the beginning.
    pub fn totals(&self) -> impl Iterator<Item = (u64, Counts)> {
        let sum = |by: &BTreeMap<u32, Counts>| by.values().fold(Counts::default(), |sum, one| sum.plus(*one));
        self.by_minute.iter().map(move |(minute, by)| (*minute, sum(by)))
    }

    /// Looks at an instance that were no evidence.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The outer list is time, the inner one instances in a fixed order.
    pub fn list(&self) -> Vec<Vec<Counts>> {
        let instances: Vec<u32> = self.last.keys().copied().collect();
        let row = |minute: &BTreeMap<u32, Counts>| {
            instances.iter().map(|id| minute.get(id).copied().unwrap_or_default()).collect()
        };
        self.by_minute.values().map(row).collect()
    }
}

/// Reads a record of `nova-gate watch`, or a trace of the corpus.
///
/// # Errors
/// The first line that is neither.
pub fn read(text: &str) -> Result<Minutes, RecordError> {
    let mut minutes = Minutes::default();
    for (at, line) in text.lines().enumerate().skip(1) {
        let look = match serde_json::from_str(line) {
            Ok(Any::Own { look } | Any::Trace(look)) => look,
            // A watch that was killed leaves a line that was cut.
            Err(_) if at + 1 == text.lines().count() && !text.ends_with('\n') => break,
            Err(error) => {
                let message = format!("neither a line of a record nor of a trace: {error}");
                return Err(RecordError { line: at + 1, column: error.column().max(1), message });
            }
        };
        for part in look.pods.iter().filter(|part| !part.canary) {
            minutes.part(look.at_ms, part);
        }
    }
    Ok(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_made_of_records_and_of_traces() {
        let own = "{\"gate\":{}}\n{\"look\":{\"at_ms\":0,\"pods\":[{\"canary\":false,\"pod\":1,\"answer\":\"ok\",\"requests\":10,\"errors\":0}]}}\n\
                   {\"look\":{\"at_ms\":50000,\"pods\":[{\"canary\":false,\"pod\":1,\"answer\":\"ok\",\"requests\":25,\"errors\":2}]}}\n";
        let trace = own.replace("{\"look\":", "").replace("]}}\n", "]}\n");
        for text in [own, &trace, &format!("{own}{{\"look\":{{\"at")] {
            let minutes = read(text).unwrap().list();
            assert_eq!(minutes, [[Counts { requests: 15, bad: 2 }]], "{text}");
        }
        assert_eq!(read("{}\n{\"at_ms\":\"x\"}\n").unwrap_err().line, 2);
    }
}
