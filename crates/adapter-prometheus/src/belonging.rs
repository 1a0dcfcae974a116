//! Which revision a sample belongs to: proven, or not used.
//!
//! | label of a revision | target of a revision | started | after the traffic began | answer |
//! |---|---|---|---|---|
//! | of one | of the same, or unknown | within its life, or unknown | yes | belongs |
//! | none | of one | within its life | yes | belongs |
//! | none | of one | unknown | | unproven: an address is used again |
//! | of one | of another | | | contradiction |
//! | of one or none | of one | before it was started | | another process at its address |
//! | any | | | no | too early |
//! | none | of none | | | unproven |
//! | none | of several | | | ambiguous |

use promql::Labels;
use supervise::RevisionId;

/// What is known of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub revision: RevisionId,
    /// Addresses of its instances, as the label `instance` says them.
    pub instances: Vec<String>,
    /// When its first process was started, in milliseconds since 1970.
    pub started_ms: i64,
    /// When the last of its processes had ended, `None` while they run.
    pub ended_ms: Option<i64>,
    /// When it first received traffic, `None` when it never did.
    pub traffic_ms: Option<i64>,
}

/// A sample, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'s> {
    /// Its labels.
    pub labels: &'s Labels,
    /// When it was taken, in milliseconds since 1970.
    pub at_ms: i64,
    /// `process_start_time_seconds` of the same target in the same scrape, in milliseconds.
    pub process_started_ms: Option<i64>,
}

/// Whose a sample is. Only `Belongs` is evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// Proven.
    Belongs {
        /// Whose.
        revision: RevisionId,
        /// What proves it.
        by: Proof,
    },
    /// Label and target name two revisions, or the label one that is not known.
    Contradiction(String),
    /// The process at the target did not start within the life of the revision.
    OtherProcess(RevisionId),
    /// Taken before the revision received traffic.
    TooEarly(RevisionId),
    /// Nothing proves it.
    Unproven,
    /// The target belongs to several revisions.
    Ambiguous(Vec<RevisionId>),
}

/// What proves whose a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The label of the revision, and nothing speaks against it.
    Label,
    /// The target, and its process started within the life of the revision.
    TargetAndStart,
}

/// How far a clock of a target may be off, in milliseconds.
pub const CLOCK_SLACK_MS: i64 = 2_000;

/// Decides whose a sample is, by the table above. `label` is the name of the label that carries a revision.
pub fn belonging(seen: Seen<'_>, label: &str, known: &[Known]) -> Belonging {
    let named = seen.labels.value(label);
    let instance = seen.labels.value("instance");
    let at: Vec<&Known> =
        known.iter().filter(|it| it.instances.iter().any(|address| address == instance)).collect();
    let of_label = known.iter().find(|it| it.revision.as_str() == named);
    let (owner, by) = match (named.is_empty(), of_label, at.as_slice()) {
        (false, None, _) => {
            return Belonging::Contradiction(format!("{label}={named:?} is no known revision"));
        }
        (false, Some(owner), []) => (owner, Proof::Label),
        (false, Some(owner), at) if at.iter().any(|it| it.revision == owner.revision) => {
            (owner, Proof::Label)
        }
        (false, Some(_), [other, ..]) => {
            let other = &other.revision;
            return Belonging::Contradiction(format!("{label}={named:?} at {instance}, which runs {other}"));
        }
        (true, _, []) => return Belonging::Unproven,
        (true, _, [owner]) => (*owner, Proof::TargetAndStart),
        (true, _, several) => match living(several, seen.process_started_ms).as_slice() {
            [owner] => (*owner, Proof::TargetAndStart),
            _ => return Belonging::Ambiguous(several.iter().map(|it| it.revision.clone()).collect()),
        },
    };
    match seen.process_started_ms {
        Some(started) if !lives(owner, started) => return Belonging::OtherProcess(owner.revision.clone()),
        None if by == Proof::TargetAndStart => return Belonging::Unproven,
        _ => {}
    }
    if owner.traffic_ms.is_none_or(|traffic| seen.at_ms < traffic) {
        return Belonging::TooEarly(owner.revision.clone());
    }
    Belonging::Belongs { revision: owner.revision.clone(), by }
}

fn living<'k>(several: &[&'k Known], started: Option<i64>) -> Vec<&'k Known> {
    several.iter().copied().filter(|it| started.is_some_and(|started| lives(it, started))).collect()
}

fn lives(known: &Known, started: i64) -> bool {
    started >= known.started_ms - CLOCK_SLACK_MS
        && known.ended_ms.is_none_or(|ended| started <= ended + CLOCK_SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(revision: &str, instances: &[&str], started_ms: i64, ended_ms: Option<i64>) -> Known {
        Known {
            revision: RevisionId::new(revision),
            instances: instances.iter().map(|address| (*address).to_owned()).collect(),
            started_ms,
            ended_ms,
            traffic_ms: Some(started_ms + 10_000),
        }
    }

    /// Label, instance, when the process started, when it was sampled.
    fn ask(label: &str, instance: &str, started: Option<i64>, at_ms: i64) -> Belonging {
        let all = [
            known("r-a", &["h:1", "h:3"], 100_000, Some(500_000)),
            known("r-b", &["h:2", "h:3"], 600_000, None),
            Known { traffic_ms: None, ..known("r-c", &["h:4"], 600_000, None) },
        ];
        let labels = Labels::new([("revision", label), ("instance", instance)]);
        belonging(Seen { labels: &labels, at_ms, process_started_ms: started }, "revision", &all)
    }

    fn belongs(revision: &str, by: Proof) -> Belonging {
        Belonging::Belongs { revision: RevisionId::new(revision), by }
    }

    #[test]
    fn i26_a_sample_is_evidence_only_when_it_is_proven_whose_it_is() {
        let (b, late) = (RevisionId::new("r-b"), 700_000);
        assert_eq!(ask("r-b", "", None, late), belongs("r-b", Proof::Label));
        assert_eq!(ask("r-b", "h:2", Some(600_500), late), belongs("r-b", Proof::Label));
        assert_eq!(ask("", "h:2", Some(600_500), late), belongs("r-b", Proof::TargetAndStart));
        assert_eq!(ask("", "h:2", Some(598_500), late), belongs("r-b", Proof::TargetAndStart), "clock slack");
        assert_eq!(ask("", "h:3", Some(600_500), late), belongs("r-b", Proof::TargetAndStart), "used again");
        assert_eq!(ask("", "h:2", None, late), Belonging::Unproven, "an address is used again");
        assert!(matches!(ask("r-b", "h:1", None, late), Belonging::Contradiction(_)));
        assert!(matches!(ask("r-z", "h:1", None, late), Belonging::Contradiction(_)));
        assert_eq!(ask("", "h:2", Some(100_000), late), Belonging::OtherProcess(b.clone()));
        assert_eq!(ask("r-b", "h:2", Some(100_000), late), Belonging::OtherProcess(b.clone()));
        assert_eq!(ask("r-b", "", None, 609_999), Belonging::TooEarly(b));
        assert_eq!(ask("r-c", "", None, late), Belonging::TooEarly(RevisionId::new("r-c")));
        assert_eq!(ask("", "h:9", Some(600_500), late), Belonging::Unproven);
        let both = vec![RevisionId::new("r-a"), RevisionId::new("r-b")];
        assert_eq!(ask("", "h:3", None, late), Belonging::Ambiguous(both));
    }
}
