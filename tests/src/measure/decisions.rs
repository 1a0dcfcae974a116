//! What the sequential engine needs to find a fault, beside peers' rules and an oracle that knows the rates.

use crate::door::{Verdict, quick};

/// Plays the benchmark and prints its table.
pub(super) fn measure() -> Result<Verdict, String> {
    let report = delivery_corpus::report::decisions(quick());
    report.lines.iter().for_each(|line| println!("{line}"));
    let (reached, bars) = (report.reached, report.bars);
    Ok(Verdict::new(format!("{reached} of {bars} bars of the specification (aim all)"), reached == bars))
}
