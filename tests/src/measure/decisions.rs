//! What the sequential engine needs to find a fault, beside peers' rules and an oracle that knows the rates.

use crate::door::{Verdict, quick};

/// Plays the benchmark and prints its table.
#[expect(clippy::unnecessary_wraps, reason = "it is a topic, and a topic may fail")]
pub(super) fn measure() -> Result<Verdict, String> {
    let report = delivery_corpus::report::decisions(quick());
    for line in &report.lines {
        println!("{line}");
    }
    let (reached, bars) = (report.reached, report.bars);
    Ok(Verdict::new(format!("{reached} of {bars} bars of the specification (aim all)"), reached == bars))
}
