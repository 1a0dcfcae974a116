//! The sequential engine used from outside: two arms are scraped, the canary turns bad, the verdict says why.
//!
//! `cargo run -p health --example sequential` prints the explanation; with a file name it also writes the picture.

use health::Finite;
use health::sequential::{
    Counters, Counts, Engine, Explanation, Finding, Plan, Reading, Recorded, Seen, svg,
};
use machine::Timestamp;

/// Cumulative counters of one arm with one instance.
fn arm(requests: u64, bad: u64) -> Vec<Seen> {
    vec![Seen { instance: 0, counters: Some(Counters { requests, bad, ..Counters::default() }) }]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut plan = Plan::new(120);
    let recorded = Counts { requests: 2_000_000, bad: 2_000 };
    plan.recorded = Finite::new(1.5).map(|drift| Recorded { counts: recorded, drift });
    let mut engine = Engine::new(plan);
    engine.weighed(5);
    let (mut canary, mut stable) = ((0, 0), (0, 0));
    for scrape in 0..60_u64 {
        let now = Timestamp::from_millis(15_000 * scrape);
        engine.observe(&Reading {
            taken: now,
            canary: arm(canary.0, canary.1),
            stable: arm(stable.0, stable.1),
        })?;
        if let Finding::Regressed(blame) = engine.finding(now) {
            println!("back at {now}: {blame:?}");
            break;
        }
        // 100 requests a second at 0.1 % errors, a twentieth at the canary; from the fifth minute on it fails at 2 %.
        canary = (canary.0 + 75, canary.1 + if scrape < 20 { u64::from(scrape % 13 == 0) } else { 2 });
        stable = (stable.0 + 1_425, stable.1 + 1 + scrape % 2);
    }
    let explanation = Explanation::of(&engine, Timestamp::from_millis(900_000));
    explanation.lines().iter().for_each(|line| println!("{line}"));
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(file, svg(&explanation))?;
    }
    Ok(())
}
