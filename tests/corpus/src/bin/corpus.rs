//! `corpus`: the corpus from the command line.

use delivery_corpus::{bench, decisions, false_alarms};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("bars") => {
            let n: u64 = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(500);
            println!("{}", decisions::head());
            for (rows, null) in decisions::play(&decisions::bars(), &bench::seeds(n, true), &bench::seeds(n, true)) {
                println!("null: {} of {} back; calibrated {:.3}", null.rolled_back, null.runs, null.calibrated());
                rows.iter().for_each(|row| println!("{}", decisions::line(row)));
            }
        }
        Some("nulls") => {
            let n: u64 = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(500);
            let rows = false_alarms::play(false_alarms::Effort { counts: n, durations: n / 5 }, true);
            let (lines, _) = false_alarms::table(&rows);
            lines.iter().for_each(|line| println!("{line}"));
        }
        _ => {}
    }
}
