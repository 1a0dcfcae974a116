//! Alerts that guard something, and whether conditions about labels could meet one: what a silence must never do.

use std::collections::BTreeMap;

use crate::{Matcher, Rule, RuleFile};

/// An alert that guards a rollout: what is known of its labels before it fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardingAlert {
    /// Labels whose values are certain, `alertname` among them. Others may have any value.
    pub labels: BTreeMap<String, String>,
}

impl GuardingAlert {
    /// An alert of that name, of which nothing else is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { labels: BTreeMap::from([("alertname".to_owned(), name.into())]) }
    }

    /// The same with a label whose value is certain, such as the severity that its rule sets.
    #[must_use]
    pub fn with(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(label.into(), value.into());
        self
    }

    /// The alert of a rule. Labels with something to fill in are not certain.
    pub fn of(rule: &Rule) -> Self {
        let certain = rule.labels.iter().filter_map(|(name, text)| Some((name.clone(), text.constant()?)));
        let labels = certain.chain([("alertname".to_owned(), rule.name.clone())]).collect();
        Self { labels }
    }

    /// Those of all alerts of a file.
    pub fn all_of(file: &RuleFile) -> Vec<Self> {
        file.groups.iter().flat_map(|group| &group.rules).filter(|rule| !rule.records).map(Self::of).collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    /// Whether the matchers could match it: every one matches what is certain, or asks for what is not known.
    pub fn could_match(&self, matchers: &[Matcher]) -> bool {
        let could = |matcher: &Matcher| self.labels.get(&matcher.label).is_none_or(|it| matcher.fits(it));
        matchers.iter().all(could)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matchers;

    #[test]
    fn what_is_not_known_of_an_alert_counts_as_matching() {
        let guard = GuardingAlert::named("HighErrorRate").with("severity", "critical");
        for (text, could) in [
            (r#"alertname="HighErrorRate""#, true),
            (r#"alertname=~"High.*""#, true),
            (r#"severity="critical""#, true),
            (r#"job="api""#, true),
            (r#"alertname="HighErrorRate", instance="a""#, true),
            (r#"alertname!="ServiceDown", job="api""#, true),
            (r#"alertname!~"Service.*", job="api""#, true),
            (r#"alertname="DatabaseSlow""#, false),
            (r#"severity="warning""#, false),
            (r#"alertname=~"Data.*", severity="critical""#, false),
            (r#"alertname!="HighErrorRate", job="api""#, false),
            (r#"job="api", alertname="Other""#, false),
        ] {
            assert_eq!(guard.could_match(&matchers(text).unwrap()), could, "{text}");
        }
    }

    #[test]
    fn the_alerts_of_a_file_are_known_by_their_certain_labels() {
        let text = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n  - alert: Down\n    expr: up == 0\n    \
                    labels: {severity: page, who: '{{ $labels.job }}'}\n";
        let file = RuleFile::read(text).unwrap();
        assert_eq!(GuardingAlert::all_of(&file), [GuardingAlert::named("Down").with("severity", "page")]);
    }
}
