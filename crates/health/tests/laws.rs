//! Laws of the literal rules: each against a slow and obvious oracle, and exact at every guard.

use health::{Arm, Finite, Instance, Judge, Latency, Literal, RuleName, Rules, Sample, Verdict};
use machine::Timestamp;
use proptest::prelude::*;

const LIMIT: u64 = 1_000_000;

const fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// One bucket that ends at 100 ms.
fn arm(requests: u64, server_errors: u64, failures: u64) -> Arm {
    let latency = Latency::new(vec![(100_000, requests), (u64::MAX, requests)]).unwrap();
    Arm { requests, server_errors, failures, latency, instances: vec![] }
}

fn sample(ms: u64, new: Arm, stable: Option<Arm>) -> Sample {
    Sample { taken: at(ms), new, stable }
}

fn rules_of(verdict: &Verdict) -> Vec<RuleName> {
    match verdict {
        Verdict::Regressed(breaches) => breaches.iter().map(|breach| breach.rule).collect(),
        _ => vec![],
    }
}

fn only(rule: RuleName) -> Rules {
    let all = Rules::design(Some(LIMIT));
    Rules {
        health_check: all.health_check.filter(|_| rule == RuleName::HealthCheck),
        error_rate: all.error_rate.filter(|_| rule == RuleName::ErrorRate),
        response_time: all.response_time.filter(|_| rule == RuleName::ResponseTime),
        server_errors: all.server_errors.filter(|_| rule == RuleName::ServerErrors),
        memory: all.memory.filter(|_| rule == RuleName::Memory),
        min_requests: 0,
        tests: None,
    }
}

/// Whether the rule holds after an empty sample and this one, `over_ms` later.
fn found(rule: RuleName, over_ms: u64, new: Arm, stable: Option<Arm>) -> bool {
    let mut judge = Literal::new(only(rule));
    judge.weighed(at(0), 50);
    let nothing = |_: &Arm| Arm::default();
    let first = sample(1, nothing(&new), stable.as_ref().map(nothing));
    judge.judge(at(1), Some(&first));
    let verdict = judge.judge(at(1 + over_ms), Some(&sample(1 + over_ms, new, stable)));
    rules_of(&verdict).contains(&rule)
}

#[test]
fn error_rate_is_exact_at_its_guards() {
    let rate = |requests, errors| found(RuleName::ErrorRate, 300_000, arm(requests, 0, errors), None);
    assert!(!rate(199, 100), "199 requests are too few");
    assert!(rate(200, 100), "200 are enough");
    assert!(!rate(200, 3), "3 errors are too few, although 1.5 %");
    assert!(rate(200, 4), "4 of 200 are enough");
    assert!(!rate(400, 4), "exactly 1 % is not over it");
    assert!(rate(399, 4), "a little over 1 % is");
}

#[test]
fn server_errors_are_exact_at_their_guards() {
    let burst = |requests, errors| found(RuleName::ServerErrors, 60_000, arm(requests, errors, 0), None);
    assert!(!burst(100, 10), "10 a minute are allowed");
    assert!(burst(100, 11), "11 are not");
    assert!(!burst(1_100, 11), "exactly 1 % is not over it");
    assert!(burst(1_099, 11));
    assert!(!found(RuleName::ServerErrors, 60_000, arm(100, 0, 50), None), "failures are no answers");
    assert!(!found(RuleName::ServerErrors, 60_001, arm(100, 50, 0), None), "what began before the minute");
}

#[test]
fn response_time_is_exact_at_its_guards() {
    // The quantile of a histogram with one bucket that ends at w is 0.95 w.
    let one = |upper: u64, requests: u64| Arm {
        requests,
        latency: Latency::new(vec![(upper, requests), (u64::MAX, requests)]).unwrap(),
        ..Arm::default()
    };
    let slow = |new: u64, stable: u64, requests: u64| {
        found(RuleName::ResponseTime, 60_000, one(new, requests), Some(one(stable, requests)))
    };
    assert!(!slow(2_000_000, 1_000_000, 200), "exactly twice is not over it");
    assert!(slow(2_000_100, 1_000_000, 200), "more is");
    assert!(!slow(2_000_100, 1_000_000, 199), "199 requests are too few");
    assert!(!slow(80_000, 27_370, 200), "76_000 less 26_001 us say nothing");
    assert!(slow(80_000, 27_369, 200), "76_000 less 26_000 us are 50 ms");
}

#[test]
fn memory_and_health_checks_are_exact_at_their_limits() {
    let with = |resident_bytes, failed_checks| {
        let instance = Instance { slot: 1, failed_checks, resident_bytes, restarts: 0, served: None };
        Arm { instances: vec![Instance::default(), instance], ..arm(10, 0, 0) }
    };
    assert!(!found(RuleName::Memory, 10, with(Some(900_000), 0), None), "exactly 90 %");
    assert!(found(RuleName::Memory, 10, with(Some(900_001), 0), None));
    assert!(!found(RuleName::Memory, 10, with(None, 0), None), "unknown is no number");
    assert!(!found(RuleName::HealthCheck, 10, with(None, 2), None));
    assert!(found(RuleName::HealthCheck, 10, with(None, 3), None));
}

#[test]
fn i29_a_success_ends_a_row_of_failed_checks() {
    let mut judge = Literal::new(only(RuleName::HealthCheck));
    for (ms, failed_checks) in [(1, 1), (2, 2), (3, 0), (4, 1), (5, 2)] {
        let instances = vec![Instance { failed_checks, ..Instance::default() }];
        let verdict = judge.judge(at(ms), Some(&sample(ms, Arm { instances, ..arm(1, 0, 0) }, None)));
        assert!(rules_of(&verdict).is_empty(), "{ms}");
    }
}

#[test]
fn a_counter_that_begins_anew_is_evidence_again() {
    let mut judge = Literal::new(Rules { min_requests: 5, ..Rules::none() });
    judge.judge(at(1), Some(&sample(1, arm(900, 0, 0), None)));
    judge.weighed(at(2), 50);
    judge.judge(at(3), Some(&sample(3, arm(1_000, 0, 0), None)));
    let mut tell = |ms, requests| judge.judge(at(ms), Some(&sample(ms, arm(requests, 0, 0), None)));
    assert_eq!(tell(4, 3), Verdict::Undecided);
    assert_eq!(tell(5, 7), Verdict::Undecided);
    assert_eq!(tell(6, 8), Verdict::Healthy);
}

#[test]
fn i26_requests_from_before_the_weight_are_no_evidence_for_it() {
    let mut judge = Literal::new(Rules { min_requests: 5, ..Rules::none() });
    judge.judge(at(1), Some(&sample(1, arm(0, 0, 0), None)));
    judge.weighed(at(10), 50);
    let mut tell = |ms, requests| judge.judge(at(ms + 1), Some(&sample(ms, arm(requests, 0, 0), None)));
    assert_eq!(tell(9, 100), Verdict::Undecided);
    assert_eq!(tell(10, 200), Verdict::Undecided);
    assert_eq!(tell(11, 205), Verdict::Healthy);
}

#[derive(Clone, Debug)]
struct Told {
    /// Since the one before; 0 is a duplicate.
    later: u64,
    there: bool,
    reset: bool,
    requests: u64,
    server_errors: u64,
    failures: u64,
}

fn told() -> impl Strategy<Value = Told> {
    let (there, reset) = (prop::bool::weighted(0.9), prop::bool::weighted(0.05));
    (0_u64..4, there, reset, 0_u64..400, 0_u64..12, 0_u64..8).prop_map(
        |(later, there, reset, requests, server_errors, failures)| {
            let server_errors = server_errors.min(requests);
            let failures = failures.min(requests - server_errors);
            Told { later: later * 15_000, there, reset, requests, server_errors, failures }
        },
    )
}

/// Every sample since the last restart of the counters.
#[derive(Default)]
struct Oracle(Vec<(u64, Arm)>);

impl Oracle {
    fn hear(&mut self, ms: u64, new: &Arm) {
        let newest = self.0.last().cloned();
        if newest.as_ref().is_some_and(|(last, _)| ms <= *last) {
            return;
        }
        let fell = |old: &Arm| {
            new.requests < old.requests
                || new.server_errors < old.server_errors
                || new.failures < old.failures
        };
        if newest.is_some_and(|(_, old)| fell(&old)) {
            self.0.clear();
        }
        self.0.push((ms, new.clone()));
    }

    /// (requests, server errors, failures) between the first and the last sample of the span.
    fn change(&self, span: u64) -> Option<(u64, u64, u64)> {
        let (last_ms, last) = self.0.last()?;
        let (first_ms, first) = self.0.iter().find(|(ms, _)| ms + span >= *last_ms)?;
        let server = last.server_errors - first.server_errors;
        let change = (last.requests - first.requests, server, last.failures - first.failures);
        (first_ms < last_ms).then_some(change)
    }

    fn rules(&self) -> Vec<RuleName> {
        let mut rules = Vec::new();
        if let Some((requests, server, failures)) = self.change(300_000) {
            let errors = server + failures;
            if requests >= 200 && errors >= 4 && errors as f64 / requests as f64 > 0.01 {
                rules.push(RuleName::ErrorRate);
            }
        }
        if let Some((requests, server, _)) = self.change(60_000)
            && server > 10
            && server as f64 / requests as f64 > 0.01
        {
            rules.push(RuleName::ServerErrors);
        }
        rules
    }
}

fn play(told: &[Told], mut each: impl FnMut(u64, Option<Sample>)) {
    let (mut ms, mut sum) = (1, arm(0, 0, 0));
    for one in told {
        ms += one.later;
        if one.reset {
            sum = arm(0, 0, 0);
        }
        if one.later > 0 {
            let server = sum.server_errors + one.server_errors;
            sum = arm(sum.requests + one.requests, server, sum.failures + one.failures);
        }
        each(ms, one.there.then(|| sample(ms, sum.clone(), None)));
    }
}

proptest! {
    #[test]
    fn every_rule_about_requests_holds_exactly_when_the_oracle_says(
        told in proptest::collection::vec(told(), 0..60),
    ) {
        let mut judge = Literal::new(Rules { response_time: None, ..Rules::design(None) });
        let (mut oracle, mut wrong) = (Oracle::default(), Vec::new());
        play(&told, |ms, sample| {
            let verdict = judge.judge(at(ms), sample.as_ref());
            let Some(sample) = sample else {
                wrong.extend((verdict != Verdict::NoData).then(|| "no data".to_owned()));
                return;
            };
            oracle.hear(ms, &sample.new);
            let (is, should) = (rules_of(&verdict), oracle.rules());
            wrong.extend((is != should).then(|| format!("at {ms}: {is:?} instead of {should:?}")));
        });
        prop_assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn i31_the_same_samples_give_the_same_verdicts_also_after_a_restart(
        told in proptest::collection::vec(told(), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut one, mut other) = (Literal::new(Rules::design(None)), Literal::new(Rules::design(None)));
        let (mut n, cut, mut same) = (0, cut.index(told.len().max(1)), true);
        play(&told, |ms, sample| {
            if n == cut {
                other = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
            }
            n += 1;
            same &= one.judge(at(ms), sample.as_ref()) == other.judge(at(ms), sample.as_ref());
        });
        prop_assert!(same && one == other);
    }

    #[test]
    fn i28_what_is_no_number_never_becomes_one(value in any::<f64>()) {
        prop_assert_eq!(Finite::new(value).is_some(), value.is_finite());
        let text = serde_json::to_string(&Finite::new(value).unwrap_or_default()).unwrap();
        let read: Finite = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read, Finite::new(value).unwrap_or_default());
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_that_holds_its_rank(
        counts in proptest::collection::vec(0_u64..50, 1..12),
        percent in 1_u64..=100,
    ) {
        let (mut sum, last) = (0, counts.len() - 1);
        let upper = |i: usize| if i == last { u64::MAX } else { (i as u64 + 1) * 1_000 };
        let buckets: Vec<(u64, u64)> = counts
            .iter()
            .enumerate()
            .map(|(i, n)| {
                sum += n;
                (upper(i), sum)
            })
            .collect();
        match Latency::new(buckets.clone()).unwrap().quantile(percent) {
            None => prop_assert_eq!(sum, 0),
            Some(quantile) => {
                let rank = (sum * percent).div_ceil(100).max(1);
                let holds = buckets.iter().position(|(_, n)| *n >= rank).unwrap();
                let lower = holds as u64 * 1_000;
                prop_assert!(quantile.estimate_us >= lower && quantile.estimate_us <= lower + 1_000);
                prop_assert_eq!(quantile.open, holds == last);
            }
        }
    }
}
