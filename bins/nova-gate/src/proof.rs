//! Whose a row is (invariant I26): proven, or refused by name.

use std::collections::BTreeSet;

use adapter_prometheus::belonging::{Belonging, CLOCK_SLACK_MS, Known, Seen, belonging};
use gate::{Arm, Names, Refusal, Row, Why};
use supervise::RevisionId;

/// What is known of both revisions.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    known: Vec<Known>,
    arms: (Arm, Option<Arm>),
    names: Names,
    /// Older rows are no evidence.
    fresh_ms: i64,
}

/// How far ahead of our clock a row may be.
const AHEAD_MS: i64 = 5_000;

impl Proof {
    /// `instances` of the canary and of stable, as the label `instance` says them.
    pub(crate) fn new(gate: &gate::Gate, instances: (Vec<String>, Vec<String>)) -> Self {
        let known = |arm: &Arm, instances: Vec<String>| {
            arm.revision.as_ref().map(|revision| Known {
                revision: RevisionId::new(revision.clone()),
                instances,
                started_ms: arm.started_ms.unwrap_or(i64::MIN / 2),
                ended_ms: None,
                traffic_ms: Some(arm.traffic_ms.unwrap_or(i64::MIN)),
            })
        };
        let stable = gate.stable.clone();
        let both =
            [known(&gate.canary, instances.0), stable.as_ref().and_then(|arm| known(arm, instances.1))];
        Self {
            known: both.into_iter().flatten().collect(),
            arms: (gate.canary.clone(), stable),
            names: gate.names.clone(),
            fresh_ms: i64::try_from(gate.fresh_ms).unwrap_or(i64::MAX),
        }
    }

    fn arm(&self, canary: bool) -> Arm {
        if canary { self.arms.0.clone() } else { self.arms.1.clone().unwrap_or_default() }
    }

    /// The rows of one instance that are evidence for its arm, and why others are not. `now_ms` is our wall clock.
    pub(crate) fn own(
        &self,
        canary: bool,
        source: &str,
        rows: &[Row],
        now_ms: i64,
    ) -> (Vec<Row>, Vec<Refusal>) {
        let arm = self.arm(canary);
        let series = self.names.series();
        let of_interest = |(labels, ..): &&Row| series.iter().any(|name| name == labels.value("__name__"));
        let started = self.started(rows);
        let mut refused: Vec<Refusal> = Vec::new();
        let mut refuse = |why: Why, text: String| {
            // One of a kind is enough: there may be a thousand series.
            if !refused.iter().any(|it| it.why == why) {
                refused.push(Refusal::new(source, why, text).of(canary));
            }
        };
        let chosen: Vec<&Row> =
            rows.iter().filter(of_interest).filter(|(labels, ..)| self.is_chosen(&arm, labels)).collect();
        let revisions: BTreeSet<&str> = chosen
            .iter()
            .map(|(labels, ..)| labels.value(&self.names.revision))
            .filter(|value| !value.is_empty())
            .collect();
        if arm.revision.is_none() && revisions.len() > 1 {
            let several = revisions.into_iter().collect::<Vec<_>>().join(", ");
            let label = &self.names.revision;
            refuse(
                Why::Ambiguous,
                format!(
                    "it has series of several revisions ({label}: {several}); choose with where: '{label}=\"...\"'"
                ),
            );
            return (Vec::new(), refused);
        }
        let mut own = Vec::new();
        for row in chosen {
            match self.judged(&arm, row, started, now_ms) {
                Ok(true) => own.push(row.clone()),
                Ok(false) => {}
                Err((why, text)) => refuse(why, text),
            }
        }
        // Counts of which a part is no evidence are no counts.
        let whole = refused.is_empty();
        (if whole { own } else { Vec::new() }, refused)
    }

    /// Whether the selector of an arm takes it. What all series of a process share has no such label.
    fn is_chosen(&self, arm: &Arm, labels: &promql::Labels) -> bool {
        let name = labels.value("__name__");
        let of_process = name == self.names.started || name == self.names.memory;
        of_process || arm.choose.iter().all(|matcher| matcher.fits(labels.value(&matcher.label)))
    }

    fn started(&self, rows: &[Row]) -> Option<i64> {
        let row = rows.iter().find(|(labels, ..)| labels.value("__name__") == self.names.started)?;
        Some(row.2 * 1_000.0).filter(|ms| ms.is_finite() && ms.abs() < 9e15).map(|ms| ms.round() as i64)
    }

    /// Whether it is evidence for the arm; `Ok(false)` when it is the other one's.
    fn judged(&self, arm: &Arm, row: &Row, started: Option<i64>, now_ms: i64) -> Result<bool, (Why, String)> {
        let (labels, at_ms, _) = row;
        let ahead = at_ms.saturating_sub(now_ms);
        if ahead > AHEAD_MS {
            return Err((Why::FromTheFuture, format!("{labels} is {ahead} ms ahead of our clock")));
        }
        if -ahead > self.fresh_ms {
            return Err((
                Why::TooOld,
                format!(
                    "{labels} is {} s old; at most {} s are taken",
                    -ahead / 1_000,
                    self.fresh_ms / 1_000
                ),
            ));
        }
        if self.known.is_empty() {
            return undeclared(arm, labels, *at_ms, started);
        }
        let seen = Seen { labels, at_ms: *at_ms, process_started_ms: started };
        match belonging(seen, &self.names.revision, &self.known) {
            Belonging::Belongs { revision, .. } => Ok(arm.revision.as_deref() == Some(revision.as_str())),
            Belonging::Contradiction(why) => Err((Why::Contradiction, format!("{labels}: {why}"))),
            Belonging::OtherProcess(of) => {
                Err((Why::OtherProcess, format!("{labels}: the process there did not start as one of {of}")))
            }
            Belonging::TooEarly(of) => {
                Err((Why::TooEarly, format!("{labels} is from before {of} had traffic")))
            }
            Belonging::Unproven => Err((
                Why::Unproven,
                format!(
                    "{labels}: neither a label {} nor an address with a start time proves whose it is",
                    self.names.revision
                ),
            )),
            Belonging::Ambiguous(several) => {
                let several = several.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ");
                Err((Why::Ambiguous, format!("{labels}: its address is one of {several}")))
            }
        }
    }
}

/// Without declared revisions the user's word counts: this address, this selector, these times.
fn undeclared(
    arm: &Arm,
    labels: &promql::Labels,
    at_ms: i64,
    started: Option<i64>,
) -> Result<bool, (Why, String)> {
    if arm.traffic_ms.is_some_and(|traffic| at_ms < traffic) {
        return Err((Why::TooEarly, format!("{labels} is from before the revision had traffic")));
    }
    match (arm.started_ms, started) {
        (Some(began), Some(started)) if started < began - CLOCK_SLACK_MS => {
            Err((Why::OtherProcess, format!("{labels}: the process there started before the revision")))
        }
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::Gate;
    use promql::Labels;

    fn rows(pairs: &[(&str, &str)], at: i64) -> Vec<Row> {
        let labels =
            Labels::new([("__name__", "http_requests_total"), ("code", "200")].iter().chain(pairs).copied());
        vec![(labels, at, 5.0)]
    }

    fn asked(change: impl Fn(&mut Gate), rows: &[Row]) -> Result<usize, Why> {
        let mut gate = Gate::new("api");
        gate.stable = Some(Arm::default());
        change(&mut gate);
        let proof = Proof::new(&gate, (vec!["h:1".into()], vec!["h:2".into()]));
        let (own, refused) = proof.own(true, "h:1", rows, 1_000_000);
        refused.first().map_or(Ok(own.len()), |it| Err(it.why))
    }

    #[test]
    fn i26_a_row_is_evidence_only_when_it_is_proven_whose_it_is() {
        let declared = |gate: &mut Gate| {
            gate.canary.revision = Some("v2".into());
            gate.stable = Some(Arm { revision: Some("v1".into()), ..Arm::default() });
        };
        assert_eq!(asked(declared, &rows(&[("revision", "v2")], 990_000)), Ok(1));
        assert_eq!(asked(declared, &rows(&[("revision", "v1")], 990_000)), Ok(0), "the other one's");
        assert_eq!(asked(declared, &rows(&[("revision", "v3")], 990_000)), Err(Why::Contradiction));
        assert_eq!(
            asked(declared, &rows(&[("revision", "v2"), ("instance", "h:2")], 990_000)),
            Err(Why::Contradiction)
        );
        assert_eq!(asked(declared, &rows(&[("instance", "h:1")], 990_000)), Err(Why::Unproven));
        let early = |gate: &mut Gate| gate.canary.traffic_ms = Some(995_000);
        assert_eq!(asked(early, &rows(&[], 990_000)), Err(Why::TooEarly));
        let plain = |_: &mut Gate| {};
        assert_eq!(asked(plain, &rows(&[], 1_006_000)), Err(Why::FromTheFuture));
        assert_eq!(asked(plain, &rows(&[], 900_000)), Err(Why::TooOld));
        let mixed = [rows(&[("revision", "v1")], 990_000), rows(&[("revision", "v2")], 990_000)].concat();
        assert_eq!(asked(plain, &mixed), Err(Why::Ambiguous));
        let chosen =
            |gate: &mut Gate| gate.canary.choose = gate::file::selector("revision=\"v2\"").expect("legal").0;
        assert_eq!(asked(chosen, &mixed), Ok(1));
        let mut process = rows(&[], 990_000);
        process.push((Labels::new([("__name__", "process_start_time_seconds")]), 990_000, 100.0));
        let started = |gate: &mut Gate| gate.canary.started_ms = Some(500_000);
        assert_eq!(asked(started, &process), Err(Why::OtherProcess));
    }
}
