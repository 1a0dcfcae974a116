//! Rule files and expressions at load: the design's rules are read and linted, everything else is an error by name.

use promql::{RuleFile, lint, parse};

const DESIGN: &str = include_str!("rules/design.yaml");

#[test]
fn the_rules_of_the_design_are_read() {
    let file = RuleFile::read(DESIGN).expect("legal");
    let shape: Vec<_> = file.groups.iter().map(|g| (g.name.as_str(), g.interval_ms, g.rules.len())).collect();
    assert_eq!(shape, [("novacron-critical", Some(30_000), 4), ("dwcp-alerts", Some(30_000), 3)]);
    assert_eq!(file.groups[0].rules[2].for_ms, 300_000);
}

#[test]
fn the_lint_says_that_high_error_rate_compares_errors_per_second_with_a_ratio_and_prints_the_mend() {
    let file = RuleFile::read(DESIGN).expect("legal");
    let findings: Vec<_> = file.groups.iter().flat_map(|g| &g.rules).flat_map(lint).collect();
    let of: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let expected = [
        "ServiceDown",
        "HighErrorRate",
        "HighErrorRate",
        "HighResponseTime",
        "DatabaseConnectionPoolExhausted",
        "DWCPPacketLoss",
        "DWCPBandwidthExhausted",
    ];
    assert_eq!(of, expected, "{findings:#?}");
    let error_rate = &findings[1];
    assert!(error_rate.what.starts_with("it compares errors per second with 0.01"), "{}", error_rate.what);
    let mend =
        "(sum(rate(http_requests_total{status=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))) > 0.01";
    assert_eq!(error_rate.mend, mend);
    assert_eq!(findings[0].mend, "up{job=\"novacron-api\"} == 0 or absent(up{job=\"novacron-api\"})");
    assert!(findings[3].mend.contains("sum by (le) (rate("), "{}", findings[3].mend);
    for finding in findings.iter().filter(|finding| !finding.mend.contains("{{")) {
        let rule = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{}'\n", finding.mend);
        let mended = RuleFile::read(&rule).expect("the mend is an expression");
        assert_eq!(lint(&mended.groups[0].rules[0]), [], "{}", finding.mend);
    }
}

/// Expression, line, column, beginning of the message.
const MISTAKES: &[(&str, usize, usize, &str)] = &[
    ("", 1, 1, "expected an expression, found the end"),
    ("a +", 1, 4, "expected an expression, found the end"),
    ("a b", 1, 3, "expected an operator or the end, found \"b\""),
    ("sum(a", 1, 6, "expected ',' or ')'"),
    ("holt_winters(a[5m], 1, 1)", 1, 1, "the function holt_winters is outside the subset"),
    ("a\n  + ln(b)", 2, 5, "the function ln is outside the subset"),
    ("Rate(a[5m])", 1, 1, "the function Rate is outside the subset"),
    ("a @ 5", 1, 3, "the @ modifier is outside the subset"),
    ("rate(a[5m:])", 1, 6, "a subquery without a step is outside the subset"),
    ("rate(a)", 1, 6, "rate needs a range vector, not an instant vector"),
    ("abs(a[5m])", 1, 5, "abs needs an instant vector, not a range vector"),
    ("abs()", 1, 1, "abs takes 1 arguments, not 0"),
    ("round(a, 1, 2)", 1, 1, "round takes 1 to 2 arguments, not 3"),
    ("label_join(a, \"b\")", 1, 1, "label_join takes at least 3 arguments, not 2"),
    ("topk(a)", 1, 1, "topk takes 2 arguments, not 1"),
    ("topk(\"1\", a)", 1, 6, "topk needs a number, not a text"),
    ("sum(1)", 1, 5, "sum needs an instant vector, not a number"),
    ("a[5m] + 1", 1, 7, "'+' needs an instant vector, not a range vector"),
    ("a and 1", 1, 3, "'and' needs an instant vector, not a number"),
    ("1 > 2", 1, 3, "expected bool after a comparison of two numbers"),
    ("a + bool b", 1, 5, "expected bool only after a comparison"),
    ("a + on(x) 1", 1, 3, "expected matching only between two vectors"),
    ("a and on(x) group_left b", 1, 13, "expected no grouping at and, or, unless"),
    ("a * on(x) group_left(x) b", 1, 3, "expected a label either in on or in the grouping"),
    ("{}", 1, 1, "a selector needs a name"),
    ("{a=~\".*\"}", 1, 1, "a selector needs a name"),
    ("a{b=1}", 1, 5, "expected a text in quotes, found the number 1"),
    ("a{b=~\"(\"}", 1, 3, "regular expression \"(\""),
    ("label_replace(a, \"b\", \"$1\", \"c\", \"[\")", 1, 34, "regular expression \"[\""),
    ("a{b}", 1, 4, "expected '=', '!=', '=~' or '!~'"),
    ("a[5]", 1, 3, "expected a duration above 0, found the number 5"),
    ("a[0s]", 1, 3, "expected a duration above 0"),
    ("a[5x]", 1, 3, "not a duration: 5x"),
    ("a offset b", 1, 3, "expected a duration after offset"),
    ("sum(a) offset 5m", 1, 8, "offset here is outside the subset"),
    ("-\"a\"", 1, 1, "a sign needs an instant vector, not a text"),
    ("a{b=\"c}", 1, 5, "the text has no closing quote"),
    ("a{b=\"\\q\"}", 1, 5, "unknown escape \\q"),
    ("ü", 1, 1, "unexpected character 'ü'"),
    ("a $ b", 1, 3, "unexpected character '$'"),
];

#[test]
fn an_expression_that_is_not_of_the_subset_is_an_error_that_names_what_and_where() {
    for (text, line, column, message) in MISTAKES {
        let error = parse(text).err().unwrap_or_else(|| panic!("{text:?} was accepted"));
        assert!(error.kind.to_string().starts_with(message), "{text:?}: {error}");
        assert_eq!((error.line, error.column), (*line, *column), "{text:?}: {error}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(parse(&deep).is_err_and(|error| error.to_string().contains("more than 65536 bytes")));
    for nested in [
        format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000)),
        "-".repeat(1_000) + "a",
        "abs(".repeat(1_000) + "a",
        "2 ^ ".repeat(1_000) + "2",
    ] {
        let error = parse(&nested).expect_err("too deep").to_string();
        assert!(error.contains("nested more than 64 deep"), "{error}");
    }
    let wide = "a + ".repeat(2_000) + "a";
    assert!(parse(&wide).is_err_and(|error| error.to_string().contains("operators")), "deep to the left");
}

/// A file, and what one of its errors says.
const FILES: &[(&str, &str)] = &[
    ("groups: [", "unclosed bracket"),
    ("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a\n    sever: 1\n", "sever"),
    ("groups:\n- name: g\n  rules:\n  - expr: a\n", "rule 1: exactly one of alert and record"),
    ("groups:\n- name: g\n  rules:\n  - alert: A\n    record: b\n    expr: a\n", "exactly one of"),
    ("groups:\n- name: g\n  rules: []\n- name: g\n  rules: []\n", "group g stands twice"),
    ("groups:\n- name: g\n  interval: 5\n  rules: []\n", "interval: \"5\" is not a duration"),
    (
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a\n    for: soon\n",
        "for: \"soon\" is not a duration",
    ),
    (
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: ln(a)\n",
        "rule A, expr line 1, column 1: the function ln",
    ),
    ("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a[5m]\n", "the expression is a range vector"),
    ("groups:\n- name: g\n  rules:\n  - record: a-b\n    expr: a\n", "not the name of a series"),
    (
        "groups:\n- name: g\n  rules:\n  - record: b\n    expr: a\n    for: 5m\n",
        "neither for, keep_firing_for",
    ),
    (
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a\n    annotations: {x: '{{ query \"b\" }}'}\n",
        "annotation x: {{ query \"b\" }} is outside the subset",
    ),
    (
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: a\n    labels: {alertname: b}\n",
        "cannot be the name of a label",
    ),
];

#[test]
fn every_mistake_in_a_rule_file_is_named() {
    for (text, message) in FILES {
        let errors = RuleFile::read(text).expect_err(message);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|error| error.contains(message)), "{text}: {said:?}");
    }
    let both = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: ln(a)\n  - alert: B\n    expr: a b\n";
    assert_eq!(RuleFile::read(both).expect_err("two").len(), 2, "all mistakes are told");
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "groups:\n- name: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        text +=
            &[format!("- &a{level} ["), vec![format!("*a{}", level - 1); 9].join(","), "]\n".into()].concat();
    }
    assert!(RuleFile::read(&text).is_err());
    assert!(RuleFile::read(&"x".repeat(5 << 20)).is_err_and(|e| e[0].to_string().contains("split it")));
}
