//! Laws: an expression is read back as it was written, and nothing that is read or evaluated panics.

use promql::{Group, Labels, Options, RuleFile, Store, evaluate, parse};
use proptest::prelude::*;

/// Expressions of one instant vector, of all shapes.
fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b{x=\"1\",y!~\"q.*\"}".to_owned()),
        Just("{__name__=~\"a|b\"} offset 1m".to_owned()),
        Just("rate(a[5m] offset 30s)".to_owned()),
        Just("quantile_over_time(0.5, b[2m])".to_owned()),
        Just("vector(time())".to_owned()),
        Just("label_replace(a, \"z\", \"$1-\\\"\\\\\", \"x\", \"(.).*\")".to_owned()),
        Just("absent(c{x=\"1\"})".to_owned()),
        Just("max_over_time(rate(a[1m])[5m:30s])".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operators = proptest::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            "==",
            "> bool",
            "<= on (x)",
            "and",
            "or",
            "unless ignoring (y)",
            "* on (x) group_left (y)",
            "/ ignoring (y) group_right ()",
        ]);
        let calls = proptest::sample::select(vec![
            "abs",
            "ceil",
            "sum by (x)",
            "avg without (y)",
            "topk by (x) (2,",
            "quantile(0.5,",
            "-",
            "sort_desc",
            "round",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (calls, inner).prop_map(|(call, a)| match call.strip_suffix(',') {
                Some(_) => format!("{call} {a})"),
                None => format!("{call}({a})"),
            }),
        ]
    })
}

fn store() -> Store {
    let mut store = Store::default();
    for (name, x) in [("a", "1"), ("a", "2"), ("b", "1"), ("b", "3")] {
        let labels = Labels::new([("__name__", name), ("x", x), ("y", "k")]);
        for step in 0..20 {
            store.append(&labels, step * 30_000, (step % 7) as f64 - 1.5);
        }
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_expression_is_read_back_as_it_was_written(text in vector()) {
        let expr = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let written = expr.to_string();
        let again = parse(&written).map_err(|error| TestCaseError::fail(format!("{written}: {error}")))?;
        prop_assert_eq!(again.to_string(), written);
    }

    #[test]
    fn what_was_read_has_a_value_or_an_error(text in vector(), at in -1_000_000_i64..2_000_000) {
        let expr = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let first = evaluate(&expr, at, &store(), &Options::default());
        let second = evaluate(&expr, at, &store(), &Options::default());
        prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "([a-zA-Z0-9_(){}\\[\\],:.\"'`=~!<>+*/%^@# \n-]|rate|sum|by|on|offset|5m){0,40}") {
        if let Ok(expr) = parse(&text) {
            let _ = evaluate(&expr, 300_000, &store(), &Options { samples_max: 10_000, ..Options::default() });
        }
    }

    #[test]
    fn no_text_makes_the_reader_of_rules_panic(text in "(groups:|- |name: |rules:|alert: A|expr: |[a-z\\[\\]{}&*!'\": \n]){0,40}") {
        let _ = RuleFile::read(&text).map(|file| file.groups.into_iter().map(Group::new).collect::<Vec<_>>());
    }
}
