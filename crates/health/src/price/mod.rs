//! What a rule costs: how often it sends a healthy rollout back, and what it misses, for one's own traffic.
//!
//! Rollouts are played from seeds and heard by the judges themselves, so the price is that of the code that judges.
//! What is assumed: requests and errors come one by one (Poisson), durations are log-normal with the spread that
//! [`Traffic::spread`] says, and nothing is shared between two scrapes. Bursts make every rule dearer.

mod chance;
mod own;
mod played;
mod worded;

pub use played::{Step, Traffic};
pub use worded::{Looks, Worded};

use serde::{Deserialize, Serialize};

use crate::Finite;
use crate::sequential::numerics::clopper_pearson;
use chance::Chance;
use played::Fault;

/// How often the interval is wrong at either end.
const MISS: f64 = 0.025;
/// Seeds of the healthy rollouts begin here, those of the bad ones there.
const HEALTHY: u64 = 1;
const BAD: u64 = 1 << 32;

/// A share of played rollouts, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Share {
    /// Rollouts played.
    pub runs: u64,
    /// Of these, those that count.
    pub hits: u64,
    /// Lower end.
    pub low: Finite,
    /// Upper end.
    pub high: Finite,
}

impl Share {
    fn of(hits: u64, runs: u64) -> Self {
        let (low, high) = clopper_pearson(hits, runs, MISS);
        let finite = |value| Finite::new(value).unwrap_or_default();
        Self { runs, hits, low: finite(low), high: finite(high) }
    }

    /// The share itself.
    pub fn rate(&self) -> f64 {
        Finite::ratio(self.hits, self.runs).value()
    }
}

/// What one rule costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// In words.
    pub rule: String,
    /// Healthy rollouts that it sends back.
    pub back: Share,
    /// What was wrong with the bad rollouts, in words; empty when the rule looks at nothing that was made bad.
    pub fault: String,
    /// Bad rollouts that it does not send back.
    pub missed: Option<Share>,
}

/// Plays `runs` healthy rollouts and as many bad ones, and says what each rule did. The same numbers for the same seed.
pub fn price(traffic: &Traffic, rules: &[Worded], runs: u64, seed: u64) -> Vec<Priced> {
    rules.iter().map(|rule| one(traffic, *rule, runs, seed)).collect()
}

fn one(traffic: &Traffic, rule: Worded, runs: u64, seed: u64) -> Priced {
    let hits = |fault: Option<Fault>, first: u64| {
        let back = |number: &u64| {
            let mut chance = Chance::new(seed.wrapping_add(first).wrapping_add(*number));
            rule.sends_back(traffic, fault, &mut chance)
        };
        (0..runs).filter(back).count() as u64
    };
    let fault = rule.looks().fault(traffic);
    Priced {
        rule: rule.words(),
        back: Share::of(hits(None, HEALTHY), runs),
        fault: fault.map_or_else(String::new, Fault::words),
        missed: fault.map(|fault| Share::of(runs - hits(Some(fault), BAD), runs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priced(per_second: f64, rules: &[Worded], runs: u64) -> Vec<Priced> {
        price(&Traffic::new(per_second, 0.001), rules, runs, 7)
    }

    #[test]
    fn ten_a_minute_does_not_scale_with_traffic() {
        let rule = [Worded::ServerErrors { guarded: false }];
        let [slow, middle, fast] = [1.0, 100.0, 1_000.0].map(|rps| priced(rps, &rule, 60).remove(0));
        assert_eq!(slow.back.hits, 0);
        assert!(slow.missed.is_some_and(|missed| missed.hits >= 55), "blind at 1 a second: {slow:?}");
        assert!((0.55..0.9).contains(&middle.back.rate()), "{middle:?}");
        assert_eq!(fast.back.hits, 60, "always at 1 000 a second");
        let guarded = priced(100.0, &[Worded::ServerErrors { guarded: true }], 60).remove(0);
        assert_eq!(guarded.back.hits, 0, "the share guards it");
    }

    #[test]
    fn errors_a_second_are_no_ratio() {
        let alert = priced(100.0, &[Worded::ErrorsASecond], 20).remove(0);
        assert_eq!(alert.back.hits, 20, "it fires on a healthy service");
    }

    #[test]
    fn twice_the_baseline_misses_half_as_slow_again() {
        let rule = [Worded::ResponseTime { guarded: false }];
        let found = priced(100.0, &rule, 40).remove(0);
        assert!(found.missed.is_some_and(|missed| missed.hits >= 38), "{found:?}");
        assert_eq!(found.fault, "durations 1.5 times as long");
    }

    #[test]
    fn flaky_probes_send_back_about_one_in_twenty() {
        let traffic = Traffic { pods: 20, flaky: Finite::ratio(2, 100), ..Traffic::new(1.0, 0.001) };
        let found = price(&traffic, &[Worded::HealthCheck], 1_000, 7).remove(0);
        assert!(found.back.low.value() < 0.055 && found.back.high.value() > 0.045, "{found:?}");
    }

    #[test]
    fn the_tests_keep_what_they_promise_and_the_same_seed_gives_the_same_price() {
        let rule = [Worded::Tests { alpha_ppm: 10_000, looks: Looks::Errors }];
        let found = priced(100.0, &rule, 60).remove(0);
        assert_eq!((found.back.hits, found.missed.map(|m| m.hits)), (0, Some(0)), "{found:?}");
        assert_eq!(priced(100.0, &rule, 20), priced(100.0, &rule, 20));
    }
}
