//! The durations of both arms in a report: where each quantile lies, and how much slower the canary is.

use std::fmt::Write as _;

use health::sequential::Durations;
use health::sequential::dkw::{Between, Distribution, TOLD};

use super::escaped;
use super::text::wrapped;

/// Both arms with their quantiles.
fn arms(durations: &Durations) -> [(&'static str, &Distribution); 2] {
    [("canary", &durations.canary), ("stable", &durations.stable)]
}

/// Where a quantile lies, for people.
fn between(it: &Between) -> String {
    match (it.above_us, it.at_most_us) {
        (None, None) => "-".to_owned(),
        (Some(above), None) => format!("above {} ms", ms(above)),
        (None, Some(at_most)) => format!("up to {} ms", ms(at_most)),
        (Some(above), Some(at_most)) => format!("{} to {} ms", ms(above), ms(at_most)),
    }
}

/// Milliseconds with as many places as tell something.
fn ms(us: u64) -> f64 {
    let ms = us as f64 / 1_000.0;
    if ms >= 10.0 { (ms * 10.0).round() / 10.0 } else { ms }
}

/// How often any of it is wrong.
fn sure(durations: &Durations) -> f64 {
    (1.0 - durations.miss.value()) * 100.0
}

/// As a table of 80 columns.
pub(super) fn lines(out: &mut String, durations: &Durations) {
    let head: String = TOLD.iter().map(|percent| format!("{:>17}", format!("p{percent}"))).collect();
    let _ = writeln!(out, "\n  {:<10}{head}", "durations");
    for (name, arm) in arms(durations) {
        let row: String = arm.quantiles.iter().map(|it| format!("{:>17}", between(it))).collect();
        let _ = writeln!(out, "  {name:<10}{row}");
    }
    let told =
        format!("{} (right at every moment with {} %; decides nothing)", durations.told(), sure(durations));
    wrapped(out, "  slower  ", &told);
}

/// As a table of a page.
pub(super) fn page(out: &mut String, durations: &Durations) {
    let head: String = TOLD.iter().map(|percent| format!("<th>p{percent}</th>")).collect();
    let _ = writeln!(out, "<table><tr><th>durations</th>{head}</tr>");
    for (name, arm) in arms(durations) {
        let row: String = arm.quantiles.iter().map(|it| format!("<td>{}</td>", between(it))).collect();
        let _ = writeln!(out, "<tr><td>{name}</td>{row}</tr>");
    }
    let _ = writeln!(
        out,
        "</table>\n<p>{}. All of this is right at every moment with {} %. It pools over time and decides nothing: \
         the tests above compare within each stretch.</p>",
        escaped(&durations.told()),
        sure(durations)
    );
}
