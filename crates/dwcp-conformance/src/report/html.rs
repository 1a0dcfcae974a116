//! One HTML page that needs nothing else: claims, cases, figures, plots, transcripts of what did not pass.

use std::fmt::Write;

use super::plot::svg;
use super::text::{escaped, figure};
use super::{CaseMeasured, CaseVerdict, Report};
use crate::bench::Direction;

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}\
table{border-collapse:collapse;width:100%;margin:1em 0}td,th{border-bottom:1px solid #ddd;padding:.3em .6em;text-align:left;\
vertical-align:top}.PASS{color:#2a7d2a}.FAIL,.ERROR{color:#b00020;font-weight:600}.SKIP{color:#777}svg{width:100%;\
max-width:46em;font-size:11px;background:#fafafa;margin:.4em 0}svg .g{stroke:#e3e3e3}svg .t{font-weight:600}\
pre{background:#f5f5f5;padding:.6em;overflow:auto;max-height:24em}h2{margin-top:2em}";

/// The report as HTML.
pub fn render(report: &Report) -> String {
    let v = &report.verdicts;
    let name = escaped(&format!("{} {}", v.sut, v.sut_version));
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>DWCP v3: {name}</title><style>{STYLE}</style>\
         <h1>DWCP v3 conformance of {name}</h1><p>Seed {}, {}, each case {} time(s), harness {}, {:.1} s on {}.</p>",
        v.seed,
        if v.quick { "quick" } else { "full" },
        v.repeat,
        escaped(&v.harness),
        report.measured.elapsed_ms as f64 / 1_000.0,
        escaped(&report.measured.machine)
    );
    out.push_str("<table><tr><th>profile<th>claim<th>pass<th>fail<th>skip<th>error</tr>");
    for p in &v.profiles {
        // Writing to a text cannot fail.
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            p.profile.name(),
            p.claim,
            p.pass,
            p.fail,
            p.skip,
            p.error
        );
    }
    out.push_str("</table><h2>Requirements</h2><table><tr><th>id<th>level<th>verdict<th>requirement</tr>");
    for case in &v.cases {
        row(&mut out, case, report.measured_of(&case.id));
    }
    out.push_str("</table>");
    figures(&mut out, report);
    for case in report.measured.cases.iter().filter(|case| !case.plots.is_empty()) {
        let _ = write!(out, "<h2>{}</h2>", escaped(&case.id));
        for plot in &case.plots {
            out.push_str(&svg(plot));
        }
    }
    out.push_str("</html>\n");
    out
}

fn row(out: &mut String, case: &CaseVerdict, measured: Option<&CaseMeasured>) {
    let word = case.verdict.word();
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<tr id=\"{id}\"><td>{id}<td>{} {}<td class=\"{word}\">{word}<td>{}<br><small>{}</small>",
        case.level.word(),
        escaped(&case.when),
        escaped(&case.sentence),
        escaped(&case.source),
        id = escaped(&case.id)
    );
    if !case.reason.is_empty() {
        let seen = measured.map_or("", |m| m.seen.as_str());
        let _ = write!(out, "<br><b>{}</b> {}", escaped(&case.reason), escaped(seen));
    }
    if let Some(measured) = measured {
        for note in &measured.notes {
            let _ = write!(out, "<br>{}", escaped(note));
        }
        if !measured.transcript.is_empty() {
            out.push_str("<details><summary>transcript</summary><pre>");
            for entry in &measured.transcript {
                let mark = if entry.who == Direction::Asked { ">" } else { "<" };
                let _ = writeln!(out, "{} {} {}", entry.n, escaped(mark), escaped(&entry.line));
            }
            out.push_str("</pre></details>");
        }
    }
    out.push_str("</tr>");
}

fn figures(out: &mut String, report: &Report) {
    out.push_str("<h2>Figures</h2><table><tr><th>figure<th>of<th>median<th>least<th>most<th>unit</tr>");
    for case in &report.measured.cases {
        for f in &case.figures {
            // Writing to a text cannot fail.
            let _ = write!(
                out,
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
                escaped(&f.name),
                escaped(&case.id),
                figure(f.median),
                figure(f.least),
                figure(f.most),
                escaped(&f.unit)
            );
        }
    }
    out.push_str("</table>");
}
