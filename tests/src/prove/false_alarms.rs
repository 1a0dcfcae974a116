//! How often a healthy release is falsely sent back, for every null of the corpus, with the upper limit.

use delivery_corpus::false_alarms::{Effort, play, table};

use crate::door::{Verdict, quick};

/// Plays every null with all metrics of the engine together.
pub fn prove() -> Result<Verdict, String> {
    let effort = if quick() { Effort::QUICK } else { Effort::WHOLE };
    println!("{} seeds a null on counts, {} on durations; alpha 1 %", effort.counts, effort.durations);
    let rows = play(effort, false);
    let (lines, within) = table(&rows);
    for line in &lines {
        println!("{line}");
    }
    let worst = rows.iter().map(|row| row.upper).fold(0.0, f64::max);
    let text = format!(
        "worst upper limit {:.2} % over {} nulls, jointly at 95 % (aim <= 1 %)",
        100.0 * worst,
        rows.len()
    );
    Ok(Verdict::new(text, within))
}
