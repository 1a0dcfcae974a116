//! Laws of the planned test: alpha over all of its looks, also with few failures, and nothing outside of them.

mod chance;

use health::Finite;
use health::planned::{Analysis, GroupTest, Heard, PlannedLooks, Spending, boundaries, smallest_planned};
use health::sequential::{Counts, Pair};
use proptest::prelude::*;

use chance::Chance;

impl Chance {
    /// A normal number by the polar method.
    fn normal(&mut self) -> f64 {
        loop {
            let (a, b) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = a * a + b * b;
            if s > 0.0 && s < 1.0 {
                return a * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }

    /// Failures of so many requests, by the waiting time between two.
    fn hits(&mut self, tries: u64, rate: f64) -> u64 {
        let (mut at, mut hits) = (0.0, 0);
        loop {
            at += (self.unit().max(1e-300).ln() / (1.0 - rate).ln()).floor() + 1.0;
            if at > tries as f64 {
                return hits;
            }
            hits += 1;
        }
    }
}

fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

#[test]
fn a_random_walk_crosses_its_boundaries_as_often_as_alpha_says() {
    let runs = 60_000;
    for (spending, parts) in [
        (Spending::ObrienFleming, vec![0.2, 0.4, 0.6, 0.8, 1.0]),
        (Spending::Pocock, vec![0.1, 0.35, 0.4, 0.93, 1.04]),
    ] {
        let bounds = boundaries(0.025, spending, &parts);
        let mut chance = Chance(11);
        let crossed = (0..runs).filter(|_| {
            let (mut score, mut last) = (0.0, 0.0);
            parts.iter().zip(&bounds).any(|(part, bound)| {
                score += chance.normal() * f64::sqrt(part - last);
                last = *part;
                score / part.sqrt() >= *bound
            })
        });
        let share = crossed.count() as f64 / f64::from(runs);
        // Three standard deviations of the simulation.
        assert!((share - 0.025).abs() < 0.0019, "{spending:?}: {share}");
    }
}

/// Five looks at 800 to 4 000 requests of the canary: share of canaries called worse, and the mean number of looks.
fn played(rates: (f64, f64), share: u64, spending: Spending, runs: u64) -> (f64, f64) {
    let bounds = boundaries(0.01, spending, &[0.2, 0.4, 0.6, 0.8, 1.0]);
    let (mut worse, mut looks) = (0, 0);
    for seed in 0..runs {
        let mut chance = Chance(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut pair = Pair::default();
        for bound in &bounds {
            let mut arm = |requests, rate| Counts { requests, bad: chance.hits(requests, rate) };
            let (canary, stable) = (arm(800, rates.0), arm(800 * share, rates.1));
            pair = pair.plus(&Pair { canary, stable });
            looks += 1;
            if Analysis::of(&pair, *bound).worse {
                worse += 1;
                break;
            }
        }
    }
    (f64::from(worse) / runs as f64, f64::from(looks) / runs as f64)
}

#[test]
fn a_canary_as_good_as_stable_is_called_worse_in_at_most_alpha_of_the_cases() {
    // Half of the traffic and a twentieth, many failures and few.
    for (share, rate, runs) in
        [(1, 0.05, 4_000), (1, 0.001, 10_000), (19, 0.01, 2_000), (19, 0.000_5, 10_000)]
    {
        for spending in Spending::ALL {
            let (worse, _) = played((rate, rate), share, spending, runs);
            assert!(worse <= 0.0125, "{spending:?} {share} {rate}: {worse}");
        }
    }
}

#[test]
fn what_it_could_have_seen_is_found_and_pocock_finds_what_is_large_sooner() {
    let plan = PlannedLooks::new(4_000, 5, Spending::ObrienFleming).unwrap();
    let mut test = GroupTest::new(plan, finite(0.01));
    let arm = |requests: u64| Counts { requests, bad: requests / 50 };
    for n in 1..=5 {
        let heard = test.observe(&Pair { canary: arm(800 * n), stable: arm(800 * n) });
        assert!(matches!(heard, Heard::Taken(look) if !look.worse), "{n}: {heard:?}");
    }
    let times = smallest_planned(0.02, test.taken().last().unwrap(), 0.05).unwrap();
    assert!(times > 1.3 && times < 1.8, "{times}");
    let (found, looks) = played((0.02 * times, 0.02), 1, Spending::ObrienFleming, 600);
    assert!((0.92..0.99).contains(&found), "{found} of those {times} times as bad");
    let (_, large) = played((0.06, 0.02), 1, Spending::ObrienFleming, 300);
    let (_, sooner) = played((0.06, 0.02), 1, Spending::Pocock, 300);
    assert!(sooner < large && large < looks, "{sooner}, {large}, {looks} looks");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn looks_are_at_the_planned_numbers_and_equal_after_a_restore(
        steps in prop::collection::vec(1_u64..900, 1..40), looks in 1_u32..=12,
    ) {
        let plan = PlannedLooks::new(2_000, looks, Spending::Pocock).unwrap();
        let mut test = GroupTest::new(plan, finite(0.05));
        let mut n = 0;
        for step in steps {
            n += step;
            let arm = Counts { requests: n, bad: n / 100 };
            let (next, finished) = (test.next_at(), test.finished());
            let heard = test.observe(&Pair { canary: arm, stable: arm });
            match heard {
                Heard::Past => prop_assert!(finished),
                Heard::Taken(_) => prop_assert!(n >= next && !finished),
                Heard::Between => prop_assert!(!finished && n < 2_000),
            }
            prop_assert!(n < 2_000 || test.finished());
            let text = serde_json::to_string(&test).unwrap();
            prop_assert!(serde_json::from_str::<GroupTest>(&text).unwrap() == test);
        }
        prop_assert!(test.taken().len() <= looks as usize);
    }

    #[test]
    fn spending_rises_to_alpha(alpha in 0.001_f64..0.3, a in 0.01_f64..1.0, b in 0.01_f64..1.0) {
        for spending in Spending::ALL {
            let (low, high) = (spending.spent(alpha, a.min(b)), spending.spent(alpha, a.max(b)));
            prop_assert!(low <= high && high <= alpha * (1.0 + 1e-9));
            prop_assert!((spending.spent(alpha, 1.0) - alpha).abs() < 1e-9);
            prop_assert!((spending.spent(alpha, 1.3) - alpha).abs() < 1e-9 && spending.spent(alpha, 0.0).abs() < 1e-15);
        }
    }
}

#[test]
fn a_plan_that_is_none_is_refused() {
    for (requests, looks) in [(99, 5), (0, 1), (1_000, 0), (1_000, 21)] {
        assert_eq!(PlannedLooks::new(requests, looks, Spending::Pocock), None);
    }
}

#[test]
fn the_statistic_is_pooled_and_few_failures_need_their_exact_probability() {
    let of = |canary: (u64, u64), stable: (u64, u64), boundary| {
        let arm = |(requests, bad)| Counts { requests, bad };
        Analysis::of(&Pair { canary: arm(canary), stable: arm(stable) }, boundary)
    };
    // By hand: 0.01 / sqrt(0.025 * 0.975 * 2 / 1000), and the binomial tail from 30 of 50.
    let look = of((1_000, 30), (1_000, 20), 1.2);
    assert!((look.z.value() - 1.432_23).abs() < 1e-4, "{look:?}");
    assert!((look.exact.value() - 0.101_32).abs() < 1e-4 && look.worse, "{look:?}");
    let look = of((1_000, 30), (4_000, 20), 1.2);
    assert!((look.z.value() - 7.106_69).abs() < 1e-4, "{look:?}");
    // Three failures of a twentieth of the traffic are 7.7 deviations, and happen once in 9 261 times.
    let few = of((200, 3), (4_000, 0), 4.877);
    assert!(few.z.value() > 7.0 && (few.exact.value() * 9_261.0 - 1.0).abs() < 1e-6 && !few.worse, "{few:?}");
    for none in [of((0, 0), (10, 1), 1.0), of((10, 0), (10, 0), 1.0), of((10, 10), (10, 10), 1.0)] {
        assert!(none.z.value().abs() < 1e-12 && !none.worse, "{none:?}");
    }
}
