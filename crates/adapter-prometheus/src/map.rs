//! From an exposition to the counters of both revisions, or the name of what is wrong with it.

use std::collections::BTreeMap;

use exposition::{Exposition, Kind, Sample};
use ports::{Arm, InstanceSample, InstanceServed, Scrape};
use supervise::RevisionId;

use crate::histogram::histograms;
use crate::names;
use crate::whole::{NotWhole, whole, whole32};

/// Why an exposition is not evidence. Look at the exporter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A family of the contract is not declared.
    #[error("family {0} is missing")]
    MissingFamily(&'static str),
    /// A family has another type than agreed.
    #[error("family {family} is a {found}, not a {expected}")]
    WrongType {
        /// Its name.
        family: &'static str,
        /// As the exposition says.
        found: &'static str,
        /// As the contract says.
        expected: &'static str,
    },
    /// A sample has other labels than agreed.
    #[error("{series} must have exactly the labels {expected}")]
    WrongLabels {
        /// The sample.
        series: String,
        /// Comma separated.
        expected: String,
    },
    /// A sample is not a whole number.
    #[error("{series} is {why}")]
    Value {
        /// The sample.
        series: String,
        /// Why.
        why: NotWhole,
    },
    /// A sample has a timestamp, so it is of another time than the scrape.
    #[error("{0} carries a timestamp of its own")]
    Timestamp(String),
    /// A slot is not a number.
    #[error("{0} has a slot that is not a number from 0")]
    Slot(String),
    /// Two labels that mean the same.
    #[error("{0} stands twice")]
    Duplicate(String),
    /// A series that must stand beside others does not.
    #[error("{family} has no series for {of}")]
    MissingSeries {
        /// The metric without it.
        family: String,
        /// The revision, or revision and slot.
        of: String,
    },
    /// Buckets that are not cumulative, not ascending, or do not end in `+Inf` equal to the count.
    #[error("histogram of {revision}: {why}")]
    Histogram {
        /// Whose.
        revision: String,
        /// Why.
        why: &'static str,
    },
}

type Slot = (String, u32);

/// Maps by the contract of [`names`].
///
/// # Errors
/// The first thing that does not hold.
pub fn map(exposition: &Exposition, age_ms: u64) -> Result<Scrape, MappingError> {
    for (family, kind) in [
        (names::REQUESTS, Kind::Counter),
        (names::SERVER_ERRORS, Kind::Counter),
        (names::FAILURES, Kind::Counter),
        (names::DURATION, Kind::Histogram),
        (names::FAILED_CHECKS, Kind::Gauge),
        (names::RESIDENT_BYTES, Kind::Gauge),
        (names::RESTARTS, Kind::Counter),
    ] {
        declared(exposition, family, kind)?;
    }
    let mut requests = by_revision(exposition, names::REQUESTS)?;
    let mut errors = by_revision(exposition, names::SERVER_ERRORS)?;
    let mut failures = by_revision(exposition, names::FAILURES)?;
    let mut latency = histograms(exposition)?;
    let mut instances = instances(exposition)?;
    let mut revisions: Vec<String> =
        [requests.keys(), errors.keys(), failures.keys()].into_iter().flatten().cloned().collect();
    revisions.extend(latency.keys().cloned());
    revisions.sort_unstable();
    revisions.dedup();
    let mut arms = Vec::new();
    for revision in revisions {
        arms.push(Arm {
            requests: beside(&mut requests, names::REQUESTS, &revision)?,
            server_errors: beside(&mut errors, names::SERVER_ERRORS, &revision)?,
            failures: beside(&mut failures, names::FAILURES, &revision)?,
            latency_us: beside(&mut latency, names::DURATION, &revision)?,
            instances: instances.remove(&revision).unwrap_or_default(),
            revision: RevisionId::new(revision),
        });
    }
    // What has instances and is in none of the request families never had a request: that is zero, not unknown.
    arms.extend(instances.into_iter().map(|(revision, instances)| Arm {
        revision: RevisionId::new(revision),
        requests: 0,
        server_errors: 0,
        failures: 0,
        latency_us: Vec::new(),
        instances,
    }));
    arms.sort_by(|a, b| a.revision.cmp(&b.revision));
    Ok(Scrape { age_ms, arms })
}

fn declared(exposition: &Exposition, family: &'static str, kind: Kind) -> Result<(), MappingError> {
    match exposition.family(family) {
        None => Err(MappingError::MissingFamily(family)),
        Some(found) if found.kind != kind => {
            Err(MappingError::WrongType { family, found: found.kind.as_str(), expected: kind.as_str() })
        }
        Some(_) => Ok(()),
    }
}

pub(crate) fn beside<T>(values: &mut BTreeMap<String, T>, family: &str, of: &str) -> Result<T, MappingError> {
    values
        .remove(of)
        .ok_or_else(|| MappingError::MissingSeries { family: family.to_owned(), of: of.to_owned() })
}

/// Values of exactly the labels asked for, in that order; no timestamp.
pub(crate) fn labelled<'a, const N: usize>(
    sample: &'a Sample,
    names: [&str; N],
) -> Result<[&'a str; N], MappingError> {
    let values = names.map(|name| sample.label(name).unwrap_or_default());
    if sample.labels.len() != N || values.iter().any(|value| value.is_empty()) {
        let expected = names.join(", ");
        return Err(MappingError::WrongLabels { series: series(sample), expected });
    }
    match sample.timestamp_ms {
        Some(_) => Err(MappingError::Timestamp(series(sample))),
        None => Ok(values),
    }
}

pub(crate) fn series(sample: &Sample) -> String {
    let labels: Vec<_> = sample.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", sample.name, labels.join(","))
}

pub(crate) fn named<T>(sample: &Sample, value: Result<T, NotWhole>) -> Result<T, MappingError> {
    value.map_err(|why| MappingError::Value { series: series(sample), why })
}

pub(crate) fn by_revision(
    exposition: &Exposition,
    name: &str,
) -> Result<BTreeMap<String, u64>, MappingError> {
    exposition
        .samples(name)
        .map(|sample| {
            let [revision] = labelled(sample, [names::REVISION])?;
            Ok((revision.to_owned(), named(sample, whole(sample.value))?))
        })
        .collect()
}

fn by_slot<T>(
    exposition: &Exposition,
    name: &str,
    read: impl Fn(f64) -> Result<T, NotWhole>,
) -> Result<BTreeMap<Slot, T>, MappingError> {
    let mut values = BTreeMap::new();
    for sample in exposition.samples(name) {
        let [revision, slot] = labelled(sample, [names::REVISION, names::SLOT])?;
        let number = slot.parse::<u32>().ok().filter(|number| number.to_string() == slot);
        let number = number.ok_or_else(|| MappingError::Slot(series(sample)))?;
        values.insert((revision.to_owned(), number), named(sample, read(sample.value))?);
    }
    Ok(values)
}

fn instances(exposition: &Exposition) -> Result<BTreeMap<String, Vec<InstanceSample>>, MappingError> {
    let checks = by_slot(exposition, names::FAILED_CHECKS, whole32)?;
    let restarts = by_slot(exposition, names::RESTARTS, whole32)?;
    let resident = by_slot(exposition, names::RESIDENT_BYTES, whole)?;
    let requests = by_slot(exposition, names::INSTANCE_REQUESTS, whole)?;
    let errors = by_slot(exposition, names::INSTANCE_ERRORS, whole)?;
    let missing = |family: &str, (revision, slot): &Slot| MappingError::MissingSeries {
        family: family.to_owned(),
        of: format!("{revision}, slot {slot}"),
    };
    if let Some(slot) = restarts.keys().chain(resident.keys()).find(|slot| !checks.contains_key(*slot)) {
        return Err(missing(names::FAILED_CHECKS, slot));
    }
    let mut instances: BTreeMap<String, Vec<InstanceSample>> = BTreeMap::new();
    for (slot, failed_checks) in checks {
        let restarts = *restarts.get(&slot).ok_or_else(|| missing(names::RESTARTS, &slot))?;
        let resident_bytes = resident.get(&slot).copied();
        let served = requests.get(&slot).map(|requests| {
            let errors = errors.get(&slot).ok_or_else(|| missing(names::INSTANCE_ERRORS, &slot))?;
            Ok(InstanceServed { requests: *requests, errors: *errors })
        });
        let served = served.transpose()?;
        let sample = InstanceSample { slot: slot.1, failed_checks, resident_bytes, restarts, served };
        instances.entry(slot.0).or_default().push(sample);
    }
    Ok(instances)
}
