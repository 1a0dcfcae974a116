//! From what a target and its counters show to the evidence of one release. What is missing is missing, never zero.

use health::{Arm, Instance, Latency, Sample, Served};
use machine::Timestamp;
use ports::Scrape;
use release::Sighting;
use supervise::{Observation, RevisionId, TargetView};

/// The target from the point of view of the release of `new`, seen at `now`.
pub(crate) fn sighting(
    now: Timestamp,
    seen: &Observation,
    scrape: Option<&Scrape>,
    new: &RevisionId,
    run: &str,
) -> Sighting {
    let view = &seen.value;
    let revision = view.revisions.get(new);
    let stable = view.stable.clone();
    let gone = |id: &RevisionId| id != new && Some(id) != stable.as_ref();
    let running_old =
        view.revisions.iter().filter(|(id, _)| gone(id)).map(|(_, r)| r.instances.len() as u32).sum();
    let taken = Timestamp::from_millis(now.as_millis().saturating_sub(seen.age_ms));
    Sighting {
        taken,
        generation: seen.observed_generation.0,
        stable: stable.map(|id| id.to_string()),
        new: new.to_string(),
        percent: view.weights.get(new).map_or(0, |weight| weight.percent()),
        ready: revision.map_or(0, supervise::RevisionView::ready),
        wanted: revision.filter(|r| r.wanted).map_or(0, |r| r.instances_wanted),
        running_new: revision.map_or(0, |r| r.instances.len() as u32),
        running_old,
        latched: view.latched.as_ref().is_some_and(|latched| latched.as_str() == run),
        sample: scrape.and_then(|scrape| sample(now, scrape, view, new)),
    }
}

/// `None` when the counters of a revision that serves are not there or make no sense.
fn sample(now: Timestamp, scrape: &Scrape, view: &TargetView, new: &RevisionId) -> Option<Sample> {
    let serving = |id: &&RevisionId| *id != new && view.weights.get(*id).is_some_and(|w| w.percent() > 0);
    let stable = match view.stable.as_ref().filter(serving) {
        Some(id) => Some(arm(scrape, id).ok()??),
        None => None,
    };
    let new = arm(scrape, new).ok()?.unwrap_or_default();
    let taken = Timestamp::from_millis(now.as_millis().saturating_sub(scrape.age_ms));
    Some(Sample { taken, new, stable })
}

/// Counters that make no sense: a histogram that falls.
struct Senseless;

/// The counters of a revision, `None` when it had no request yet.
fn arm(scrape: &Scrape, id: &RevisionId) -> Result<Option<Arm>, Senseless> {
    let Some(of) = scrape.arms.iter().find(|arm| arm.revision == *id) else { return Ok(None) };
    let instances = of.instances.iter().map(|i| Instance {
        slot: i.slot,
        failed_checks: i.failed_checks,
        resident_bytes: i.resident_bytes,
        restarts: i.restarts,
        served: i.served.map(|s| Served { requests: s.requests, errors: s.errors }),
    });
    let latency = Latency::new(of.latency_us.clone()).ok_or(Senseless)?;
    Ok(Some(Arm {
        requests: of.requests,
        server_errors: of.server_errors,
        failures: of.failures,
        latency,
        instances: instances.collect(),
    }))
}
