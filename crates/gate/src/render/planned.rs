//! The planned looks in a report: what each saw, and the boundary that it was held to.

use std::fmt::Write as _;

use health::planned::Analysis;

use super::text::wrapped;
use crate::{Planned, Report};

fn plan(planned: &Planned) -> String {
    let (plan, taken) = (planned.plan, planned.taken.len());
    let next = planned.next_at.map_or("none is left".to_owned(), |at| format!("the next at {at}"));
    format!(
        "{taken} taken of {} looks at {} requests of the canary ({} spending); {next}",
        plan.looks,
        plan.requests,
        plan.spending.as_str()
    )
}

fn part(planned: &Planned, look: &Analysis) -> f64 {
    100.0 * look.pair.canary.requests as f64 / planned.plan.requests.max(1) as f64
}

/// As a table of 80 columns.
pub(super) fn lines(out: &mut String, report: &Report) {
    let Some(planned) = &report.planned else { return };
    let (requests, of, z, worse) = ("requests", "of plan", "z", "worse from");
    let _ = writeln!(out, "\n  {:<22}{requests:>12}{of:>10}{z:>10}{worse:>12}", "planned looks");
    for (number, look) in planned.taken.iter().enumerate() {
        let mark = if look.worse { "  <- this" } else { "" };
        let _ = writeln!(
            out,
            "  {:<22}{:>12}{:>8.1} %{:>10.2}{:>12.2}{mark}",
            number + 1,
            look.pair.canary.requests,
            part(planned, look),
            look.z.value(),
            look.boundary.value()
        );
    }
    wrapped(out, "          ", &plan(planned));
}

/// As a table of a page.
pub(super) fn page(out: &mut String, report: &Report) {
    let Some(planned) = &report.planned else { return };
    out.push_str("<table><tr><th>planned look</th><th>requests</th><th>of plan</th><th>z</th><th>worse from</th></tr>\n");
    for (number, look) in planned.taken.iter().enumerate() {
        let class = if look.worse { " class=\"this\"" } else { "" };
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td>{}</td><td>{:.1} %</td><td>{:.2}</td><td>{:.2}</td></tr>",
            number + 1,
            look.pair.canary.requests,
            part(planned, look),
            look.z.value(),
            look.boundary.value()
        );
    }
    let _ = writeln!(out, "</table>\n<p>{}.</p>", plan(planned));
}
