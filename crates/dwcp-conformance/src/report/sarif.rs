//! SARIF 2.1.0 (OASIS): each requirement is a rule, each case that did not pass a result.

use serde_json::{Value, json};

use super::Report;
use crate::driver::Verdict;
use crate::requirement::Level;

/// The report as SARIF.
pub fn render(report: &Report) -> String {
    let rules: Vec<Value> = report
        .verdicts
        .cases
        .iter()
        .map(|case| {
            json!({
                "id": case.id,
                "shortDescription": {"text": case.sentence},
                "properties": {"level": case.level, "profile": case.profile, "source": case.source},
            })
        })
        .collect();
    let results: Vec<Value> = report
        .verdicts
        .cases
        .iter()
        .enumerate()
        .map(|(at, case)| {
            let seen = report.measured_of(&case.id).map_or("", |m| m.seen.as_str());
            let (kind, level) = match (case.verdict, case.level) {
                (Verdict::Pass, _) => ("pass", "none"),
                (Verdict::Skip, _) => ("notApplicable", "none"),
                (Verdict::Error, _) | (Verdict::Fail, Level::Must) => ("fail", "error"),
                (Verdict::Fail, Level::Should) => ("fail", "warning"),
            };
            json!({
                "ruleId": case.id,
                "ruleIndex": at,
                "kind": kind,
                "level": level,
                "message": {"text": format!("{}: {} {seen}", case.verdict.word(), case.reason)},
                "locations": [{"logicalLocations": [{"name": report.verdicts.sut, "kind": "module"}]}],
            })
        })
        .collect();
    let driver = json!({"name": "dwcp-conformance", "version": report.verdicts.harness, "rules": rules});
    let whole = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    });
    format!("{whole:#}\n")
}
