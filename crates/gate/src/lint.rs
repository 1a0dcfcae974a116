//! The lint of rule files with places: what a rule cannot mean, and what cannot be read at all.

use promql::{Rule, RuleError, RuleFile};

/// One thing about a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linted {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// The file cannot be used as it is.
    pub error: bool,
    /// The rule, when it is about one.
    pub rule: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead; empty when the message says it.
    pub mend: String,
}

/// Looks at a rule file.
pub fn rules(text: &str) -> Vec<Linted> {
    match RuleFile::read(text) {
        Err(errors) => errors.iter().map(|error| refused(text, error)).collect(),
        Ok(file) => {
            file.groups.iter().flat_map(|group| &group.rules).flat_map(|rule| opinions(text, rule)).collect()
        }
    }
}

fn opinions(text: &str, rule: &Rule) -> Vec<Linted> {
    let found = promql::lint(rule).into_iter().map(|finding| {
        let (line, column) = place(text, &rule.name, "expr");
        Linted { line, column, error: false, rule: finding.rule, what: finding.what, mend: finding.mend }
    });
    found.collect()
}

fn refused(text: &str, error: &RuleError) -> Linted {
    let (rule, field) = match error {
        RuleError::Expression { rule, .. } => (rule.as_str(), "expr"),
        RuleError::Template { rule, field, .. } => {
            (rule.as_str(), field.split(' ').next_back().unwrap_or_default())
        }
        RuleError::Rule { rule, .. } => (rule.as_str(), ""),
        RuleError::DuplicateGroup(name) => (name.as_str(), ""),
        _ => ("", ""),
    };
    let what = error.to_string();
    let (line, column) = match (error, yaml_place(&what)) {
        (RuleError::Yaml(_), Some(place)) => place,
        _ => place(text, rule, field),
    };
    let what = what.lines().next().unwrap_or_default().to_owned();
    let mend = match error {
        RuleError::Expression { .. } => {
            "mend the expression, or let a real server evaluate it: nova-gate check --prometheus URL"
        }
        RuleError::Yaml(_) => "check indentation, quotes and brackets near this place",
        _ => "",
    };
    Linted { line, column, error: true, rule: rule.to_owned(), what, mend: mend.to_owned() }
}

/// Line and column out of the YAML reader's message.
fn yaml_place(message: &str) -> Option<(usize, usize)> {
    let rest = message.split("line ").nth(1)?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((number(rest)?, rest.split("column ").nth(1).and_then(number).unwrap_or(1)))
}

/// Where a field of a rule stands, as far as lines tell: behind the line that names the rule.
fn place(text: &str, rule: &str, field: &str) -> (usize, usize) {
    let names = |line: &str| {
        let mut words = line.split([':', ' ', '\'', '"', ',', '{', '}']).filter(|word| !word.is_empty());
        !rule.is_empty() && words.any(|word| word == rule)
    };
    let Some(first) = text.lines().position(names) else { return (1, 1) };
    let column = |line: &str, word: &str| {
        line.find(word).map(|at| line.get(..at).map_or(1, |before| before.chars().count() + 1))
    };
    let key = format!("{field}:");
    let later = text.lines().enumerate().skip(first);
    let until_next = later.take_while(|(at, line)| *at == first || !line.trim_start().starts_with("- "));
    let found =
        until_next.filter(|_| !field.is_empty()).find_map(|(at, line)| Some((at + 1, column(line, &key)?)));
    let named = text.lines().nth(first).and_then(|line| column(line, rule)).unwrap_or(1);
    found.unwrap_or((first + 1, named))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: &str = "groups:\n- name: api\n  rules:\n  - alert: HighErrorRate\n    expr: rate(http_requests_total{status=~\"5..\"}[5m]) > 0.01\n    for: 5m\n  - alert: Other\n    expr: up == 1\n";

    #[test]
    fn the_design_s_rule_is_named_with_its_place_and_its_mend() {
        let found = rules(DESIGN);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.line, one.column, one.error, one.rule.as_str()), (5, 5, false, "HighErrorRate"));
        assert!(one.what.contains("errors per second"), "{}", one.what);
        assert!(one.mend.contains("sum") && one.mend.contains(" / "), "{}", one.mend);
    }

    #[test]
    fn what_cannot_be_read_has_a_place_and_names_the_function() {
        let found = rules(&DESIGN.replace("up == 1", "holt_winters(up[5m], 0.5, 0.5) > 1"));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.line, one.error), (8, true));
        assert!(one.what.contains("holt_winters"), "{}", one.what);
        let found = rules("groups:\n- name: a\n  rules: [}\n");
        assert_eq!((found[0].line, found[0].error), (3, true), "{found:?}");
    }
}
