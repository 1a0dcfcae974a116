//! Whether a silence could keep an alert quiet that guards the rollout.

use std::collections::BTreeMap;

use ports::{SilenceMatcher, Window};
use promql::{MatchOp, Matcher, Rule};

/// An alert that guards the rollout: what is known of its labels before it fires.
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

    /// Whether the matchers could match it: every one matches what is certain, or asks for what is not known.
    fn could_match(&self, matchers: &[Matcher], equal: &[bool]) -> bool {
        matchers.iter().zip(equal).all(|(matcher, equal)| match self.labels.get(&matcher.label) {
            None => true,
            Some(value) => matcher.fits(value) == *equal,
        })
    }
}

/// Why the window is refused, if it is.
pub(crate) fn refusal(window: &Window, guards: &[GuardingAlert], lasts_max_ms: u64) -> Option<String> {
    if window.run.is_empty() || window.run.contains(['"', '\n', ']']) {
        return Some(format!("{:?} is no name of a run", window.run));
    }
    if window.comment.trim().is_empty() {
        return Some("a silence needs a comment that says why".to_owned());
    }
    if window.lasts_ms == 0 || window.lasts_ms > lasts_max_ms {
        return Some(format!("a silence lasts from 1 ms to {lasts_max_ms} ms, not {} ms", window.lasts_ms));
    }
    let mut matchers = Vec::new();
    for matcher in &window.matchers {
        match matcher_of(matcher) {
            Ok(read) => matchers.push(read),
            Err(why) => return Some(why),
        }
    }
    let equal: Vec<bool> = window.matchers.iter().map(|matcher| matcher.equal).collect();
    if window.matchers.is_empty() {
        return Some("a silence needs a matcher".to_owned());
    }
    if let Some(guarded) = guards.iter().find(|guard| guard.could_match(&matchers, &equal)) {
        return Some(format!("it could keep {:?} quiet, which guards the rollout", guarded.labels));
    }
    let all = matchers.iter().zip(&equal).all(|(matcher, equal)| matcher.fits("") == *equal);
    all.then(|| "a silence needs a matcher that does not match the empty text".to_owned())
}

fn matcher_of(matcher: &SilenceMatcher) -> Result<Matcher, String> {
    if matcher.label.is_empty() {
        return Err("a matcher without a label".to_owned());
    }
    let op = if matcher.regex { MatchOp::Matches } else { MatchOp::Equal };
    Matcher::new(&matcher.label, op, &matcher.value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(text: &str) -> SilenceMatcher {
        let (op, at) = ["!=", "!~", "=~", "="]
            .iter()
            .find_map(|op| text.find(op).map(|at| (*op, at)))
            .expect("an operator");
        SilenceMatcher {
            label: text[..at].to_owned(),
            value: text[at + op.len()..].to_owned(),
            regex: op.contains('~'),
            equal: !op.contains('!'),
        }
    }

    #[test]
    fn a_silence_that_could_match_a_guarding_alert_is_refused() {
        let guards = [GuardingAlert::named("HighErrorRate").with("severity", "critical")];
        for (matchers, refused) in [
            (vec!["alertname=HighErrorRate"], true),
            (vec!["alertname=~High.*"], true),
            (vec!["severity=critical"], true),
            (vec!["job=api"], true),
            (vec!["alertname=HighErrorRate", "instance=a"], true),
            (vec!["alertname!=ServiceDown"], true),
            (vec!["alertname!~Service.*"], true),
            (vec!["alertname=DatabaseSlow"], false),
            (vec!["severity=warning"], false),
            (vec!["alertname=~Data.*", "severity=critical"], false),
            (vec!["alertname!=HighErrorRate"], false),
            (vec!["job=api", "alertname=Other"], false),
        ] {
            let window = Window {
                run: "r".into(),
                matchers: matchers.iter().map(|text| matcher(text)).collect(),
                lasts_ms: 1,
                comment: "c".into(),
            };
            let why = refusal(&window, &guards, 1_000);
            assert_eq!(
                why.as_ref().is_some_and(|why| why.contains("guards the rollout")),
                refused,
                "{matchers:?}"
            );
            let free = refusal(&window, &[], 1_000);
            let everything = matchers.iter().all(|text| text.contains('!'));
            assert_eq!(free.is_some(), everything, "{matchers:?}: {free:?}");
        }
    }
}
