//! SARIF 2.1.0: the small part of it that code hosts read. Reports with a place in a file are at home here; the verdict
//! of a gate has only the gate itself.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{Report, Verdict};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// A stable name of the kind.
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub level: &'static str,
    /// For people, with the mend.
    pub message: String,
    /// Where, when there is a place.
    pub place: Option<Place>,
}

/// A log of these results.
pub fn sarif_of(results: &[Result]) -> Value {
    let rules: BTreeSet<&str> = results.iter().map(|result| result.rule.as_str()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({"id": id})).collect();
    let results: Vec<Value> = results.iter().map(one).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "nova-gate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn one(result: &Result) -> Value {
    let mut value = json!({
        "ruleId": result.rule,
        "level": result.level,
        "message": {"text": result.message},
    });
    if let (Some(place), Some(fields)) = (&result.place, value.as_object_mut()) {
        let region = json!({"startLine": place.line.max(1), "startColumn": place.column.max(1)});
        let physical = json!({"artifactLocation": {"uri": uri(&place.file)}, "region": region});
        fields.insert("locations".to_owned(), json!([{"physicalLocation": physical}]));
    }
    value
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encoded).collect()
}

/// A report: the verdict unless it is healthy, and every refusal as a note. `file` is the gate file, when there is one.
pub fn sarif(report: &Report, file: Option<&str>) -> Value {
    let place = file.map(|file| Place { file: file.to_owned(), line: 1, column: 1 });
    let mut results = Vec::new();
    let level = match report.verdict {
        Verdict::Healthy => None,
        Verdict::Regressed => Some("error"),
        Verdict::Undecided | Verdict::NoData => Some("warning"),
    };
    if let Some(level) = level {
        let metric = report.metric.as_deref().and_then(|metric| metric.split(' ').next());
        let rule =
            format!("gate/{}", metric.unwrap_or(if level == "error" { "regressed" } else { "undecided" }));
        let message = std::iter::once(&report.headline).chain(&report.reasons).cloned().collect::<Vec<_>>();
        results.push(Result { rule, level, message: message.join("\n"), place: place.clone() });
    }
    results.extend(report.baseline.iter().map(|basis| Result {
        rule: format!("baseline/{}", basis.state()),
        level: "note",
        message: basis.told(),
        place: place.clone(),
    }));
    results.extend(report.refused.iter().map(|it| Result {
        rule: format!("evidence/{}", it.refusal.why.as_str()),
        level: "note",
        message: format!("{} {}: {}", it.refusal.arm, it.refusal.source, it.refusal.text),
        place: place.clone(),
    }));
    sarif_of(&results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_its_rule_its_level_and_its_place() {
        let place = Place { file: "a b/rules.yml".into(), line: 7, column: 0 };
        let result =
            Result { rule: "promql/x".into(), level: "warning", message: "m".into(), place: Some(place) };
        let log = sarif_of(&[result.clone(), Result { place: None, ..result }]);
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{"id": "promql/x"}]));
        let found = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(found["artifactLocation"]["uri"], "a%20b/rules.yml");
        assert_eq!(found["region"], json!({"startLine": 7, "startColumn": 1}));
        assert!(run["results"][1]["locations"].is_null());
    }
}
