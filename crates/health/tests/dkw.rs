//! Laws of the time-uniform band: it narrows, it holds at every moment as often as it promises, and its inversion is the
//! definition.

mod chance;

use health::Latency;
use health::sequential::dkw::{Distribution, Durations, TOLD, radius};
use proptest::prelude::*;

use chance::Chance;

const BUCKETS: usize = 16;
const SAMPLES: usize = 100_000;

/// Whether uniform durations leave the band at any bound after any request.
fn ever_left(seed: u64, widths: &[f64]) -> bool {
    let mut chance = Chance(seed.wrapping_mul(0x0DDB_1A5E_5BAD_5EED));
    let mut counts = [0_u32; BUCKETS];
    widths.iter().enumerate().any(|(n, width)| {
        if let Some(count) = counts.get_mut((chance.unit() * BUCKETS as f64) as usize) {
            *count += 1;
        }
        let (t, mut below, mut share) = ((n + 1) as f64, 0, 0.0);
        let most = width * t;
        counts.iter().any(|count| {
            below += count;
            share += 1.0 / BUCKETS as f64;
            (f64::from(below) - share * t).abs() > most
        })
    })
}

#[test]
fn it_is_left_at_any_of_a_hundred_thousand_requests_as_seldom_as_promised() {
    let runs = 250;
    let left = |width: &dyn Fn(f64) -> f64| {
        let widths: Vec<f64> = (1..=SAMPLES).map(|t| width(t as f64)).collect();
        (0..runs).filter(|seed| ever_left(*seed, &widths)).count()
    };
    let own = left(&|t| radius(t as u64, 0.05));
    assert!(own as f64 <= 0.05 * runs as f64, "left in {own} of {runs}");
    // The band of one look (Massart's constant) does not bear looking at every request: the count above can fail.
    let fixed = left(&|t| (f64::ln(2.0 / 0.05) / (2.0 * t)).sqrt());
    assert!(fixed as f64 > 0.15 * runs as f64, "{fixed} of {runs}");
}

/// A cumulative histogram out of counts by bucket.
fn cumulative(counts: &[u64]) -> Latency {
    let mut sum = 0;
    let last = counts.len() - 1;
    let bounds = counts.iter().enumerate().map(|(at, count)| {
        sum += count;
        (if at == last { u64::MAX } else { 1_000 << at }, sum)
    });
    Latency::new(bounds.collect()).unwrap()
}

proptest! {
    #[test]
    fn it_narrows_with_requests_and_with_what_may_be_missed(t in 1_u64..1_000_000_000, miss in 1e-6_f64..0.5) {
        prop_assert!(radius(t + 1, miss) <= radius(t, miss));
        prop_assert!(radius(2 * t, miss) < radius(t, miss) || radius(t, miss) >= 1.0);
        prop_assert!(radius(t, miss * 1.5) < radius(t, miss) || radius(t, miss * 1.5) >= 1.0);
    }

    #[test]
    fn its_inversion_is_the_definition(counts in prop::collection::vec(0_u64..4_000, 2..9), miss in 0.001_f64..0.2) {
        let counted = cumulative(&counts);
        prop_assume!(counted.total() > 0);
        let found = Distribution::of(counted.clone(), miss);
        let within = radius(counted.total(), miss);
        let total = counted.total() as f64;
        for (percent, between) in TOLD.into_iter().zip(found.quantiles) {
            let p = f64::from(percent) / 100.0;
            // Bound by bound: what the band says of the true share there.
            for (le, count) in counted.buckets().iter().filter(|(le, _)| *le != u64::MAX) {
                let (low, high) = (*count as f64 / total - within, *count as f64 / total + within);
                prop_assert_eq!(high < p, between.above_us.is_some_and(|above| *le <= above));
                prop_assert_eq!(low >= p, between.at_most_us.is_some_and(|at_most| *le >= at_most));
            }
        }
    }

    #[test]
    fn what_is_told_follows_from_both_bands(
        canary in prop::collection::vec(0_u64..9_000, 5),
        stable in prop::collection::vec(0_u64..9_000, 5),
    ) {
        let (canary, stable) = (cumulative(&canary), cumulative(&stable));
        prop_assume!(canary.total() > 0 && stable.total() > 0);
        let found = Durations::of(&canary, &stable, 0.01).unwrap();
        let within = radius(canary.total(), 0.005) + radius(stable.total(), 0.005);
        let share = |arm: &Latency, at: usize| arm.buckets()[at].1 as f64 / arm.total() as f64;
        let largest = (0..4).rev().find(|at| share(&stable, *at) - share(&canary, *at) > within);
        prop_assert_eq!(found.apart.map(|apart| apart.at_us), largest.map(|at| canary.buckets()[at].0));
        // A quantile cannot be above one of stable where the distributions do not differ.
        prop_assert!(found.slower.is_none() || found.apart.is_some());
        let back = serde_json::to_string(&found).unwrap();
        prop_assert_eq!(serde_json::from_str::<Durations>(&back).unwrap(), found);
    }
}
