//! From what a target and its counters show to the evidence of one release. What is missing is missing, never zero.

use health::{Arm, Instance, Latency, Sample, Served};
use machine::Timestamp;
use ports::Scrape;
use release::Sighting;
use supervise::{Observation, RevisionId, RevisionView, TargetView};

/// Characters of a reason that stand in the journal.
const FAILING_MAX: usize = 300;

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
        failing: revision.and_then(failing),
    }
}

/// The first reason of the first instance that has one; liveness before readiness.
fn failing(revision: &RevisionView) -> Option<String> {
    let mut reasons =
        revision.instances.iter().filter_map(|i| i.failing.iter().next_back().map(|why| (i.slot, why)));
    let (slot, (kind, why)) = reasons.next()?;
    let text = format!("{} of instance {slot} fails: {why}", kind.word());
    Some(text.chars().take(FAILING_MAX).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use supervise::{InstanceState, InstanceView, ProbeKind};

    #[test]
    fn the_reason_is_that_of_the_first_instance_that_fails_and_liveness_comes_first() {
        let instance = |slot, reasons: &[(ProbeKind, &str)]| InstanceView {
            slot,
            pid: Some(1),
            port: Some(1),
            state: InstanceState::Unready,
            failed_checks: 1,
            crashes: 0,
            restarts: 0,
            failing: reasons.iter().map(|(kind, why)| (*kind, (*why).to_owned())).collect(),
        };
        let of = |instances| {
            failing(&RevisionView {
                version: "1".into(),
                artifact: String::new(),
                wanted: true,
                instances_wanted: 2,
                memory_limit_bytes: None,
                kept: String::new(),
                instances,
            })
        };
        assert_eq!(of(vec![instance(0, &[])]), None);
        let both = [(ProbeKind::Ready, "exit: a"), (ProbeKind::Live, "deadline: b")];
        let found = of(vec![instance(0, &[]), instance(1, &both), instance(2, &[(ProbeKind::Live, "c")])]);
        assert_eq!(found.as_deref(), Some("live of instance 1 fails: deadline: b"));
        let long = "x".repeat(10_000);
        let found = of(vec![instance(0, &[(ProbeKind::Ready, &long)])]).unwrap();
        assert_eq!(found.len(), FAILING_MAX);
    }

    #[test]
    fn a_sighting_without_a_reason_is_written_as_it_always_was() {
        let old = r#"{"taken":7,"generation":0,"stable":"old","new":"new","percent":0,"ready":0,"wanted":0,"running_new":0,"running_old":0,"latched":false,"sample":null}"#;
        let read: Sighting = serde_json::from_str(old).unwrap();
        assert_eq!((read.failing.as_deref(), read.new.as_str()), (None, "new"));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }
}
