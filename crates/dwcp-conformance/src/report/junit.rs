//! JUnit XML, as continuous integration reads it: one suite a profile.

use std::fmt::Write;

use super::Report;
use super::text::escaped;
use crate::driver::Verdict;

/// The report as JUnit XML.
pub fn render(report: &Report) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dwcp-conformance\">\n");
    for profile in report.verdicts.profiles.iter().filter(|one| one.requested) {
        let name = profile.profile.name();
        let tests = profile.pass + profile.fail + profile.skip + profile.error;
        let (failed, errors, skipped) = (profile.fail, profile.error, profile.skip);
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\">"
        );
        for case in report.verdicts.cases.iter().filter(|case| case.profile == profile.profile) {
            let measured = report.measured_of(&case.id);
            let seconds = measured.map_or(0.0, |m| m.elapsed_ms as f64 / 1_000.0);
            let seen = measured.map_or("", |m| m.seen.as_str());
            let (id, reason) = (&case.id, escaped(&case.reason));
            let level = case.level.word();
            let _ =
                write!(out, "    <testcase classname=\"{name}.{level}\" name=\"{id}\" time=\"{seconds:.3}\"");
            let _ = match case.verdict {
                Verdict::Pass => writeln!(out, "/>"),
                Verdict::Skip => writeln!(out, "><skipped message=\"{reason}\"/></testcase>"),
                Verdict::Fail | Verdict::Error => {
                    let tag = if case.verdict == Verdict::Fail { "failure" } else { "error" };
                    let text = escaped(&format!("{}\n{seen}", case.sentence));
                    writeln!(out, "><{tag} message=\"{reason}\">{text}</{tag}></testcase>")
                }
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
