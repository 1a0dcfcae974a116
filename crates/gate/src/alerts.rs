//! Alert rules beside the tests: our own evaluator over scraped rows, or a real server's values of each expression.

use promql::{Alert, Group, Labels, Options, RuleFile, Store};
use serde::{Deserialize, Serialize};

use crate::{Refusal, Row, Why};

/// How long samples are kept for expressions, in milliseconds.
const KEPT_MS: i64 = 3_600_000;
/// Alerts of one rule that are told of.
const MOST_SHOWN: usize = 16;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It holds, not yet for long enough.
    Pending,
    /// It holds for as long as the rule says.
    Firing,
}

/// An alert that holds at a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSeen {
    /// Name of the rule.
    pub rule: String,
    /// Labels of the result.
    pub labels: String,
    /// Where it stands.
    pub state: AlertState,
    /// The value; `None` when it is no finite number.
    pub value: Option<f64>,
    /// For how long it holds, in milliseconds.
    pub for_ms: i64,
    /// What the rule says to people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Rule files with our own evaluator.
#[derive(Clone, Debug, Default)]
pub struct OwnRules {
    groups: Vec<Group>,
    store: Store,
}

impl OwnRules {
    /// The rules of files that were read.
    pub fn new(files: Vec<RuleFile>) -> Self {
        let groups = files.into_iter().flat_map(|file| file.groups).map(Group::new);
        Self { groups: groups.collect(), store: Store::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes rows of one target with its labels.
    pub fn take(&mut self, rows: &[Row], target: &Labels) {
        if self.groups.is_empty() {
            return;
        }
        for (labels, at_ms, value) in rows {
            let mut labels = labels.clone();
            for (name, value) in
                target.iter().filter(|(name, _)| labels.value(name).is_empty()).collect::<Vec<_>>()
            {
                labels.set(name, value);
            }
            self.store.append(&labels, *at_ms, *value);
        }
    }

    /// All alerts that hold at a time, and the rules that could not be evaluated.
    pub fn hold(&mut self, now_ms: i64) -> (Vec<AlertSeen>, Vec<Refusal>) {
        self.store.forget_before(now_ms.saturating_sub(KEPT_MS));
        let (mut seen, mut failed) = (Vec::new(), Vec::new());
        for group in &mut self.groups {
            for failure in group.evaluate(now_ms, &mut self.store, &Options::default()) {
                failed.push(Refusal::new(&failure.rule, Why::Rule, failure.why.to_string()));
            }
            seen.extend(group.alerts().filter_map(|(rule, alert)| own(&rule.name, alert, now_ms)));
        }
        (seen, failed)
    }
}

fn own(rule: &str, alert: &Alert, now_ms: i64) -> Option<AlertSeen> {
    let state = match alert.state {
        promql::AlertState::Pending => AlertState::Pending,
        promql::AlertState::Firing => AlertState::Firing,
        promql::AlertState::Resolved => return None,
    };
    let text = alert.annotations.get("summary").or_else(|| alert.annotations.get("description"));
    Some(AlertSeen {
        rule: rule.to_owned(),
        labels: alert.labels.without(&["alertname".to_owned()]).to_string(),
        state,
        value: Some(alert.value).filter(|value| value.is_finite()),
        for_ms: now_ms.saturating_sub(alert.active_ms),
        text: text.cloned().unwrap_or_default(),
    })
}

/// An alert rule whose expression a real server evaluates: it need not be in our subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRule {
    /// Its name.
    pub name: String,
    /// Its expression, as it is written.
    pub expr: String,
    /// How long it must hold.
    pub for_ms: i64,
    /// What it says to people, as it is written.
    pub text: String,
}

#[derive(Deserialize)]
struct RawFile {
    groups: Vec<RawGroup>,
}

#[derive(Deserialize)]
struct RawGroup {
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
struct RawRule {
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    hold: Option<String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

/// The alert rules of a file for a real server.
///
/// # Errors
/// It is no rule file, or a duration is none.
pub fn server_rules(text: &str) -> Result<Vec<ServerRule>, String> {
    let raw: RawFile = serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
    let rules = raw.groups.into_iter().flat_map(|group| group.rules);
    let mut found = Vec::new();
    for rule in rules {
        let Some(name) = rule.alert else { continue };
        let hold = rule.hold.as_deref().unwrap_or("0s");
        let for_ms = crate::units::millis_of(hold)
            .ok_or_else(|| format!("rule {name}, for: {hold:?} is not a duration such as 5m"))?;
        let text = rule.annotations.get("summary").or_else(|| rule.annotations.get("description"));
        let for_ms = i64::try_from(for_ms).unwrap_or(i64::MAX);
        found.push(ServerRule { name, expr: rule.expr, for_ms, text: text.cloned().unwrap_or_default() });
    }
    Ok(found)
}

/// What a server's values of an expression, every `step_ms` up to `to_ms`, mean for its rule. The expression has a value
/// where it holds.
pub fn held(
    rule: &ServerRule,
    series: &[(Labels, Vec<(i64, f64)>)],
    to_ms: i64,
    step_ms: i64,
) -> Vec<AlertSeen> {
    let of = |(labels, samples): &(Labels, Vec<(i64, f64)>)| {
        let (last, value) = *samples.last()?;
        if last < to_ms.saturating_sub(step_ms) {
            return None;
        }
        let gap = samples
            .windows(2)
            .rposition(|two| matches!(two, [(a, _), (b, _)] if b - a > step_ms + step_ms / 2));
        let since = samples.get(gap.map_or(0, |at| at + 1)).map_or(last, |(at, _)| *at);
        let for_ms = last.saturating_sub(since);
        Some(AlertSeen {
            rule: rule.name.clone(),
            labels: labels.to_string(),
            state: if for_ms >= rule.for_ms { AlertState::Firing } else { AlertState::Pending },
            value: Some(value).filter(|value| value.is_finite()),
            for_ms,
            text: rule.text.clone(),
        })
    };
    series.iter().filter_map(of).take(MOST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: Bad\n    expr: exp(errors) > 1\n    for: 1m\n    annotations: {summary: much}\n  - {record: a, expr: b}\n";

    #[test]
    fn a_server_s_rule_may_be_outside_our_subset_and_holds_for_its_time() {
        assert!(RuleFile::read(RULES).is_err(), "exp is outside");
        let rules = server_rules(RULES).unwrap();
        assert_eq!(
            rules,
            [ServerRule {
                name: "Bad".into(),
                expr: "exp(errors) > 1".into(),
                for_ms: 60_000,
                text: "much".into()
            }]
        );
        let at = |from: i64, to: i64| (from..=to).map(|n| (n * 15_000, 2.0)).collect::<Vec<_>>();
        let state = |samples: Vec<(i64, f64)>| {
            let found = held(&rules[0], &[(Labels::default(), samples)], 150_000, 15_000);
            found.first().map(|alert| (alert.state, alert.for_ms))
        };
        assert_eq!(state(at(6, 10)), Some((AlertState::Firing, 60_000)));
        assert_eq!(state(at(7, 10)), Some((AlertState::Pending, 45_000)));
        assert_eq!(state([at(0, 5), at(8, 10)].concat()), Some((AlertState::Pending, 30_000)), "a gap");
        assert_eq!(state(at(0, 8)), None, "it no longer holds");
    }

    #[test]
    fn our_own_evaluator_fires_after_the_time_of_the_rule() {
        let text = "groups: [{name: g, rules: [{alert: Full, expr: 'disk > 0.9', for: 30s}]}]";
        let mut rules = OwnRules::new(vec![RuleFile::read(text).unwrap()]);
        let labels = Labels::new([("__name__", "disk")]);
        let states: Vec<_> = (0..4)
            .map(|n| {
                rules.take(&[(labels.clone(), n * 15_000, 0.95)], &Labels::new([("instance", "i")]));
                rules.hold(n * 15_000).0.first().map(|alert| (alert.state, alert.for_ms))
            })
            .collect();
        let pending = |ms| Some((AlertState::Pending, ms));
        assert_eq!(
            states,
            [
                pending(0),
                pending(15_000),
                Some((AlertState::Firing, 30_000)),
                Some((AlertState::Firing, 45_000))
            ]
        );
    }
}
