//! `list`, `explain`, `diff`: what needs no implementation.

use std::path::Path;

use dwcp_conformance::cases;
use dwcp_conformance::report::Report;
use dwcp_conformance::report::diff::{self, Change};

use crate::say::say;
use crate::{Usage, asked};

/// Largest report that is read, in bytes.
const MAX_REPORT: u64 = 256 << 20;

/// One line for each requirement.
pub(crate) fn list(names: &[String]) -> Result<bool, Usage> {
    let wanted = asked::profiles(names)?;
    for case in cases::all() {
        let r = case.requirement;
        if names.is_empty() || wanted.contains(&r.profile) {
            say!("{:<9} {:<6} {:<15} {}", r.id, r.level.word(), r.profile.name(), r.sentence);
        }
    }
    Ok(true)
}

/// All that is known of a requirement.
pub(crate) fn explain(id: &str) -> Result<bool, Usage> {
    let r = asked::case(id)?.requirement;
    say!(
        "{} {}{}",
        r.id,
        r.level.word(),
        if r.when.is_empty() { String::new() } else { format!(" ({})", r.when) }
    );
    say!("profile:  {}", r.profile.name());
    say!("sentence: {}", r.sentence);
    say!("source:   {}", r.source);
    match r.error_probability {
        p if p > 0.0 => {
            say!("chance:   a conforming implementation fails with a probability of at most {p:e}");
        }
        _ => say!("chance:   none; what is checked follows from the seed"),
    }
    match r.attempts {
        1 => say!("attempts: 1"),
        n => say!("attempts: {n}, because a real clock is read; the best counts"),
    }
    say!("alone:    dwcp-conformance replay {} -- ADAPTER", r.id);
    Ok(true)
}

/// Reads a report.
pub(crate) fn read(file: &Path) -> Result<Report, Usage> {
    let named = |why: String| format!("{}: {why}", file.display());
    let size = std::fs::metadata(file).map_err(|error| named(error.to_string()))?.len();
    if size > MAX_REPORT {
        return Err(named(format!("{size} bytes, more than a report may have ({MAX_REPORT})")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    Report::from_json(&text).map_err(named)
}

/// What changed between two reports; gives whether nothing became worse.
pub(crate) fn diff(old: &Path, new: &Path, tolerance: f64) -> Result<bool, Usage> {
    Ok(!changes(&diff::changes(&read(old)?, &read(new)?, tolerance)))
}

/// Prints changes; gives whether one is for the worse.
pub(crate) fn changes(changes: &[Change]) -> bool {
    for change in changes {
        say!("{:<9} {} {}", change.id, if change.worse { "worse " } else { "change" }, change.text);
    }
    let worse = changes.iter().filter(|change| change.worse).count();
    say!("{} changes, {worse} for the worse", changes.len());
    worse > 0
}
