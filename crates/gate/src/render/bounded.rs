//! The bounded metrics in a report: mean and limit, the evidence, and whose part of alpha it is.

use std::fmt::Write as _;

use health::Finite;
use health::sequential::LogE;

use super::text::{shortened, wrapped};
use super::{escaped, plain};
use crate::bounded::Bound;
use crate::units::percent;
use crate::{Report, Verdict};

fn number(value: Option<Finite>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.3}", value.value()))
}

/// Whose part of alpha is whose.
fn shares(report: &Report) -> String {
    let own: f64 = report.bounded.iter().map(|bound| bound.alpha.value()).sum();
    let tests = report.explanation.alpha.value();
    format!(
        "of the {} that all of it together may be wrong, {} are these metrics' and {} the tests'",
        percent(own + tests),
        percent(own),
        percent(tests)
    )
}

/// It is what ended the gate.
fn this(report: &Report, bound: &Bound) -> bool {
    report.verdict == Verdict::Regressed && bound.over()
}

/// As a table of 80 columns.
pub(super) fn lines(out: &mut String, report: &Report) {
    if report.bounded.is_empty() {
        return;
    }
    let (values, mean, at_most) = ("values", "mean", "at most");
    let _ = writeln!(
        out,
        "\n  {:<20}{values:>8}{mean:>10}{at_most:>10}{:>12}{:>8}",
        "bounded metrics", "evidence", "p"
    );
    for bound in &report.bounded {
        let mark = if this(report, bound) { " <- this" } else { "" };
        let _ = writeln!(
            out,
            "  {:<20}{:>8}{:>10}{:>10}{:>12}{:>8.4}{mark}",
            shortened(&plain(&bound.asked.name), 20),
            bound.values,
            number(bound.mean),
            number(Some(bound.asked.at_most)),
            bound.evidence,
            bound.p_value.value()
        );
    }
    let needed = report.bounded.first().map_or(LogE::ONE, |bound| LogE::from_ln(bound.threshold.value()));
    wrapped(out, "          ", &format!("over the limit at {}; {}", needed, shares(report)));
}

/// As a table of a page.
pub(super) fn page(out: &mut String, report: &Report) {
    if report.bounded.is_empty() {
        return;
    }
    out.push_str("<table><tr><th>bounded metric</th><th>values</th><th>mean</th><th>at most</th><th>evidence</th><th>p</th></tr>\n");
    for bound in &report.bounded {
        let class = if this(report, bound) { " class=\"this\"" } else { "" };
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.4}</td></tr>",
            escaped(&bound.asked.name),
            bound.values,
            number(bound.mean),
            number(Some(bound.asked.at_most)),
            bound.evidence,
            bound.p_value.value()
        );
    }
    let _ = writeln!(out, "</table>\n<p>{}.</p>", escaped(&shares(report)));
}
