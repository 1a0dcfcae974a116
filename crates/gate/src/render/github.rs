//! For GitHub Actions: annotations as workflow commands, and a job summary in Markdown.

use std::fmt::Write as _;

use super::plain;
use super::text::{name, smallest, times};
use crate::{ArmReport, Report, Verdict};

/// Refusals that are annotated one by one: a step may have ten warnings.
const MOST: usize = 8;

/// Workflow commands. A verdict that is healthy is a notice.
pub fn annotations(report: &Report) -> String {
    let level = match report.verdict {
        Verdict::Healthy => "notice",
        Verdict::Regressed => "error",
        Verdict::Undecided | Verdict::NoData => "warning",
    };
    let title = format!("{}: {}", report.service, report.verdict.as_str());
    let body = std::iter::once(&report.headline).chain(&report.reasons).chain(&report.alert);
    let body = body.cloned().collect::<Vec<_>>().join("\n");
    let mut out = format!("::{level} title={}::{}\n", property(&title), message(&body));
    if let Some(basis) = &report.baseline {
        let level = if basis.used { "notice" } else { "warning" };
        let title = property(&format!("baseline: {}", basis.state()));
        let _ = writeln!(out, "::{level} title={title}::{}", message(&basis.told()));
    }
    for it in report.refused.iter().take(MOST) {
        let title = format!("not evidence: {}", it.refusal.why.as_str());
        let text = format!("{} {}: {}", it.refusal.arm, it.refusal.source, it.refusal.text);
        let _ = writeln!(out, "::warning title={}::{}", property(&title), message(&text));
    }
    out
}

/// Text of a workflow command: a line end or a percent sign would begin another command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// The job summary.
pub fn summary(report: &Report) -> String {
    let mark = match report.verdict {
        Verdict::Healthy => "\u{2705}",
        Verdict::Regressed => "\u{274c}",
        Verdict::Undecided | Verdict::NoData => "\u{26a0}\u{fe0f}",
    };
    let mut out = String::new();
    let _ = writeln!(out, "## {mark} {}: {}\n", cell(&report.service), report.verdict.as_str());
    let _ = writeln!(out, "{}\n", cell(&report.headline));
    for line in report.reasons.iter().chain(&report.alert) {
        let _ = writeln!(out, "- {}", cell(line));
    }
    let _ = writeln!(out, "\n| | requests | failed | rate | p95 |\n|---|--:|--:|--:|--:|");
    for (name, arm) in [("canary", &report.canary), ("stable", &report.stable)] {
        let _ = writeln!(out, "| {name} {}", row(arm));
    }
    let _ = writeln!(out, "\n| test | evidence | p | times stable's |\n|---|--:|--:|--:|");
    for metric in &report.explanation.metrics {
        let (evidence, p, ratio) = (metric.evidence, metric.p_value.value(), times(metric));
        let _ = writeln!(out, "| {} | {evidence} | {p:.4} | {ratio} |", name(metric));
    }
    let _ = writeln!(out, "\n{}.\n", cell(&smallest(report)));
    for bound in &report.bounded {
        let _ = writeln!(out, "- bounded metric: {} (evidence {})", cell(&bound.told()), bound.evidence);
    }
    if let Some(durations) = &report.explanation.durations {
        let _ = writeln!(out, "- durations: {}", cell(&durations.told()));
    }
    if let Some(basis) = &report.baseline {
        let _ = writeln!(out, "- baseline of {}", cell(&basis.told()));
    }
    for line in &report.change {
        let _ = writeln!(out, "- what would change it: {}", cell(line));
    }
    for rule in &report.literal {
        let _ = writeln!(out, "- literal rule {}: {}", rule.breach.rule, cell(&rule.breach.text));
    }
    if !report.refused.is_empty() {
        let _ = writeln!(out, "\n<details><summary>Not evidence: {}</summary>\n", report.refused.len());
        for it in &report.refused {
            let (refusal, looks) = (&it.refusal, it.looks);
            let why = refusal.why.as_str();
            let _ = writeln!(
                out,
                "- `{why}` {} {} ({looks} looks): {}",
                refusal.arm,
                cell(&refusal.source),
                cell(&refusal.text)
            );
        }
        let _ = writeln!(out, "\n</details>");
    }
    out
}

fn row(arm: &ArmReport) -> String {
    format!("| {} | {} | {} | {} |", arm.requests, arm.bad, arm.rate(), arm.p95())
}

/// Outside text as a part of Markdown: no markup, no cell, no tag.
fn cell(text: &str) -> String {
    plain(text).chars().fold(String::new(), |mut out, c| {
        if "|`*_[]<>\\#".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_begins_no_command_and_no_markup() {
        assert_eq!(message("a\n::error::b 5%"), "a%0A::error::b 5%25");
        assert_eq!(property("a: b, c"), "a%3A b%2C c");
        assert_eq!(cell("<b>|x\n"), "\\<b\\>\\|x ");
    }
}
