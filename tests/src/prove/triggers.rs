//! `prove triggers`: each of the design's five rules acts alone, and does what the design names.

use release::{Outcome, RuleName};
use simulation::Faults;

use crate::door::Verdict;
use crate::worlds::{Played, behaviour, release, world};

/// Whether the release went as the design says for that rule.
pub fn as_designed(rule: RuleName, played: &Played) -> bool {
    let back = matches!(played.outcome, Outcome::Aborted { stable: true, .. });
    let by = played.rule == Some(rule);
    match rule {
        RuleName::HealthCheck | RuleName::ErrorRate | RuleName::ServerErrors => {
            back && by && !played.asked && played.restarts == 0
        }
        RuleName::ResponseTime => back && by && played.asked && played.restarts == 0,
        // Restarted; the second time within the window it is a breach.
        RuleName::Memory => back && by && !played.asked && played.restarts > 0,
    }
}

/// Plays ten releases: in each world one with all rules, and one without the rule that can hold.
///
/// # Errors
/// A run did not end.
pub fn triggers() -> Result<Verdict, String> {
    println!(
        "{:<14} {:>10} {:<9} {:>5} {:>8}  without it",
        "only", "world time", "led back", "asked", "restarts"
    );
    let mut good = 0;
    for rule in RuleName::ALL {
        let with = release(&world(1, behaviour(rule), Faults::default())?, None)?;
        let without = release(&world(1, behaviour(rule), Faults::default())?, Some(rule))?;
        let promoted = without.outcome == Outcome::Promoted;
        println!(
            "{:<14} {:>8.1} s {:<9} {:>5} {:>8}  {}",
            rule.as_str(),
            with.took_ms as f64 / 1000.0,
            with.rule.map_or("-", RuleName::as_str),
            with.asked,
            with.restarts,
            without.outcome
        );
        good += u32::from(as_designed(rule, &with) && promoted);
    }
    Ok(Verdict::new(format!("{good} of 5 rules act alone, as the design says"), good == 5))
}
