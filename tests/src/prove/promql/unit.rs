//! Unit test files of promtool, and what it says of them.

use std::fmt::Write;

use super::{Case, What, data, notation};

/// A unit test file with all cases.
pub(super) fn file(cases: &[Case], rules: bool) -> String {
    let mut text = String::new();
    let list = if rules { "rule_files: [rules.yaml]\n" } else { "rule_files: []\n" };
    let _ = write!(text, "{list}evaluation_interval: 1m\ntests:\n- interval: 30s\n  input_series:\n");
    for series in data() {
        let labels: Vec<String> = series.labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        let name = quoted(&format!("{}{{{}}}", series.name, labels.join(",")));
        let _ = writeln!(text, "  - series: {name}\n    values: '{}'", notation(&series.values));
    }
    for (head, alerts) in [("alert_rule_test", true), ("promql_expr_test", false)] {
        let part: String =
            cases.iter().filter(|case| matches!(case.what, What::Alert(..)) == alerts).map(one).collect();
        if !part.is_empty() {
            let _ = write!(text, "  {head}:\n{part}");
        }
    }
    text
}

fn one(case: &Case) -> String {
    let mut text = String::new();
    match &case.what {
        What::Expression(expr, points) => {
            let _ =
                writeln!(text, "  - expr: {}\n    eval_time: {}s\n    exp_samples:", quoted(expr), case.at_s);
            for point in points {
                let value = number(point.value);
                let _ = writeln!(
                    text,
                    "    - labels: {}\n      value: {value}",
                    quoted(&point.labels.to_string())
                );
            }
        }
        What::Alert(name, firing) => {
            let _ = writeln!(text, "  - alertname: {name}\n    eval_time: {}s\n    exp_alerts:", case.at_s);
            for alert in firing {
                let labels = alert.labels.iter().filter(|(name, _)| *name != "alertname");
                let _ = writeln!(text, "    - exp_labels: {}", map(labels));
                let annotations = alert.annotations.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                let _ = writeln!(text, "      exp_annotations: {}", map(annotations));
            }
        }
    }
    text
}

fn map<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}: {}", quoted(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// As a YAML float.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    format!("{value:?}")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What promtool does not agree with, one line each; its whole text when it failed for another reason. And how many of
/// its lines differ only in the last digit of numbers: it adds series up in another order, which PromQL leaves open.
pub(super) fn differences(said: &str, success: bool) -> (Vec<String>, usize) {
    let mut found: Vec<String> = Vec::new();
    for line in said.lines().map(str::trim_end) {
        let begins = ["expr:", "alertname:", "alert_rule_test", "promql_expr_test"];
        if begins.iter().any(|word| line.trim_start().starts_with(word)) {
            found.push(line.trim().to_owned());
        } else if let Some(last) = found.last_mut() {
            last.push(' ');
            last.push_str(line.trim());
        }
    }
    if found.is_empty() && !success {
        found.push(said.to_owned());
    }
    let all = found.len();
    found.retain(|line| !same_but_last_digit(line));
    let last_digit = all - found.len();
    (found, last_digit)
}

/// Whether what was expected and what was got are the same words, or numbers that are equal to one part in 10^12.
fn same_but_last_digit(line: &str) -> bool {
    let Some((expected, got)) = line.split_once("exp:").and_then(|(_, rest)| rest.split_once("got:")) else {
        return false;
    };
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().map(|word| word.trim_end_matches(',').to_owned()).collect()
    };
    let near = |a: &String, b: &String| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        _ => a == b,
    };
    let (expected, got) = (words(expected), words(got));
    expected.len() == got.len() && expected.iter().zip(&got).all(|(a, b)| near(a, b))
}

#[test]
fn only_the_last_digit_is_forgiven() {
    let line =
        |expected: &str, got: &str| same_but_last_digit(&format!("expr: x, exp: {expected} got: {got}"));
    assert!(line("{} 1.2999999999999998E+00, {a=\"1\"} 2E+00", "{} 1.3E+00, {a=\"1\"} 2E+00"));
    assert!(!line("{} 1.2999E+00", "{} 1.3E+00"));
    assert!(!line("{a=\"1\"} 1E+00", "{a=\"2\"} 1E+00"));
    assert!(!line("nil", "{} 1E+00"));
    assert!(!same_but_last_digit("alertname: A, time: 1m"));
}
