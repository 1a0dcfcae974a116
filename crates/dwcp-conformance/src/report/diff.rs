//! What changed between two reports, and whether it is for the worse.

use super::{Figure, Report};
use crate::bench::Better;
use crate::driver::Verdict;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which requirement.
    pub id: String,
    /// What changed.
    pub text: String,
    /// Whether it is for the worse.
    pub worse: bool,
}

/// All changes from `old` to `new`. A verdict is worse when it was a pass and is none; a figure when it moved in its bad
/// direction by more than `tolerance` (0.25 is a quarter) of the old one and the two spreads do not meet.
pub fn changes(old: &Report, new: &Report, tolerance: f64) -> Vec<Change> {
    let mut changes = Vec::new();
    for before in &old.verdicts.cases {
        let after = new.verdicts.cases.iter().find(|case| case.id == before.id);
        let (word, passes) =
            after.map_or(("not run", false), |case| (case.verdict.word(), case.verdict == Verdict::Pass));
        if word != before.verdict.word() {
            let text = format!("{} -> {word}", before.verdict.word());
            changes.push(Change {
                id: before.id.clone(),
                text,
                worse: before.verdict == Verdict::Pass && !passes,
            });
        }
    }
    for after in &new.verdicts.cases {
        if !old.verdicts.cases.iter().any(|case| case.id == after.id) {
            let text = format!("new: {}", after.verdict.word());
            changes.push(Change { id: after.id.clone(), text, worse: false });
        }
    }
    for before in &old.measured.cases {
        let Some(after) = new.measured_of(&before.id) else { continue };
        for figure in &before.figures {
            let now = after.figures.iter().find(|other| other.name == figure.name);
            changes.extend(now.and_then(|now| moved(&before.id, figure, now, tolerance)));
        }
    }
    changes
}

fn moved(id: &str, old: &Figure, new: &Figure, tolerance: f64) -> Option<Change> {
    let share = (new.median - old.median) / old.median.abs().max(1e-9);
    if share.abs() <= tolerance {
        return None;
    }
    let apart = new.least > old.most || new.most < old.least;
    let worse = apart
        && match old.better {
            Better::Lower => share > 0.0,
            Better::Higher => share < 0.0,
            Better::Neither => false,
        };
    let text = format!("{}: {:.4} -> {:.4} {}", old.name, old.median, new.median, old.unit);
    Some(Change { id: id.to_owned(), text, worse })
}
