//! A report as one page: no script, no font, nothing from outside. The pictures are in it.

use std::fmt::Write as _;

use health::sequential::svg;

use super::text::{name, smallest, times};
use super::{bounded, durations, escaped, planned};
use crate::units::{clock, span};
use crate::{AlertState, Report, Verdict};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#111;\
background:#fff}h1{font-size:1.35rem;margin:0;padding:.7rem 1rem;border-radius:.4rem;color:#fff}\
h2{font-size:1.05rem;margin:1.6rem 0 .4rem}.healthy{background:#166534}.regressed{background:#b91c1c}\
.undecided,.no{background:#92400e}table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;\
border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child,td.l,th.l{text-align:left}\
dl{display:grid;grid-template-columns:8rem 1fr;gap:.25rem 1rem;margin:1rem 0}dt{color:#555}dd{margin:0}\
svg{width:100%;height:auto}code{font-size:.9em}.this{background:#fee2e2}@media(max-width:40rem){dl{display:block}}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}td,th{border-color:#444}dt{color:#aaa}\
.this{background:#5f1717}svg{background:#fff;border-radius:.3rem}}";

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::new();
    let (service, word) = (escaped(&report.service), report.verdict.as_str());
    let class = word.split(' ').next().unwrap_or_default();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{service}: {word}</title><style>{STYLE}</style></head><body>\n\
         <h1 class=\"{class}\">{service}: {word}</h1>\n<p><strong>{}</strong></p>\n<dl>",
        escaped(&report.headline)
    );
    facts(&mut out, report);
    out.push_str("</dl>\n");
    arms(&mut out, report);
    let _ = writeln!(out, "<h2>Evidence</h2>\n{}", svg(&report.explanation));
    metrics(&mut out, report);
    planned::page(&mut out, report);
    bounded::page(&mut out, report);
    if let Some(durations) = &report.explanation.durations {
        durations::page(&mut out, durations);
    }
    rules(&mut out, report);
    refused(&mut out, report);
    let _ = writeln!(
        out,
        "<p>{} looks over {} from {}, {}.</p></body></html>",
        report.looks,
        span(report.over_ms),
        clock(report.began_ms),
        escaped(&report.source)
    );
    out
}

fn facts(out: &mut String, report: &Report) {
    let mut fact = |name: &str, text: &str| {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(text));
    };
    for reason in &report.reasons {
        fact("why", reason);
    }
    if let Some(since) = report.since {
        let wall = report.began_ms.saturating_add(since.as_millis().cast_signed());
        fact("since", &format!("{} ({} after the first look)", clock(wall), span(since.as_millis())));
    }
    let named = [
        ("arm", &report.arm),
        ("instance", &report.instance),
        ("endpoint", &report.endpoint),
        ("alert", &report.alert),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            fact(name, value);
        }
    }
    for change in &report.change {
        fact("what would change it", change);
    }
    fact("could have seen", &smallest(report));
    if let Some(basis) = &report.baseline {
        fact("baseline", &basis.told());
    }
    for note in &report.notes {
        fact("note", note);
    }
}

fn arms(out: &mut String, report: &Report) {
    out.push_str("<h2>Both revisions</h2>\n<table><tr><th></th><th>requests</th><th>failed</th><th>rate</th><th>p95</th><th class=\"l\">instances</th></tr>\n");
    for (name, arm) in [("canary", &report.canary), ("stable", &report.stable)] {
        let (rate, p95) = (arm.rate(), arm.p95());
        let instances = arm.instances.iter().map(|it| escaped(it)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            out,
            "<tr><td>{name}</td><td>{}</td><td>{}</td><td>{rate}</td><td>{p95}</td><td class=\"l\">{instances}</td></tr>",
            arm.requests, arm.bad
        );
    }
    out.push_str("</table>\n");
}

fn metrics(out: &mut String, report: &Report) {
    out.push_str("<table><tr><th>sequential test</th><th>canary</th><th>stable</th><th>evidence</th><th>p</th><th>times stable's</th></tr>\n");
    for metric in &report.explanation.metrics {
        let (canary, stable) = (metric.counts.canary, metric.counts.stable);
        let ratio = times(metric);
        let class = if metric.named && report.verdict == Verdict::Regressed { " class=\"this\"" } else { "" };
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td>{} of {}</td><td>{} of {}</td><td>{}</td><td>{:.4}</td><td>{ratio}</td></tr>",
            escaped(&name(metric)),
            canary.bad,
            canary.requests,
            stable.bad,
            stable.requests,
            metric.evidence,
            metric.p_value.value()
        );
    }
    out.push_str("</table>\n");
}

fn rules(out: &mut String, report: &Report) {
    out.push_str("<h2>Literal rules and alerts</h2>\n");
    if report.literal.is_empty() && report.alerts.is_empty() {
        out.push_str("<p>None held.</p>\n");
        return;
    }
    out.push_str("<table><tr><th>rule</th><th class=\"l\">what was seen</th><th>first</th></tr>\n");
    for rule in &report.literal {
        let acts = if rule.acts { "" } else { " (it does not decide)" };
        let first = span(rule.first.as_millis());
        let _ = writeln!(
            out,
            "<tr><td>{}{acts}</td><td class=\"l\">{}</td><td>{first}</td></tr>",
            rule.breach.rule,
            escaped(&rule.breach.text)
        );
    }
    for alert in &report.alerts {
        let state = if alert.state == AlertState::Firing { "fires" } else { "is pending" };
        let held = span(u64::try_from(alert.for_ms).unwrap_or(0));
        let text = escaped(&format!("{} {}", alert.labels, alert.text));
        let _ = writeln!(
            out,
            "<tr><td>alert {} {state}</td><td class=\"l\">{text}</td><td>for {held}</td></tr>",
            escaped(&alert.rule)
        );
    }
    out.push_str("</table>\n");
}

fn refused(out: &mut String, report: &Report) {
    if report.refused.is_empty() {
        return;
    }
    out.push_str("<h2>Not evidence</h2>\n<table><tr><th>kind</th><th class=\"l\">where</th><th class=\"l\">what</th><th>looks</th></tr>\n");
    for it in &report.refused {
        let refusal = &it.refusal;
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td class=\"l\">{} {}</td><td class=\"l\">{}</td><td>{}</td></tr>",
            refusal.why.as_str(),
            refusal.arm,
            escaped(&refusal.source),
            escaped(&refusal.text),
            it.looks
        );
    }
    out.push_str("</table>\n");
}
