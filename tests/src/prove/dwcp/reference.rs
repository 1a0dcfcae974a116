//! The reference meets every MUST and SHOULD, twice with the same verdicts, in the time that is given.

use std::time::Duration;

use super::{not_passed, reference, report};
use crate::door::{Verdict, quick};
use crate::programs;

const FULL: f64 = 300.0;
const QUICK: f64 = 60.0;
const PATIENCE: Duration = Duration::from_mins(20);

/// Runs all profiles, full (unless less is enough) and twice quick.
///
/// # Errors
/// The harness cannot be run.
pub fn prove() -> Result<Verdict, String> {
    let sut = reference(&programs::folder()?);
    let short = ["--profile", "all", "--quick", "--seed", "7"];
    let (mut first, _, quick_s) = report(&short, &[&sut], PATIENCE)?;
    let (mut second, ..) = report(&short, &[&sut], PATIENCE)?;
    let mut wrong = not_passed(&first);
    wrong.extend(not_passed(&second));
    let verdicts = |report: &mut serde_json::Value| report["verdicts"].take().to_string();
    let same = verdicts(&mut first) == verdicts(&mut second);
    println!(
        "quick: {quick_s:.0} s (aim {QUICK:.0} s), verdicts of two runs {}",
        if same { "equal" } else { "differ" }
    );
    let mut full_s = 0.0;
    let mut cases = 0;
    if !quick() {
        let (full, _, took) = report(&["--profile", "all"], &[&sut], PATIENCE)?;
        full_s = took;
        cases = full["verdicts"]["cases"].as_array().map_or(0, Vec::len);
        wrong.extend(not_passed(&full));
        println!("full: {took:.0} s (aim {FULL:.0} s), {cases} cases");
    }
    for line in &wrong {
        println!("{line}");
    }
    let reached = wrong.is_empty() && same && full_s <= FULL && quick_s <= QUICK;
    let text = format!(
        "{cases} requirements, {} not met by the reference, full {full_s:.0} s (aim {FULL:.0}), quick {quick_s:.0} s (aim {QUICK:.0})",
        wrong.len()
    );
    Ok(Verdict::new(text, reached))
}
