//! A report as JUnit XML: the verdict, each test, each literal rule that decides and each alert as a case.

use gate::{AlertState, Report, Verdict};
use health::checks::Status;
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::failure::Failure;

/// The XML.
pub(crate) fn junit(report: &Report) -> Result<String, Failure> {
    let mut suite = TestSuite::new(plain(&report.service));
    let passed = report.verdict == Verdict::Healthy;
    let kind = if report.verdict == Verdict::Regressed { "regressed" } else { "inconclusive" };
    let why =
        std::iter::once(&report.headline).chain(&report.reasons).cloned().collect::<Vec<_>>().join("\n");
    suite.add_test_case(case("the canary is as good as stable", passed, kind, &why));
    for metric in &report.explanation.metrics {
        let worse = metric.named && report.verdict == Verdict::Regressed;
        suite.add_test_case(case(
            &format!("sequential test of {}", metric.metric.as_str()),
            !worse,
            "regressed",
            &metric.brief(),
        ));
    }
    for bound in &report.bounded {
        let over = bound.over() && report.verdict == Verdict::Regressed;
        suite.add_test_case(case(
            &format!("bounded metric {}", bound.asked.name),
            !over,
            "regressed",
            &bound.told(),
        ));
    }
    for rule in report.literal.iter().filter(|rule| rule.acts) {
        suite.add_test_case(case(
            &format!("literal rule {}", rule.breach.rule),
            false,
            "regressed",
            &rule.breach.text,
        ));
    }
    for alert in &report.alerts {
        let quiet = alert.state != AlertState::Firing;
        suite.add_test_case(case(
            &format!("alert {}", alert.rule),
            quiet,
            "firing",
            &format!("{} {}", alert.labels, alert.text),
        ));
    }
    if let Some(basis) = report.baseline.as_ref().filter(|basis| !basis.used) {
        let mut skipped = TestCaseStatus::skipped();
        skipped.set_message(plain(&basis.told()));
        suite.add_test_case(TestCase::new("the canary is as good as the baseline", skipped));
    }
    if let Some(basis) = report.baseline.as_ref().filter(|basis| basis.used) {
        suite.add_test_case(case("the baseline of this hour is known", true, "", &basis.told()));
    }
    for it in &report.refused {
        let refusal = &it.refusal;
        let mut skipped = TestCaseStatus::skipped();
        skipped.set_message(plain(&refusal.text));
        let name = format!("evidence of {} {}: {}", refusal.arm, refusal.source, refusal.why.as_str());
        suite.add_test_case(TestCase::new(plain(&name), skipped));
    }
    written(suite)
}

/// The XML of health checks: each is a case.
pub(crate) fn checks(report: &gate::checks::Report) -> Result<String, Failure> {
    let mut suite = TestSuite::new("checks");
    for row in &report.checks {
        let kind = if matches!(row.status, Status::Failing { .. }) { "failing" } else { "unproven" };
        let good = matches!(row.status, Status::Passing { .. });
        suite.add_test_case(case(&row.name, good, kind, &row.told()));
    }
    if let Some(note) = &report.note {
        suite.add_test_case(case("they lasted to the end", report.code == 0, "unproven", note));
    }
    written(suite)
}

fn written(suite: TestSuite) -> Result<String, Failure> {
    let mut junit = Junit::new("nova-gate");
    junit.add_test_suite(suite);
    junit.to_string().map_err(|error| Failure::unexpected(error.to_string()))
}

fn case(name: &str, good: bool, kind: &str, text: &str) -> TestCase {
    let mut status =
        if good { TestCaseStatus::success() } else { TestCaseStatus::non_success(NonSuccessKind::Failure) };
    if !good {
        status.set_type(kind).set_message(plain(text));
    }
    TestCase::new(plain(name), status)
}

/// Without what XML 1.0 has no form for.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
