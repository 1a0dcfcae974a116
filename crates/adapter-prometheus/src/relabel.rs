//! Relabelling as Prometheus does it: labels are changed, or what carries them is dropped.

use md5::{Digest, Md5};
use promql::{Labels, Regex, anchored};
use serde::Deserialize;

/// What a step does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Sets the target label from the groups of the expression.
    #[default]
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Copies labels whose names match to new names.
    LabelMap,
    /// Takes labels away whose names match.
    LabelDrop,
    /// Takes all others away.
    LabelKeep,
    /// Sets the target label to a number below the modulus.
    HashMod,
    /// Sets the target label in small letters.
    Lowercase,
    /// Sets the target label in capitals.
    Uppercase,
}

/// Why a step cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelabelError {
    /// Not an expression.
    #[error("relabelling: {0}")]
    Regex(String),
    /// The action needs a target label.
    #[error("relabelling: {0:?} needs a target_label that is a label name, not {1:?}")]
    Target(Action, String),
    /// A modulus of 0.
    #[error("relabelling: hashmod needs a modulus above 0")]
    Modulus,
    /// A field that the action does not look at, so it is a mistake.
    #[error("relabelling: {0:?} looks at no other field than the regex")]
    Fields(Action),
}

/// A step as a configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelabelConfig {
    /// Their values are joined.
    #[serde(default)]
    pub source_labels: Vec<String>,
    /// Between them; `;` when nothing is said.
    pub separator: Option<String>,
    /// `(.*)` when nothing is said.
    pub regex: Option<String>,
    /// Of `hashmod`.
    #[serde(default)]
    pub modulus: u64,
    /// Which label is set.
    #[serde(default)]
    pub target_label: String,
    /// `$1` when nothing is said.
    pub replacement: Option<String>,
    /// `replace` when nothing is said.
    #[serde(default)]
    pub action: Action,
}

/// A checked step.
#[derive(Clone, Debug)]
pub struct Relabel {
    config: RelabelConfig,
    regex: Regex,
}

impl Relabel {
    /// Checks a step.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: RelabelConfig) -> Result<Self, RelabelError> {
        let action = config.action;
        let pattern = config.regex.as_deref().unwrap_or("(.*)");
        let regex = anchored(pattern).map_err(|error| RelabelError::Regex(error.to_string()))?;
        let target = &config.target_label;
        // The name itself may be made from groups when a label is replaced.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let templated = |c: char| plain(c) || matches!(c, '$' | '{' | '}');
        let named = !target.is_empty()
            && !target.starts_with(|c: char| c.is_ascii_digit())
            && target.chars().all(|c| if action == Action::Replace { templated(c) } else { plain(c) });
        match action {
            Action::Replace
            | Action::HashMod
            | Action::Lowercase
            | Action::Uppercase
            | Action::KeepEqual
            | Action::DropEqual
                if !named =>
            {
                Err(RelabelError::Target(action, target.clone()))
            }
            Action::HashMod if config.modulus == 0 => Err(RelabelError::Modulus),
            Action::LabelDrop | Action::LabelKeep
                if !config.source_labels.is_empty()
                    || !target.is_empty()
                    || config.replacement.is_some()
                    || config.separator.is_some() =>
            {
                Err(RelabelError::Fields(action))
            }
            _ => Ok(Self { config, regex }),
        }
    }

    /// The labels after this step, `None` when what carries them is dropped.
    pub fn apply(&self, mut labels: Labels) -> Option<Labels> {
        let config = &self.config;
        let values: Vec<&str> = config.source_labels.iter().map(|name| labels.value(name)).collect();
        let source = values.join(config.separator.as_deref().unwrap_or(";"));
        let target = config.target_label.clone();
        match config.action {
            Action::Keep => self.regex.is_match(&source).then_some(labels),
            Action::Drop => (!self.regex.is_match(&source)).then_some(labels),
            Action::KeepEqual => (labels.value(&target) == source).then_some(labels),
            Action::DropEqual => (labels.value(&target) != source).then_some(labels),
            Action::Replace => {
                self.replace(&mut labels, &source);
                Some(labels)
            }
            Action::Lowercase => Some(set(labels, &target, source.to_lowercase())),
            Action::Uppercase => Some(set(labels, &target, source.to_uppercase())),
            Action::HashMod => {
                let sum: u64 = hash(&source) % config.modulus;
                Some(set(labels, &target, sum.to_string()))
            }
            Action::LabelMap | Action::LabelDrop | Action::LabelKeep => Some(self.rename(&labels)),
        }
    }

    fn replace(&self, labels: &mut Labels, source: &str) {
        let Some(captures) = self.regex.captures(source) else { return };
        let (mut name, mut value) = (String::new(), String::new());
        captures.expand(&self.config.target_label, &mut name);
        captures.expand(self.config.replacement.as_deref().unwrap_or("$1"), &mut value);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
            labels.set(name, value);
        }
    }

    /// Labels chosen by their names.
    fn rename(&self, labels: &Labels) -> Labels {
        let mut changed = labels.clone();
        for (name, value) in labels.iter() {
            let captures = self.regex.captures(name);
            match (self.config.action, captures) {
                (Action::LabelMap, Some(captures)) => {
                    let mut to = String::new();
                    captures.expand(self.config.replacement.as_deref().unwrap_or("$1"), &mut to);
                    changed.set(to, value);
                }
                (Action::LabelDrop, Some(_)) | (Action::LabelKeep, None) => changed.remove(name),
                _ => {}
            }
        }
        changed
    }
}

/// All steps in order, `None` as soon as one drops.
pub fn relabel(steps: &[Relabel], labels: Labels) -> Option<Labels> {
    steps.iter().try_fold(labels, |labels, step| step.apply(labels))
}

fn set(mut labels: Labels, name: &str, value: String) -> Labels {
    labels.set(name, value);
    labels
}

/// The last eight bytes of the MD5 sum, as Prometheus takes them.
fn hash(text: &str) -> u64 {
    let sum = Md5::digest(text.as_bytes());
    sum.iter().skip(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(yaml: &str) -> Result<Relabel, RelabelError> {
        Relabel::new(serde_saphyr::from_str(yaml).expect("the shape of a step"))
    }

    fn labels() -> Labels {
        Labels::new([("__meta_app", "novacron"), ("a", "Foo"), ("b", "bar"), ("port", "metrics")])
    }

    #[test]
    fn each_action_does_what_prometheus_does() {
        for (yaml, expected) in [
            ("{source_labels: [a, b], target_label: c}", Some("c=Foo;bar")),
            ("{source_labels: [a], regex: '(F)(.*)', replacement: '$2-$1', target_label: c}", Some("c=oo-F")),
            ("{source_labels: [a], regex: 'x', target_label: c}", Some("c=")),
            ("{source_labels: [a], regex: '(F).*', target_label: 'x_$1', replacement: y}", Some("x_F=y")),
            ("{source_labels: [a], target_label: a, replacement: ''}", Some("a=")),
            ("{source_labels: [__meta_app], regex: novacron, action: keep}", Some("a=Foo")),
            ("{source_labels: [__meta_app], regex: nova, action: keep}", None),
            ("{source_labels: [port], regex: metrics, action: drop}", None),
            ("{source_labels: [a], target_label: b, action: keepequal}", None),
            ("{source_labels: [a], target_label: b, action: dropequal}", Some("b=bar")),
            ("{regex: '__meta_(.+)', action: labelmap}", Some("app=novacron")),
            ("{regex: 'a|b', action: labeldrop}", Some("a=")),
            ("{regex: 'a|b', action: labelkeep}", Some("port=")),
            ("{source_labels: [a], target_label: c, action: lowercase}", Some("c=foo")),
            ("{source_labels: [b], target_label: c, action: uppercase}", Some("c=BAR")),
        ] {
            let changed = step(yaml).expect(yaml).apply(labels());
            match expected {
                None => assert_eq!(changed, None, "{yaml}"),
                Some(pair) => {
                    let (name, value) = pair.split_once('=').expect("a pair");
                    assert_eq!(changed.expect(yaml).value(name), value, "{yaml}");
                }
            }
        }
    }

    #[test]
    fn hashmod_is_that_of_prometheus() {
        // From Prometheus' own tests: baz modulo 1000 is 976.
        let step =
            step("{source_labels: [c], separator: ';', target_label: d, action: hashmod, modulus: 1000}");
        let labels = Labels::new([("a", "foo"), ("b", "bar"), ("c", "baz")]);
        assert_eq!(step.expect("legal").apply(labels).expect("kept").value("d"), "976");
    }

    #[test]
    fn a_step_that_cannot_work_is_refused_by_name() {
        for (yaml, message) in [
            ("{regex: '('}", "regular expression"),
            ("{source_labels: [a]}", "Replace needs a target_label"),
            ("{source_labels: [a], target_label: '1x'}", "needs a target_label"),
            ("{action: hashmod, target_label: a}", "modulus"),
            ("{action: labeldrop, regex: a, target_label: b}", "no other field"),
        ] {
            let error = step(yaml).expect_err(message).to_string();
            assert!(error.contains(message), "{yaml}: {error}");
        }
    }
}
