//! Scrapes the targets of a job and keeps their series in a store, as a Prometheus server would: `up`, time, labels
//! after relabelling, and the mark of the end for what is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use exposition::Limits;
use ports::PortError;
use promql::{Labels, STALE, Store};

use crate::Source;
use crate::config::{Job, Target};
use crate::fetch::fetch;
use crate::scrape::read;

/// What one scrape found.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// Labels, time in milliseconds since 1970, value.
    pub samples: Vec<(Labels, i64, f64)>,
    /// `process_start_time_seconds`, in milliseconds, when the exporter says it: proves which process it is.
    pub process_started_ms: Option<i64>,
}

/// Scrapes one target.
///
/// # Errors
/// No whole answer within the deadline, an answer that is no exposition, or two series that relabelling made one.
pub async fn collect(
    job: &Job,
    target: &Target,
    now_ms: i64,
    deadline: Duration,
    limits: &Limits,
) -> Result<Collected, PortError> {
    let source = Source::Tcp(target.address.clone());
    let fetched = fetch(&source, &target.path, limits.bytes);
    let answer = tokio::time::timeout(deadline, fetched).await.map_err(|_| {
        PortError::Unreachable(format!("scrape: no whole answer in {} ms", deadline.as_millis()))
    })??;
    let exposition = read(&answer, limits)?;
    let mut samples = Vec::new();
    let mut known = BTreeSet::new();
    for sample in exposition.families.iter().flat_map(|family| &family.samples) {
        let pairs = sample.labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let scraped = Labels::new(pairs.chain([("__name__", sample.name.as_ref())]));
        let Some(labels) = job.series(target, &scraped) else { continue };
        if !known.insert(labels.clone()) {
            return Err(PortError::Malformed(format!("relabelling makes {labels} stand twice")));
        }
        samples.push((labels, sample.timestamp_ms.unwrap_or(now_ms), sample.value));
    }
    let started = exposition.samples("process_start_time_seconds").next().map(|sample| sample.value * 1000.0);
    let process_started_ms =
        started.filter(|ms| ms.is_finite() && ms.abs() < 9e15).map(|ms| ms.round() as i64);
    Ok(Collected { samples, process_started_ms })
}

/// What was seen of each target the last time.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    seen: BTreeMap<Labels, BTreeSet<Labels>>,
}

impl Keeper {
    /// Puts the result of a scrape into the store. Returns how many samples it refused, because they are not later than
    /// the last one of their series.
    pub fn keep(
        &mut self,
        store: &mut Store,
        target: &Target,
        result: Result<&Collected, &PortError>,
        now_ms: i64,
    ) -> usize {
        let mut up = target.labels.clone();
        up.set("__name__", "up");
        let mut refused = usize::from(!store.append(&up, now_ms, f64::from(u8::from(result.is_ok()))));
        let mut now = BTreeSet::new();
        for (labels, at_ms, value) in result.iter().flat_map(|collected| &collected.samples) {
            refused += usize::from(!store.append(labels, *at_ms, *value));
            // Prometheus marks no end of a series that brings its own times.
            if *at_ms == now_ms {
                now.insert(labels.clone());
            }
        }
        let before = self.seen.insert(target.labels.clone(), now.clone()).unwrap_or_default();
        for gone in before.difference(&now) {
            refused += usize::from(!store.append(gone, now_ms, STALE));
        }
        refused
    }
}
