//! Laws of the bets on a mean: fair under every null, never broke, quick, and the same after a restore.

mod chance;

use health::sequential::numerics::kl;
use health::sequential::{Betting, LogE};
use proptest::prelude::*;

use chance::Chance;

const LIMIT: f64 = 0.3;
const MISS: f64 = 0.05;
const RUNS: u64 = 2_000;
const VALUES: u64 = 400;

impl Chance {
    fn coin(&mut self, rate: f64) -> f64 {
        f64::from(u8::from(self.unit() < rate))
    }
}

/// The value after the test has seen `test` and the value before was `last`.
type Next = fn(&mut Chance, &Betting, f64) -> f64;

/// Share of runs that ever passed the threshold, and the mean capital at the end, cut at the threshold: uncut, one run
/// in thousands decides its mean.
fn simulated(next: Next) -> (f64, f64) {
    let (mut passed, mut capital) = (0, 0.0);
    for seed in 0..RUNS {
        let mut chance = Chance(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let mut test = Betting::new(LIMIT, MISS).unwrap();
        let mut last = LIMIT;
        for _ in 0..VALUES {
            last = next(&mut chance, &test, last);
            test.observe(last).unwrap();
        }
        passed += u32::from(test.highest().ln() >= test.ln_threshold());
        capital += test.evidence().amount().min(1.0 / MISS);
    }
    (f64::from(passed) / RUNS as f64, capital / RUNS as f64)
}

#[test]
fn at_the_limit_it_alarms_as_seldom_as_promised_whatever_the_distribution() {
    // Each has mean 0.3 given the past: alone, or in a way that follows from the past.
    let nulls: [(&str, Next); 6] = [
        ("coins", |chance, _, _| chance.coin(LIMIT)),
        ("uniform", |chance, _, _| 2.0 * LIMIT * chance.unit()),
        ("seldom and large", |chance, _, _| 0.2 + 0.8 * chance.coin(0.125)),
        ("often and small", |chance, _, _| 0.35 * chance.coin(6.0 / 7.0)),
        ("wild after a high value", |chance, _, last| {
            if last > LIMIT { chance.coin(LIMIT) } else { LIMIT + 0.2 * (chance.unit() - 0.5) }
        }),
        ("wild while the bet wins", |chance, test, _| {
            if test.evidence() > LogE::ONE { chance.coin(LIMIT) } else { 0.25 + 0.1 * chance.unit() }
        }),
    ];
    for (name, next) in nulls {
        let (passed, capital) = simulated(next);
        assert!(passed <= MISS, "{name}: {passed}");
        assert!(capital < 1.15, "{name}: a fair bet wins nothing on average, {capital}");
    }
    // What is above the limit is found: the counts above can fail.
    let (passed, _) = simulated(|chance, _, _| chance.coin(0.4));
    assert!(passed > 0.7, "{passed}");
}

#[test]
fn it_needs_at_most_two_and_a_half_times_the_least_that_any_test_needs() {
    // The bound ln(1/miss) / kl of tests that know both rates.
    for (rate, miss, most) in [(0.6, 0.01, 1.4), (0.5, 0.01, 1.6), (0.4, 0.01, 2.4)] {
        let least = f64::ln(1.0 / miss) / kl(rate, LIMIT);
        let mut all = 0;
        for seed in 0..1_000 {
            let (mut chance, mut test) = (Chance(seed), Betting::new(LIMIT, miss).unwrap());
            while test.evidence().ln() < test.ln_threshold() && test.seen() < 100_000 {
                test.observe(chance.coin(rate)).unwrap();
            }
            all += test.seen();
        }
        let factor = all as f64 / 1_000.0 / least;
        assert!(factor < most && factor > 0.9, "{rate}: {factor} times {least}");
    }
}

#[test]
fn what_is_no_share_is_refused_and_changes_nothing() {
    let mut test = Betting::new(LIMIT, MISS).unwrap();
    test.observe(0.9).unwrap();
    let before = test.clone();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-9, 1.000_001, 90.0] {
        let refused = test.observe(bad).unwrap_err();
        assert_eq!(refused.to_string(), format!("{bad} is not between 0 and 1"));
        assert_eq!(test, before);
    }
    for (limit, miss) in [(0.0, 0.1), (1.0, 0.1), (f64::NAN, 0.1), (0.3, 0.0), (0.3, 1.0)] {
        assert_eq!(Betting::new(limit, miss), None);
    }
}

proptest! {
    #[test]
    fn it_is_never_broke_and_the_same_after_a_restore(
        values in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0_f64..=1.0], 1..300),
        limit in 0.001_f64..0.999,
    ) {
        let mut test = Betting::new(limit, 0.01).unwrap();
        let mut restored = test.clone();
        for value in &values {
            test.observe(*value).unwrap();
            restored.observe(*value).unwrap();
            let text = serde_json::to_string(&restored).unwrap();
            prop_assert!(text.len() < 300, "of constant size: {text}");
            restored = serde_json::from_str(&text).unwrap();
            prop_assert!(test.evidence() > LogE::ZERO && test.highest() >= test.evidence());
        }
        prop_assert_eq!(&restored, &test);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        prop_assert!((test.mean().unwrap().value() - mean).abs() < 1e-9);
    }

    #[test]
    fn values_at_the_limit_win_nothing_and_one_higher_value_wins_more(
        values in prop::collection::vec(0.0_f64..0.99, 1..50),
    ) {
        let capital = |last: f64| {
            let mut test = Betting::new(LIMIT, MISS).unwrap();
            for value in values.iter().chain([&last]) {
                test.observe(*value).unwrap();
            }
            test.evidence()
        };
        let mut before = Betting::new(LIMIT, MISS).unwrap();
        for value in &values {
            before.observe(*value).unwrap();
        }
        prop_assert!((capital(LIMIT).ln() - before.evidence().ln()).abs() < 1e-12);
        prop_assert!(capital(0.5) > before.evidence() && capital(0.1) < before.evidence());
        prop_assert!(capital(1.0) > capital(0.5));
    }
}
