//! `lint` and `audit` as they are called.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{code, gate, stdout};

const DESIGN: &str = "groups:\n- name: api\n  rules:\n  - alert: HighErrorRate\n    expr: rate(http_requests_total{status=~\"5..\"}[5m]) > 0.01\n    for: 5m\n";

#[test]
fn the_design_s_alert_is_named_with_its_mend_and_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, DESIGN).expect("written");
    let path = file.display().to_string();
    let output = gate(&["lint", &path]);
    assert_eq!(code(&output), 10);
    let text = stdout(&output);
    assert!(text.starts_with(&format!("{path}:5:5: HighErrorRate: it compares errors per second")), "{text}");
    assert!(text.contains("mend: ") && text.contains("sum by ()") || text.contains("sum("), "{text}");
    let sarif: Value =
        serde_json::from_str(&stdout(&gate(&["lint", &path, "--format", "sarif"]))).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "lint/HighErrorRate");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 5);
    let gate_file = folder.path().join("gate.yaml");
    let text = "service: a\ncanary: {from: [x]}\nstable: {from: [y]}\nalerts: [rules.yml]\n";
    std::fs::write(&gate_file, text).expect("written");
    let by_gate = stdout(&gate(&["lint", &gate_file.display().to_string()]));
    assert!(
        by_gate.starts_with(&format!("{path}:5:5: HighErrorRate: ")),
        "the file that it names: {by_gate}"
    );
    std::fs::write(&file, "groups: [{name: a, rules: [{alert: B, expr: 'up == 1'}]}]").expect("written");
    assert_eq!(code(&gate(&["lint", &path])), 0);
}

#[test]
fn the_price_of_each_literal_rule_is_that_of_the_traffic() {
    let priced = |rps: &str| -> Vec<(String, f64)> {
        let output = gate(&["lint", "--rps", rps, "--runs", "40", "--format", "json"]);
        assert_eq!(code(&output), 0);
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let prices = value["prices"].as_array().expect("a list");
        let back = |it: &Value| it["back"]["hits"].as_f64().unwrap_or(-1.0) / 40.0;
        prices.iter().map(|it| (it["rule"].as_str().unwrap_or_default().to_owned(), back(it))).collect()
    };
    let of = |prices: &[(String, f64)], rule: &str| {
        prices.iter().find(|(name, _)| name == rule).map_or(-1.0, |it| it.1)
    };
    let (slow, fast) = (priced("1"), priced("1000"));
    let rule = "5xx > 10/min";
    assert!(of(&slow, rule).abs() < 1e-9 && (of(&fast, rule) - 1.0).abs() < 1e-9, "{slow:?} {fast:?}");
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/novacron/pipeline.yaml");
    let own = stdout(&gate(&["lint", pipeline, "--rps", "10", "--runs", "10"]));
    for rule in
        ["3 failed probes in a row", "5xx > 10/min, and > 1 %", "sequential test of errors, alpha 1 %"]
    {
        assert!(own.contains(&format!("\ndeploy-production: {rule} ")), "{rule}: {own}");
    }
    let text = stdout(&gate(&["lint", "--rps", "10", "--runs", "20"]));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// A record of two stable instances, minute by minute; in every second half hour one of them is bad.
fn record(minutes: u64, bad: u64) -> String {
    let setup = serde_json::to_string(&gate::Line::Gate(gate::Setup::new("api", 1))).expect("a line");
    let mut text = setup + "\n";
    let (mut worse, mut even) = (0, 0);
    for n in 0..=minutes {
        even += 1;
        worse += if n / 30 % 2 == 1 { bad } else { 1 };
        let pod = |pod: u32, errors: u64| gate::Pod {
            pod,
            requests: n * 1_000 + 500,
            errors,
            ..gate::Pod::default()
        };
        let look = gate::Observation {
            at_ms: n * 60_000,
            pods: vec![pod(0, even), pod(1, worse)],
            ..gate::Observation::default()
        };
        let _ = writeln!(text, "{}", serde_json::to_string(&gate::Line::Look(look)).expect("a line"));
    }
    text
}

#[test]
fn an_audit_prints_its_interval_and_tells_kept_broken_and_too_short_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let audited = |minutes, bad| {
        let file = folder.path().join("history.jsonl");
        std::fs::write(&file, record(minutes, bad)).expect("written");
        let output = gate(&["audit", &file.display().to_string(), "--minutes", "10", "--format", "json"]);
        (code(&output), serde_json::from_slice::<Value>(&output.stdout).expect("JSON"))
    };
    let (code, kept) = audited(3_000, 1);
    assert_eq!(
        (code, &kept["plain"]["runs"], &kept["plain"]["crossed"]),
        (0, &600.into(), &0.into()),
        "{kept}"
    );
    assert!(kept["plain"]["high"].as_f64().is_some_and(|high| high < 0.01), "{kept}");
    let (code, broken) = audited(3_000, 30);
    assert_eq!(code, 10, "{broken}");
    assert!(broken["plain"]["low"].as_f64().is_some_and(|low| low > 0.01), "{broken}");
    assert!(broken["phi"].as_f64().is_some_and(|phi| phi > 1.0), "{broken}");
    assert_eq!(audited(120, 1).0, 12, "too short to say");
}
