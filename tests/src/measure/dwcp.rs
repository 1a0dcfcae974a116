//! What a run of the conformance harness takes.

use std::time::Duration;

use crate::door::{Verdict, quick};
use crate::programs;
use crate::prove::dwcp::{reference, report};

const FULL: f64 = 300.0;
const QUICK: f64 = 60.0;

/// A quick run, and a full one unless less is enough; seconds by profile.
///
/// # Errors
/// The harness cannot be run.
pub(super) fn run() -> Result<Verdict, String> {
    let sut = reference(&programs::folder()?);
    let mut reached = true;
    let mut parts = Vec::new();
    for (name, aim, options) in
        [("quick", QUICK, &["--profile", "all", "--quick"][..]), ("full", FULL, &["--profile", "all"][..])]
    {
        if name == "full" && quick() {
            continue;
        }
        let (report, _, seconds) = report(options, &[&sut], Duration::from_mins(20))?;
        println!("{name}: {seconds:.1} s on {}", report["measured"]["machine"].as_str().unwrap_or_default());
        for profile in report["verdicts"]["profiles"].as_array().into_iter().flatten() {
            let of: Vec<&str> = report["verdicts"]["cases"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|case| case["profile"] == profile["profile"])
                .filter_map(|case| case["id"].as_str())
                .collect();
            let cases = report["measured"]["cases"].as_array().into_iter().flatten();
            let ms: f64 = cases
                .filter(|case| case["id"].as_str().is_some_and(|id| of.contains(&id)))
                .filter_map(|case| case["elapsed_ms"].as_f64())
                .sum();
            println!(
                "  {:<15} {:>3} cases {:>7.1} s",
                profile["profile"].as_str().unwrap_or_default(),
                of.len(),
                ms / 1e3
            );
        }
        reached &= seconds <= aim;
        parts.push(format!("{name} {seconds:.0} s (aim <= {aim:.0} s)"));
    }
    Ok(Verdict::new(parts.join(", "), reached))
}
