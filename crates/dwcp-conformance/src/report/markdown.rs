//! Markdown, for a merge request or a wiki.

use std::fmt::Write;

use super::Report;
use super::text::{cell, figure};
use crate::driver::Verdict;

/// The report as Markdown.
pub fn render(report: &Report) -> String {
    let v = &report.verdicts;
    let mut out = format!(
        "# DWCP v3 conformance of {} {}\n\nSeed {}, {}, {} x, harness {}. Machine: {}. {:.1} s.\n\n",
        cell(&v.sut),
        cell(&v.sut_version),
        v.seed,
        if v.quick { "quick" } else { "full" },
        v.repeat,
        v.harness,
        cell(&report.measured.machine),
        report.measured.elapsed_ms as f64 / 1_000.0
    );
    out.push_str("| profile | claim | pass | fail | skip | error |\n|---|---|---|---|---|---|\n");
    for p in &v.profiles {
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            p.profile.name(),
            p.claim,
            p.pass,
            p.fail,
            p.skip,
            p.error
        );
    }
    out.push_str("\n| requirement | level | verdict | sentence | why not |\n|---|---|---|---|---|\n");
    for case in &v.cases {
        let seen = report.measured_of(&case.id).map_or("", |m| m.seen.as_str());
        let why =
            if case.verdict == Verdict::Pass { String::new() } else { format!("{} {seen}", case.reason) };
        let (id, level, verdict) = (&case.id, case.level.word(), case.verdict.word());
        let _ =
            writeln!(out, "| {id} | {level} | {verdict} | {} | {} |", cell(&case.sentence), cell(why.trim()));
    }
    out.push_str("\n| figure | of | median | least | most | unit |\n|---|---|---|---|---|---|\n");
    for case in &report.measured.cases {
        for f in &case.figures {
            let (median, least, most) = (figure(f.median), figure(f.least), figure(f.most));
            let _ = writeln!(
                out,
                "| {} | {} | {median} | {least} | {most} | {} |",
                cell(&f.name),
                case.id,
                f.unit
            );
        }
    }
    out
}
