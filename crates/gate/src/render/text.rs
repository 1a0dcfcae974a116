//! A report at a terminal of 80 columns: the verdict first, then what was seen, then what was no evidence.

use std::fmt::Write as _;

use health::sequential::{Explained, LogE};
use machine::Timestamp;

use super::{bounded, durations, plain, planned};
use crate::units::{clock, percent, span};
use crate::{AlertState, ArmReport, Report, Verdict};

const WIDTH: usize = 80;
/// The ratio at which the interval ends where nothing bounds it.
const GRID_END: f64 = 373.0;
/// Refusals that are told one by one.
const MOST_REFUSED: usize = 12;

/// The report in lines.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let word = report.verdict.as_str().to_uppercase();
    wrapped(&mut out, &format!("{word}  "), &report.headline);
    for reason in &report.reasons {
        wrapped(&mut out, "  why     ", reason);
    }
    if let Some(since) = report.since {
        wrapped(&mut out, "  since   ", &at(report, since));
    }
    for (name, value) in [("instance", &report.instance), ("endpoint", &report.endpoint)] {
        if let Some(value) = value {
            wrapped(&mut out, &format!("  {name:<8}"), value);
        }
    }
    if let Some(alert) = &report.alert {
        wrapped(&mut out, "  alert   ", alert);
    }
    for change in &report.change {
        wrapped(&mut out, "  change  ", change);
    }
    wrapped(&mut out, "  seen    ", &smallest(report));
    if let Some(basis) = &report.baseline {
        wrapped(&mut out, "  baseline ", &basis.told());
    }
    arms(&mut out, report);
    metrics(&mut out, report);
    planned::lines(&mut out, report);
    bounded::lines(&mut out, report);
    if let Some(durations) = &report.explanation.durations {
        durations::lines(&mut out, durations);
    }
    literal(&mut out, report);
    alerts(&mut out, report);
    refused(&mut out, report);
    for note in &report.notes {
        wrapped(&mut out, "  note    ", note);
    }
    let looks = format!(
        "{} looks over {} from {}, {}; {} rules decide",
        report.looks,
        span(report.over_ms),
        clock(report.began_ms),
        report.source,
        report.decides.as_str()
    );
    wrapped(&mut out, "  looked  ", &looks);
    out
}

/// What the smallest regression is that could have been seen.
pub(crate) fn smallest(report: &Report) -> String {
    match report.smallest {
        Some(smallest) => {
            let (times, base) = (smallest.times.value(), smallest.base.value());
            let of = if smallest.at_most { "at most " } else { "" };
            let what = if smallest.recorded { "what the baseline allows" } else { "the errors" };
            format!(
                "the smallest regression it could have seen is {times:.1} times {what} ({} to {}); less is unproven",
                format_args!("{of}{}", percent(base)),
                percent((base * times).min(1.0))
            )
        }
        None if report.planned.as_ref().is_some_and(|planned| planned.next_at.is_some()) => {
            "nothing is promised before the last planned look".to_owned()
        }
        None => "no rise of the errors could have been seen: too few requests".to_owned(),
    }
}

fn at(report: &Report, time: Timestamp) -> String {
    let wall = report.began_ms.saturating_add(time.as_millis().cast_signed());
    format!("{} ({} after the first look)", clock(wall), span(time.as_millis()))
}

fn arms(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "\n  {:<10}{:>10}{:>9}{:>10}{:>12}  instances",
        "", "requests", "failed", "rate", "p95"
    );
    for (name, arm) in [("canary", &report.canary), ("stable", &report.stable)] {
        if arm.instances.is_empty() && arm.requests == 0 {
            continue;
        }
        let (rate, p95) = (arm.rate(), arm.p95());
        let _ = writeln!(
            out,
            "  {name:<10}{:>10}{:>9}{rate:>10}{p95:>12}  {}",
            arm.requests,
            arm.bad,
            instances(arm)
        );
        for (instance, leak) in &arm.leaks {
            let pace = leak.bytes_per_minute.value() / f64::from(1 << 20);
            let left = leak.to_limit_ms.map_or(String::new(), |ms| format!(", {} to its limit", span(ms)));
            wrapped(out, "  leak    ", &format!("{instance} grows by {pace:.1} MiB a minute{left}"));
        }
    }
}

fn instances(arm: &ArmReport) -> String {
    match arm.instances.as_slice() {
        [] => "-".to_owned(),
        [one] => shortened(&plain(one), 24),
        several => several.len().to_string(),
    }
}

fn metrics(out: &mut String, report: &Report) {
    if report.explanation.metrics.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n  {:<22}{:>12}{:>10}   times stable's", "sequential tests", "evidence", "p");
    for metric in &report.explanation.metrics {
        let evidence = metric.evidence;
        let ratio = times(metric);
        let mark = if metric.named && report.verdict == Verdict::Regressed { "  <- this" } else { "" };
        let _ = writeln!(
            out,
            "  {:<22}{evidence:>12}{:>10.4}   {ratio}{mark}",
            name(metric),
            metric.p_value.value()
        );
    }
    let all = &report.explanation;
    let needed = LogE::from_ln(all.threshold.value());
    let _ = writeln!(
        out,
        "  {:<22}{:>12}{:>10.4}   worse at {}",
        "all together",
        all.evidence,
        all.p_value(),
        needed
    );
}

/// A metric with its edge.
pub(crate) fn name(metric: &Explained) -> String {
    let edge = metric.edge_us.map_or(String::new(), |us| format!(" over {} ms", us as f64 / 1_000.0));
    format!("{}{edge}", metric.metric.as_str())
}

/// Where the ratio to stable lies; an end of the grid is no bound.
pub(crate) fn times(metric: &Explained) -> String {
    let Some((low, high)) = metric.ratio else { return "-".to_owned() };
    match (low.value(), high.value()) {
        (low, high) if low <= 0.0 && high >= GRID_END => "nothing is known".to_owned(),
        (low, high) if high >= GRID_END => format!("{low:.2} or more"),
        (low, high) => format!("{low:.2} to {high:.2}"),
    }
}

fn literal(out: &mut String, report: &Report) {
    let _ = writeln!(out);
    if report.literal.is_empty() {
        let _ = writeln!(out, "  literal rules of the design: none held");
    }
    for rule in &report.literal {
        let acts = if rule.acts { "" } else { ", would have sent it back" };
        let text = format!(
            "{} (first {}, at {} looks{acts})",
            rule.breach.text,
            span(rule.first.as_millis()),
            rule.looks
        );
        wrapped(out, &format!("  literal {} ", rule.breach.rule), &text);
    }
}

fn alerts(out: &mut String, report: &Report) {
    for alert in &report.alerts {
        let state = if alert.state == AlertState::Firing { "fires" } else { "is pending" };
        let value = alert.value.map_or_else(|| "no number".into(), |value| format!("{value}"));
        let text = format!("{}{} {state}, value {value}. {}", alert.rule, alert.labels, alert.text);
        wrapped(out, "  alert   ", &text);
    }
}

fn refused(out: &mut String, report: &Report) {
    if report.refused.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n  not evidence:");
    for it in report.refused.iter().take(MOST_REFUSED) {
        let refusal = &it.refusal;
        let arm = if refusal.arm.is_empty() { String::new() } else { format!("{} ", refusal.arm) };
        let text =
            format!("{arm}{}: {} ({} of {} looks)", refusal.source, refusal.text, it.looks, report.looks);
        wrapped(out, &format!("  {} ", refusal.why.as_str()), &text);
    }
    if report.refused.len() > MOST_REFUSED {
        let _ =
            writeln!(out, "  and {} more kinds; --format json has all", report.refused.len() - MOST_REFUSED);
    }
}

/// One line of a watch.
pub fn line(report: &Report) -> String {
    let (found, needed) = (report.explanation.evidence, LogE::from_ln(report.explanation.threshold.value()));
    format!(
        "{:>8}  {:<9}  canary {:>7} {:>8}  stable {:>7} {:>8}  {found} of {needed}",
        span(report.over_ms),
        report.verdict.as_str(),
        report.canary.requests,
        report.canary.rate(),
        report.stable.requests,
        report.stable.rate(),
    )
}

/// Words that fit, the first line behind `head`, the others below it.
pub(super) fn wrapped(out: &mut String, head: &str, words: &str) {
    let indent = " ".repeat(head.chars().count().min(12));
    let mut line = head.to_owned();
    let mut empty = true;
    for word in plain(words).split(' ').filter(|word| !word.is_empty()) {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{}", line.trim_end());
            line.clone_from(&indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = text.chars().rev().take(most - 1).collect::<Vec<_>>();
    format!("~{}", kept.into_iter().rev().collect::<String>())
}
