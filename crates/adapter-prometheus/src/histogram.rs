//! The latency histogram of each revision, as cumulative counts by upper bound, checked for sense.

use std::collections::{BTreeMap, BTreeSet};

use exposition::Exposition;

use crate::map::{MappingError, beside, by_revision, labelled, named, series};
use crate::names;
use crate::whole::{micros, whole};

/// Counts by upper bound in microseconds, ascending.
type Buckets = Vec<(u64, u64)>;

/// By revision. Each has buckets that end in `+Inf` equal to its count, and a sum.
pub(crate) fn histograms(exposition: &Exposition) -> Result<BTreeMap<String, Buckets>, MappingError> {
    let found = buckets(exposition)?;
    let mut sums = sums(exposition)?;
    let counted = format!("{}_count", names::DURATION);
    let mut counts = by_revision(exposition, &counted)?;
    let without = counts.keys().chain(&sums).find(|revision| !found.contains_key(*revision));
    if let Some(revision) = without {
        return Err(broken(revision, "there are no buckets"));
    }
    let mut histograms = BTreeMap::new();
    for (revision, buckets) in found {
        if !sums.remove(&revision) {
            let family = format!("{}_sum", names::DURATION);
            return Err(MappingError::MissingSeries { family, of: revision });
        }
        let count = beside(&mut counts, &counted, &revision)?;
        let buckets: Buckets = buckets.into_iter().collect();
        cumulative(&revision, &buckets, count)?;
        histograms.insert(revision, buckets);
    }
    Ok(histograms)
}

fn buckets(exposition: &Exposition) -> Result<BTreeMap<String, BTreeMap<u64, u64>>, MappingError> {
    let mut found: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
    for sample in exposition.samples(&format!("{}_bucket", names::DURATION)) {
        let [revision, le] = labelled(sample, [names::REVISION, "le"])?;
        // The parser has refused every bound that is not a number.
        let seconds = if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap_or(f64::NAN) };
        let bound = named(sample, micros(seconds))?;
        let count = named(sample, whole(sample.value))?;
        if found.entry(revision.to_owned()).or_default().insert(bound, count).is_some() {
            return Err(MappingError::Duplicate(series(sample)));
        }
    }
    Ok(found)
}

/// Who has a sum. Seconds may be fractional, but are a number and no less than nothing.
fn sums(exposition: &Exposition) -> Result<BTreeSet<String>, MappingError> {
    let mut sums = BTreeSet::new();
    for sample in exposition.samples(&format!("{}_sum", names::DURATION)) {
        let [revision] = labelled(sample, [names::REVISION])?;
        named(sample, whole(sample.value.floor()))?;
        sums.insert(revision.to_owned());
    }
    Ok(sums)
}

fn cumulative(revision: &str, buckets: &[(u64, u64)], count: u64) -> Result<(), MappingError> {
    if buckets.windows(2).any(|pair| matches!(pair, [(_, low), (_, high)] if low > high)) {
        return Err(broken(revision, "the buckets are not cumulative"));
    }
    match buckets.last() {
        Some((u64::MAX, last)) if *last == count => Ok(()),
        Some((u64::MAX, _)) => Err(broken(revision, "the +Inf bucket is not the count")),
        _ => Err(broken(revision, "there is no +Inf bucket")),
    }
}

fn broken(revision: &str, why: &'static str) -> MappingError {
    MappingError::Histogram { revision: revision.to_owned(), why }
}
