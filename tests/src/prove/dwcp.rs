//! Proofs of the DWCP conformance harness: the reference passes all, every requirement fails a fault, and a hostile
//! implementation harms only its own case.

pub mod hostile;
pub mod kernel;
pub mod mutants;
pub mod reference;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::programs;

/// Runs the harness against a program and gives its report, its exit code and how many seconds it took.
pub(crate) fn report(
    options: &[&str],
    adapter: &[&str],
    within: Duration,
) -> Result<(Value, i32, f64), String> {
    let bin = programs::folder()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("report.json");
    let begun = std::time::Instant::now();
    let mut command = Command::new(bin.join("dwcp-conformance"));
    command.arg("run").args(options).arg("--report").arg(&file).arg("--").args(adapter);
    let output = programs::run(&mut command, within)?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("no report: {error}\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let report = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok((report, output.status.code().unwrap_or(-1), begun.elapsed().as_secs_f64()))
}

/// The reference implementation.
pub(crate) fn reference(bin: &Path) -> String {
    bin.join("reference-sut").display().to_string()
}

/// The lines of a case that did not pass: id, verdict, why.
pub(crate) fn not_passed(report: &Value) -> Vec<String> {
    let cases = report["verdicts"]["cases"].as_array().into_iter().flatten();
    cases
        .filter(|case| case["verdict"] != "PASS")
        .map(|case| {
            let id = case["id"].as_str().unwrap_or_default();
            let measured = report["measured"]["cases"].as_array().into_iter().flatten();
            let seen = measured
                .filter(|one| one["id"] == id)
                .find_map(|one| one["seen"].as_str())
                .unwrap_or_default();
            format!("{id} {}: {} {seen}", case["verdict"].as_str().unwrap_or_default(), case["reason"])
        })
        .collect()
}
