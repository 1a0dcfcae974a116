//! The rules of a pipeline or a gate, as its file words them.

use super::worded::{Looks, Worded};
use crate::Rules;

impl Worded {
    /// Each rule by itself. Memory has no price: what a healthy service needs is not known here.
    pub fn own(rules: &Rules) -> Vec<Self> {
        let of = |change: fn(&mut Rules, &Rules)| {
            let mut one = Rules::none();
            change(&mut one, rules);
            (one != Rules::none()).then_some(Self::Own(one))
        };
        let literal = [
            of(|one, all| one.server_errors = all.server_errors),
            of(|one, all| one.error_rate = all.error_rate),
            of(|one, all| one.response_time = all.response_time),
            of(|one, all| one.health_check = all.health_check),
        ];
        let tests = rules.tests.into_iter().flat_map(|tests| {
            [Looks::Errors, Looks::Latency].map(|looks| Self::Tests { alpha_ppm: tests.alpha_ppm, looks })
        });
        literal.into_iter().flatten().chain(tests).collect()
    }
}

/// What the one rule looks at.
pub(super) const fn looks(rules: &Rules) -> Looks {
    if rules.health_check.is_some() {
        Looks::Probes
    } else if rules.response_time.is_some() {
        Looks::Latency
    } else {
        Looks::Errors
    }
}

/// The one rule in words.
pub(super) fn words(rules: &Rules) -> String {
    let percent = |ppm: u64| format!("{} %", ppm as f64 / 10_000.0);
    let minutes = |ms: u64| format!("{} min", (ms as f64 / 600.0).round() / 100.0);
    if let Some(rule) = rules.server_errors {
        let over =
            if rule.over_ppm > 0 { format!(", and > {}", percent(rule.over_ppm)) } else { String::new() };
        format!("5xx > {}/min{over}", rule.per_minute)
    } else if let Some(rule) = rules.error_rate {
        let (over, window) = (percent(rule.over_ppm), minutes(rule.window_ms));
        format!("error rate > {over} in {window}, {} req, {} errors", rule.min_requests, rule.min_errors)
    } else if let Some(rule) = rules.response_time {
        let (times, diff) = (rule.over_percent as f64 / 100.0, rule.min_diff_us as f64 / 1_000.0);
        format!("p95 > {times}x stable, {} req, {diff} ms", rule.min_requests)
    } else {
        format!("{} failed probes in a row", rules.health_check.map_or(0, |rule| rule.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Traffic, price};
    use super::*;

    #[test]
    fn each_rule_is_priced_as_it_is_worded() {
        let mut rules = Rules::design(None);
        if let Some(rule) = &mut rules.server_errors {
            (rule.per_minute, rule.over_ppm) = (5, 0);
        }
        let own = Worded::own(&rules);
        let words: Vec<String> = own.iter().map(|rule| rule.words()).collect();
        assert_eq!(
            words,
            [
                "5xx > 5/min",
                "error rate > 1 % in 5 min, 200 req, 4 errors",
                "p95 > 2x stable, 200 req, 50 ms",
                "3 failed probes in a row"
            ]
        );
        let traffic = Traffic::new(100.0, 0.001);
        let [mine, design] = [own[0], Worded::ServerErrors { guarded: false }]
            .map(|rule| price(&traffic, &[rule], 60, 7).remove(0));
        assert!(mine.back.hits > design.back.hits, "five a minute is dearer than ten: {mine:?}, {design:?}");
        let same = price(&traffic, &[own[1], Worded::ErrorRate { guarded: true }], 20, 7);
        assert_eq!((same[0].back, same[0].missed), (same[1].back, same[1].missed));
        let probed = price(&traffic, &[own[3], Worded::HealthCheck], 20, 7);
        assert_eq!(probed[0].back, probed[1].back);
        assert_eq!(Worded::own(&Rules::none()), []);
    }
}
