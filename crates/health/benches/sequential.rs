//! What one metric costs a scrape: nanoseconds for counts and for durations at four edges, and bytes of state.
//!
//! `cargo bench -p health`. The bars of the specification: 1 us for counts, 100 us for durations at 1 000 requests a
//! second, 2 KB of state.

use std::hint::black_box;
use std::time::Instant;

use health::Latency;
use health::sequential::{Counts, Dispersion, EdgeTest, Edges, Pair, SplitTest};
use machine::Timestamp;

const SCRAPES: u64 = 20_000;

fn pair(canary: (u64, u64), stable: (u64, u64)) -> Pair {
    let arm = |(requests, bad)| Counts { requests, bad };
    Pair { canary: arm(canary), stable: arm(stable) }
}

fn timed(name: &str, bar: &str, mut one: impl FnMut(u64)) {
    let began = Instant::now();
    (0..SCRAPES).for_each(&mut one);
    let each = began.elapsed().as_nanos() / u128::from(SCRAPES);
    println!("{name:<44} {each:>8} ns a scrape (bar {bar})");
}

fn main() {
    let at = |n: u64| Timestamp::from_millis(15_000 * n);
    for (name, pairs) in [
        ("counts, 100/s", [pair((75, 0), (1_425, 1)), pair((75, 1), (1_425, 2))]),
        ("counts, 1 000/s", [pair((750, 1), (14_250, 14)), pair((750, 0), (14_250, 15))]),
    ] {
        let mut test = SplitTest::new(1.25, 120, Dispersion::Poisson);
        timed(name, "1 000", |n| {
            test.observe(at(n), at(n + 1), black_box(&pairs[n as usize % 2]));
            black_box(test.evidence());
        });
    }
    let histogram =
        [(25_000, 80), (50_000, 500), (71_000, 750), (98_000, 900), (163_000, 990), (u64::MAX, 1_000)];
    let edges = Latency::new(histogram.to_vec()).as_ref().and_then(|stable| Edges::of(stable, 0));
    let Some(edges) = edges else { return };
    for (name, canary) in [("durations, 1 000/s at 5 %", 750), ("durations, 1 000/s at 50 %", 7_500)] {
        let mut test = EdgeTest::new(edges.clone(), 1.25, 120);
        let stable = 15_000 - canary;
        let by_edge = [2, 4, 10, 100].map(|part| pair((canary, canary / part), (stable, stable / part)));
        timed(name, "100 000", |n| {
            test.observe(at(n), black_box(&by_edge));
            black_box(test.evidence());
        });
    }
    let mut test = SplitTest::new(1.25, 120, Dispersion::Poisson);
    (0..200).for_each(|n| test.observe(at(n), at(n + 1), &pair((75, n % 2), (1_425, 1))));
    println!("state of counts: {} bytes (bar 2 048)", size(&test));
}

/// Bytes of the state in memory: the struct, and its two lists.
fn size(_: &SplitTest) -> usize {
    let lanes = health::sequential::split::FACTORS.len() * 16;
    size_of::<SplitTest>() + lanes + 25 * 8
}
