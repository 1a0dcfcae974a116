//! Rule files of Prometheus: read whole, with every mistake in them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ast::{Expr, ValueKind};
use crate::{SyntaxError, Template, TemplateError, duration, parse};

/// Bytes of a rule file.
const LENGTH_MAX: usize = 4 * 1024 * 1024;
/// Nodes of its YAML, aliases followed.
const NODES_MAX: usize = 100_000;

/// A mistake in a rule file. Prometheus itself would refuse the file, or the rule is outside the subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Not YAML, or not the shape of a rule file.
    #[error("{0}")]
    Yaml(String),
    /// Longer than the limit.
    #[error("a rule file of more than {0} bytes: split it")]
    TooLong(usize),
    /// Two groups of one name.
    #[error("group {0} stands twice")]
    DuplicateGroup(String),
    /// Neither `alert` nor `record`, or both.
    #[error("group {group}, rule {number}: exactly one of alert and record")]
    Which {
        /// Its group.
        group: String,
        /// From 1.
        number: usize,
    },
    /// An expression that cannot be read.
    #[error("group {group}, rule {rule}, expr {error}")]
    Expression {
        /// Its group.
        group: String,
        /// Its name.
        rule: String,
        /// What and where within the expression.
        error: SyntaxError,
    },
    /// A text that is no template of the subset.
    #[error("group {group}, rule {rule}, {field}: {error}")]
    Template {
        /// Its group.
        group: String,
        /// Its name.
        rule: String,
        /// Which label or annotation.
        field: String,
        /// What.
        error: TemplateError,
    },
    /// Something else that a rule cannot have.
    #[error("group {group}, rule {rule}: {why}")]
    Rule {
        /// Its group.
        group: String,
        /// Its name.
        rule: String,
        /// What.
        why: String,
    },
}

/// All groups of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFile {
    /// In the order of the file.
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    /// Unique in the file.
    pub name: String,
    /// How often, in milliseconds, when it says so.
    pub interval_ms: Option<i64>,
    /// Results that one rule may have; 0 is no limit.
    pub limit: usize,
    /// In order.
    pub rules: Vec<Rule>,
}

/// An alert, or a series that is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Name of the alert or of the series.
    pub name: String,
    /// Whether it records a series.
    pub records: bool,
    /// The expression.
    pub expr: Expr,
    /// How long it must hold before the alert fires, in milliseconds.
    pub for_ms: i64,
    /// How long the alert goes on firing when it no longer holds, in milliseconds.
    pub keep_firing_for_ms: i64,
    /// Labels that are set.
    pub labels: BTreeMap<String, Template>,
    /// Texts for people.
    pub annotations: BTreeMap<String, Template>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    groups: Vec<RawGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    name: String,
    interval: Option<String>,
    #[serde(default)]
    limit: usize,
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    hold: Option<String>,
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl RuleFile {
    /// Reads a file.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn read(text: &str) -> Result<Self, Vec<RuleError>> {
        if text.len() > LENGTH_MAX {
            return Err(vec![RuleError::TooLong(LENGTH_MAX)]);
        }
        let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_nodes: NODES_MAX } };
        let raw: RawFile = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| vec![RuleError::Yaml(error.to_string())])?;
        let mut errors = Vec::new();
        let mut groups: Vec<RuleGroup> = Vec::new();
        for raw in raw.groups {
            if groups.iter().any(|group| group.name == raw.name) {
                errors.push(RuleError::DuplicateGroup(raw.name.clone()));
            }
            groups.push(group(raw, &mut errors));
        }
        if errors.is_empty() { Ok(Self { groups }) } else { Err(errors) }
    }
}

fn group(raw: RawGroup, errors: &mut Vec<RuleError>) -> RuleGroup {
    let RawGroup { name, interval, limit, rules: raw } = raw;
    let interval_ms = interval.map(|text| {
        let here = Place { group: &name, rule: "(the group)" };
        here.millis("interval", Some(text), errors)
    });
    let mut rules = Vec::new();
    for (number, raw) in raw.into_iter().enumerate() {
        let (rule, records) = match (&raw.alert, &raw.record) {
            (Some(alert), None) => (alert.clone(), false),
            (None, Some(record)) => (record.clone(), true),
            _ => {
                errors.push(RuleError::Which { group: name.clone(), number: number + 1 });
                continue;
            }
        };
        rules.extend(Place { group: &name, rule: &rule }.rule(raw, records, errors));
    }
    RuleGroup { name, interval_ms, limit, rules }
}

/// Where we are, for messages.
struct Place<'n> {
    group: &'n str,
    rule: &'n str,
}

impl Place<'_> {
    fn wrong(&self, why: impl Into<String>) -> RuleError {
        RuleError::Rule { group: self.group.to_owned(), rule: self.rule.to_owned(), why: why.into() }
    }

    fn millis(&self, field: &str, text: Option<String>, errors: &mut Vec<RuleError>) -> i64 {
        let Some(text) = text else { return 0 };
        duration::read(&text).unwrap_or_else(|| {
            errors.push(self.wrong(format!("{field}: {text:?} is not a duration such as 5m")));
            0
        })
    }

    fn templates(
        &self,
        kind: &str,
        texts: BTreeMap<String, String>,
        errors: &mut Vec<RuleError>,
    ) -> BTreeMap<String, Template> {
        let mut read = BTreeMap::new();
        for (name, text) in texts {
            if !is_label(&name) || name == "__name__" || (kind == "label" && name == "alertname") {
                errors.push(self.wrong(format!("{name:?} cannot be the name of a {kind}")));
            }
            match Template::read(&text) {
                Ok(template) => {
                    read.insert(name, template);
                }
                Err(error) => errors.push(RuleError::Template {
                    group: self.group.to_owned(),
                    rule: self.rule.to_owned(),
                    field: format!("{kind} {name}"),
                    error,
                }),
            }
        }
        read
    }

    fn rule(&self, raw: RawRule, records: bool, errors: &mut Vec<RuleError>) -> Option<Rule> {
        let more = raw.hold.is_some() || raw.keep_firing_for.is_some() || !raw.annotations.is_empty();
        if records && more {
            errors.push(self.wrong("a recorded series has neither for, keep_firing_for nor annotations"));
        }
        if records && !is_metric(self.rule) {
            errors.push(self.wrong("not the name of a series"));
        }
        let for_ms = self.millis("for", raw.hold, errors);
        let keep_firing_for_ms = self.millis("keep_firing_for", raw.keep_firing_for, errors);
        let labels = self.templates("label", raw.labels, errors);
        let annotations = self.templates("annotation", raw.annotations, errors);
        let expr = match parse(&raw.expr) {
            Ok(expr) => expr,
            Err(error) => {
                let (group, rule) = (self.group.to_owned(), self.rule.to_owned());
                errors.push(RuleError::Expression { group, rule, error });
                return None;
            }
        };
        if !matches!(expr.kind(), ValueKind::Scalar | ValueKind::Vector) {
            errors.push(self.wrong(format!("the expression is {}, not a value", expr.kind().as_str())));
        }
        let name = self.rule.to_owned();
        Some(Rule { name, records, expr, for_ms, keep_firing_for_ms, labels, annotations })
    }
}

fn is_label(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_metric(name: &str) -> bool {
    is_label(&name.replace(':', "_"))
}
