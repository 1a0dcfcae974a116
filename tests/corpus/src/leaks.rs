//! What leak detection finds: memory with the saw-teeth of a collector and restarts, with and without a leak.

use health::leak::Leak;
use machine::Timestamp;

use crate::bench::{in_parallel, seeds};
use crate::random::Random;
use crate::scenario::LENGTH_S;

/// Resident bytes after a collection, before any leak.
const RESIDENT: f64 = 400e6;
/// What a collector lets grow before it collects, at most, as a share of the resident bytes.
const TOOTH: f64 = 0.3;
const SCRAPE_S: u64 = 15;
/// A span of the detector: longer than a tooth.
const SPAN_MS: u64 = 60_000;

/// One instance.
struct Process {
    random: Random,
    /// What leaks in a second.
    leak: f64,
    restarts: bool,
    resident: f64,
    tooth: f64,
    started_ms: i64,
}

impl Process {
    fn new(seed: u64, percent_by_minute: f64, restarts: bool) -> Self {
        let leak = RESIDENT * percent_by_minute / 6_000.0;
        let random = Random::new(seed, (percent_by_minute * 1e4) as u64);
        Self { random, leak, restarts, resident: RESIDENT, tooth: 0.0, started_ms: -1 }
    }

    /// After one more scrape interval at `second`: resident bytes.
    fn scraped(&mut self, second: u64) -> u64 {
        self.resident += self.leak * SCRAPE_S as f64;
        // Garbage grows unevenly; a collection comes about every fifty seconds and leaves a little.
        self.tooth += RESIDENT * TOOTH * SCRAPE_S as f64 / 50.0 * (0.5 + self.random.unit());
        if self.tooth > RESIDENT * TOOTH {
            self.tooth = RESIDENT * 0.02 * self.random.unit();
        }
        if self.restarts && self.random.unit() < SCRAPE_S as f64 / 900.0 {
            (self.resident, self.tooth) = (RESIDENT, 0.0);
            self.started_ms = (second * 1_000).cast_signed();
        }
        (self.resident + self.tooth) as u64
    }
}

/// When a leak was said, in seconds.
fn found_at(seed: u64, percent_by_minute: f64, restarts: bool) -> Option<u64> {
    let mut process = Process::new(seed, percent_by_minute, restarts);
    let mut leak = Leak::new(SPAN_MS);
    (SCRAPE_S..=LENGTH_S).step_by(SCRAPE_S as usize).find(|second| {
        let resident = process.scraped(*second);
        leak.observe(Timestamp::from_millis(second * 1_000), resident, Some(process.started_ms));
        leak.found(None).is_some()
    })
}

/// The table: leaks of the specification, and none.
pub fn table(count: u64, lines: &mut Vec<String>) {
    let cells: Vec<(f64, bool)> =
        [0.0, 0.05, 0.1, 0.2, 0.5, 1.0].into_iter().flat_map(|leak| [(leak, false), (leak, true)]).collect();
    let taken = seeds(count, false);
    let found = in_parallel(&cells, |(leak, restarts)| {
        taken.iter().map(|seed| found_at(*seed, *leak, *restarts)).collect::<Vec<_>>()
    });
    lines.push(format!(
        "\nleaks in {LENGTH_S} s, under saw-teeth of 30 %, {count} seeds (the first two have none):"
    ));
    for ((leak, restarts), found) in cells.iter().zip(found) {
        let mut times: Vec<u64> = found.iter().copied().flatten().collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).map_or("never".to_owned(), |at| format!("{at} s"));
        lines.push(format!(
            "{leak:>5} % a minute{:<26} said in {:>6.2} %, p50 {middle}",
            if *restarts { ", a restart each 15 min" } else { "" },
            100.0 * times.len() as f64 / found.len().max(1) as f64,
        ));
    }
}
