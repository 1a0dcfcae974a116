//! Bounded metrics: values of the canary between 0 and a known maximum, each with a limit that its mean must not pass.
//!
//! A rule of its own beside the engine, with a declared part of alpha that the engine then does not have: by the union
//! bound all of them together keep alpha. The engine's own weights would gain a little (evidence of both adds up there), and
//! would change what every stored rollout decides, for a metric that only a gate has.

use std::collections::BTreeMap;

use health::Finite;
use health::sequential::{Betting, LogE};
use serde::{Deserialize, Serialize};

use crate::units::millis_of;
use crate::{Refusal, Session, Why};

/// The part of alpha that all bounded metrics of a gate have together, in equal shares.
pub const PART: f64 = 0.1;
/// Bounded metrics of one gate.
pub const MOST: usize = 16;

/// What is asked of one bounded metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounded {
    /// Its name, for people.
    pub name: String,
    /// A query of a Prometheus, or a pointer into the document.
    pub from: String,
    /// What its mean must not pass, in its own unit.
    pub at_most: Finite,
    /// Its maximum, in its own unit.
    pub scale: Finite,
}

/// One bounded metric as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// What was asked.
    pub asked: Bounded,
    /// Looks that gave a value.
    pub values: u64,
    /// Their mean, in its own unit.
    pub mean: Option<Finite>,
    /// The last one.
    pub last: Option<Finite>,
    /// The evidence that the mean is above the limit, as a logarithm.
    pub evidence: LogE,
    /// The logarithm at which it is.
    pub threshold: Finite,
    /// The always-valid p-value.
    pub p_value: Finite,
    /// The part of alpha that is its own.
    pub alpha: Finite,
}

impl Bound {
    /// Whether the limit is passed.
    pub fn over(&self) -> bool {
        self.evidence.ln() >= self.threshold.value()
    }

    /// In a sentence.
    pub fn told(&self) -> String {
        let (name, at_most) = (&self.asked.name, self.asked.at_most.value());
        match self.mean {
            Some(mean) => format!(
                "{name} is {:.3} on average of {} values, at most {at_most} is asked for",
                mean.value(),
                self.values
            ),
            None => format!("no look gave a value of {name}"),
        }
    }
}

/// One test with the last value that it heard.
#[derive(Clone, Debug)]
struct Bet {
    asked: Bounded,
    test: Betting,
    last: Option<Finite>,
}

/// All bounded metrics of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bets(Vec<Bet>);

impl Bets {
    /// Tests that together miss with a probability of `alpha`.
    pub(crate) fn new(asked: &[Bounded], alpha: f64) -> Self {
        let miss = alpha / asked.len().max(1) as f64;
        let bet = |asked: &Bounded| {
            let test = Betting::new(asked.at_most.value() / asked.scale.value(), miss)?;
            Some(Bet { asked: asked.clone(), test, last: None })
        };
        Self(asked.iter().filter_map(bet).collect())
    }

    /// Takes the values of a look; what is no value of the metric is refused by its name.
    pub(crate) fn take(&mut self, values: &BTreeMap<String, Finite>) -> Vec<Refusal> {
        let known = |name: &String| self.0.iter().any(|bet| bet.asked.name == *name);
        let unknown = values.keys().filter(|name| !known(name));
        let unknown =
            unknown.map(|name| Refusal::new(name, Why::Missing, "the gate has no metric of that name"));
        let mut refused: Vec<Refusal> = unknown.map(|it| it.of(true)).collect();
        for bet in &mut self.0 {
            let Some(value) = values.get(&bet.asked.name) else { continue };
            let scale = bet.asked.scale.value();
            if bet.test.observe(value.value() / scale).is_ok() {
                bet.last = Some(*value);
            } else {
                let text = format!(
                    "{} is not between 0 and {scale}; it is not cut to fit: mend the query, or scale: its maximum",
                    value.value()
                );
                refused.push(Refusal::new(&bet.asked.name, Why::OutOfRange, text).of(true));
            }
        }
        refused
    }

    /// As they stand.
    pub(crate) fn all(&self) -> impl Iterator<Item = Bound> {
        self.0.iter().map(|bet| {
            let (test, scale) = (&bet.test, bet.asked.scale.value());
            let number = |value: f64| Finite::new(value).unwrap_or_default();
            Bound {
                asked: bet.asked.clone(),
                values: test.seen(),
                mean: test.mean().map(|mean| number(mean.value() * scale)),
                last: bet.last,
                evidence: test.evidence(),
                threshold: number(test.ln_threshold()),
                p_value: number(test.highest().p_value()),
                alpha: number(libm::exp(-test.ln_threshold())),
            }
        })
    }
}

impl Session {
    /// The bounded metric that is over its limit, when it may decide.
    pub(crate) fn over_bound(&self) -> Option<Bound> {
        self.bets.all().find(|bound| self.setup.decides.bounded() && bound.over())
    }

    /// A bounded metric of which nothing was heard: no data is never healthy.
    pub(crate) fn unheard_bound(&self) -> Option<Bound> {
        self.bets.all().find(|bound| self.setup.decides.bounded() && bound.values == 0)
    }
}

/// A window in a query that is longer than the time between two looks: its values overlap, and the null of the bets is
/// about what is new. Text in quotes is no window.
pub fn overlap(query: &str, every_ms: u64) -> Option<String> {
    let mut quote = None;
    let mut rest = query.char_indices();
    while let Some((at, c)) = rest.next() {
        match (quote, c) {
            (Some(open), '\\') if open != '`' => drop(rest.next()),
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => {
                let window = query.get(at + 1..)?.split([']', ':']).next()?.trim();
                if window_ms(window).is_some_and(|ms| ms > every_ms) {
                    return Some(window.to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// A duration of PromQL such as `5m` or `1h30m`.
fn window_ms(text: &str) -> Option<u64> {
    let mut sum = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit =
            rest.get(digits..)?.find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        sum = sum.checked_add(millis_of(rest.get(..unit)?)?)?;
        rest = rest.get(unit..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, at_most: f64, scale: f64) -> Bounded {
        let number = |value| Finite::new(value).unwrap();
        Bounded { name: name.into(), from: String::new(), at_most: number(at_most), scale: number(scale) }
    }

    fn heard(bets: &mut Bets, values: &[(&str, f64)]) -> Vec<(String, Why)> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), Finite::new(*value).unwrap()));
        bets.take(&values.collect()).into_iter().map(|it| (it.source, it.why)).collect()
    }

    #[test]
    fn each_has_its_own_unit_and_its_share_of_alpha() {
        let mut bets = Bets::new(&[asked("a", 0.3, 1.0), asked("b", 60.0, 200.0)], 0.001);
        for _ in 0..30 {
            assert_eq!(heard(&mut bets, &[("a", 0.2), ("b", 180.0)]), []);
        }
        let all: Vec<Bound> = bets.all().collect();
        assert_eq!(all.iter().map(Bound::over).collect::<Vec<_>>(), [false, true]);
        assert!(
            (all[1].mean.unwrap().value() - 180.0).abs() < 1e-9
                && (all[1].alpha.value() - 5e-4).abs() < 1e-12
        );
        assert_eq!(all[1].told(), "b is 180.000 on average of 30 values, at most 60 is asked for");
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name_and_never_cut() {
        let mut bets = Bets::new(&[asked("a", 0.3, 1.0)], 0.001);
        for bad in [1.001, -0.001, 90.0] {
            assert_eq!(heard(&mut bets, &[("a", bad)]), [("a".to_owned(), Why::OutOfRange)]);
        }
        assert_eq!(heard(&mut bets, &[("c", 0.1)]), [("c".to_owned(), Why::Missing)]);
        assert_eq!(bets.all().next().map(|bound| bound.values), Some(0));
    }

    #[test]
    fn a_window_longer_than_the_time_between_looks_is_seen() {
        for (query, window) in [
            ("rate(a[5m]) / rate(b[5m])", Some("5m")),
            ("rate(a[15s]) / rate(b[1h30m])", Some("1h30m")),
            ("max_over_time(rate(a[15s])[2m:15s])", Some("2m")),
            ("avg(a{b=~\"[5m]\",c='[1h]'}) + rate(x[15s])", None),
            ("a{b=\"\\\"[5m]\"}", None),
            ("a", None),
        ] {
            assert_eq!(overlap(query, 15_000).as_deref(), window, "{query}");
        }
    }
}
