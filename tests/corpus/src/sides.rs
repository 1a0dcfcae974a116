//! Every rule side by side, each in its own setting: what it sends back without cause, whom it blames, what it finds.

use crate::bench::{Faults, Nulls, OWN, faults, in_parallel, nulls, seeds};
use crate::gaussian::{Gaussian, Tested};
use crate::literal::Literally;
use crate::ours::{Bunches, Looks, Ours};
use crate::peers::{Peer, SETTINGS};
use crate::rule::Rule;
use crate::scenario::{Scenario, count_nulls};

/// Ours, the literal rules, the peers, and two tests of a mean.
pub fn rules() -> Vec<Box<dyn Rule>> {
    let mut all: Vec<Box<dyn Rule>> = vec![
        Box::new(Ours::new(Looks::All, Bunches::Urn)),
        Box::new(Literally::new(true)),
        Box::new(Literally::new(false)),
    ];
    all.extend(SETTINGS.into_iter().map(|setting| Box::new(Peer::new(setting)) as Box<dyn Rule>));
    let gaussian = [Gaussian::MixtureSprt, Gaussian::Interval];
    all.extend(gaussian.into_iter().map(|which| Box::new(Tested::new(which)) as Box<dyn Rule>));
    all
}

/// Nulls by column; of the last two the answer is not to go back, but to hold and to eject.
const COLUMNS: [(&str, &str); 8] = [
    ("1/s", "healthy 1/s 0.1%"),
    ("10/s", "healthy 10/s 0.1%"),
    ("100/s", "healthy 100/s 0.1%"),
    ("1000/s", "healthy 1000/s 0.1%"),
    ("daily", "diurnal, swing 2.5"),
    ("bursts", "bursts phi 5"),
    ("incident", "shared incident, ramp"),
    ("instance", "one bad instance of twenty"),
];

const FAULTS: [f64; 3] = [3.0, 10.0, 50.0];

/// Two tables: falsely back or wrongly blamed; and what is found at 100 requests a second.
pub fn table(count: u64, lines: &mut Vec<String>) {
    let taken = seeds(count, false);
    let all = count_nulls();
    let scenarios: Vec<&Scenario> =
        COLUMNS.iter().filter_map(|(_, name)| all.iter().find(|s| s.name == *name)).collect();
    let healthy = in_parallel(&scenarios, |scenario| nulls(scenario, &taken, &rules));
    let worse = |factor: f64| Scenario::healthy(100.0, 0.001).worse(factor, 0);
    let found = in_parallel(&FAULTS, |factor| faults(&worse(*factor), &taken, &rules, &[OWN]));
    lines.push(format!(
        "\nside by side, each rule as it is set, {count} seeds; sent back without cause, in percent"
    ));
    lines.push(
        "(incident, instance: wrongly blamed on the release), and the mean time to clear a step early:"
            .to_owned(),
    );
    let names = COLUMNS.iter().map(|(name, _)| format!("{name:>9}"));
    lines.push(format!("{:<20}{} {:>10}", "rule", names.collect::<String>(), "cleared"));
    let count_of_rules = healthy.first().map_or(0, Vec::len);
    for at in 0..count_of_rules {
        let of_rule: Vec<&Nulls> = healthy.iter().filter_map(|column| column.get(at)).collect();
        lines.push(null_line(&of_rule));
    }
    lines.push(
        "found at 100/s, 0.1 %, from the start, of all rollouts that were not sent back before:".to_owned(),
    );
    lines.push(format!(
        "{:<20} {:>5} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9} {:>9} {:>8}",
        "rule", "x", "found", "mean s", "p50 s", "p95 s", "requests", "p50", "p95", "harm"
    ));
    for (factor, rules) in FAULTS.iter().zip(&found) {
        lines.extend(rules.iter().map(|rule| fault_line(*factor, rule)));
    }
}

fn null_line(of_rule: &[&Nulls]) -> String {
    let name = of_rule.first().map_or("", |null| null.name.as_str());
    let share = |null: &&Nulls| 100.0 * null.rolled_back as f64 / null.runs.max(1) as f64;
    let cells: String = of_rule.iter().map(|null| format!("{:>9.2}", share(null))).collect();
    // At 1 000 requests a second.
    let cleared = of_rule.get(3).filter(|null| null.promoted.1 > 0);
    let cleared = cleared
        .map_or("never".to_owned(), |null| format!("{:.0} s", null.promoted.0 / null.promoted.1 as f64));
    format!("{name:<20}{cells} {cleared:>10}")
}

fn fault_line(factor: f64, rule: &Faults) -> String {
    let (own, mean) = (&rule.own, rule.own.mean());
    format!(
        "{:<20} {factor:>5} {:>6.1}% {:>7.0} {:>7.0} {:>7.0} {:>9.0} {:>9.0} {:>9.0} {:>8.1}",
        rule.name,
        100.0 * own.detected(),
        mean[0],
        own.quantile(0, 0.5),
        own.quantile(0, 0.95),
        mean[1],
        own.quantile(1, 0.5),
        own.quantile(1, 0.95),
        mean[2],
    )
}
