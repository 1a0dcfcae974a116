//! `prove promql`: the same series, expressions and rules through our evaluator and through `promtool test rules`.
//!
//! Our answers are written down as what promtool shall expect; what it does not agree with is a difference. Debian's
//! promtool is 2.42. What that does not know has no oracle here: names in quotes, native histograms, the open edges of
//! Prometheus 3.

mod cases;
mod unit;

use std::process::Command;
use std::time::Duration;

use promql::{Group, Labels, Options, Point, RuleFile, Store, evaluate, parse};

use crate::door::Verdict;
use crate::programs;
use cases::{EXPRESSIONS, RULES, STEP_MS, TIMES_S, WRITTEN, alert_times_s, data, notation};

/// Cases that must agree at least.
const CASES_MIN: usize = 200;
const LIMIT: Duration = Duration::from_mins(2);
/// When rules are evaluated, and for how long.
const EVALUATED_MS: i64 = 60_000;
const LAST_MS: i64 = 20 * EVALUATED_MS;

/// What promtool shall find.
pub(super) struct Case {
    pub(super) what: What,
    pub(super) at_s: i64,
}

/// An expression with its results, or an alert with all that fire.
pub(super) enum What {
    Expression(String, Vec<Point>),
    Alert(String, Vec<promql::Alert>),
}

fn labels(series: &cases::Series) -> Labels {
    let pairs = series.labels.iter().map(|(name, value)| (*name, value.clone()));
    Labels::new(pairs.chain([("__name__", series.name.clone())]))
}

/// All samples up to a time, from those after another.
fn append(store: &mut Store, after_ms: i64, to_ms: i64) {
    for series in data() {
        let labels = labels(&series);
        for (step, value) in (0..).zip(&series.values) {
            let at = step * STEP_MS;
            if let Some(value) = value.filter(|_| at > after_ms && at <= to_ms) {
                store.append(&labels, at, value);
            }
        }
    }
}

/// An expression whose result is not a number is asked about being one: promtool takes no NaN for equal to another.
fn answered(text: &str, at_s: i64, store: &Store) -> Result<Case, String> {
    let ask = |text: &str| -> Result<Vec<Point>, String> {
        let expr = parse(text).map_err(|error| format!("{text}: {error}"))?;
        let value = evaluate(&expr, at_s * 1000, store, &Options::default());
        Ok(value.map_err(|error| format!("{text}: {error}"))?.into_points())
    };
    let points = ask(text)?;
    if points.iter().any(|point| point.value.is_nan()) {
        let asked = format!("({text}) != bool ({text})");
        let points = ask(&asked)?;
        return Ok(Case { what: What::Expression(asked, points), at_s });
    }
    Ok(Case { what: What::Expression(text.to_owned(), points), at_s })
}

fn expressions() -> Result<Vec<Case>, String> {
    let mut store = Store::default();
    // promtool knows no sample after the last time that is asked about.
    append(&mut store, -1, TIMES_S.iter().max().copied().unwrap_or_default() * 1000);
    let pairs = TIMES_S.iter().flat_map(|at| EXPRESSIONS.iter().map(move |text| (text, *at)));
    pairs.map(|(text, at)| answered(text, at, &store)).collect()
}

/// The rules over time: alerts at every time asked for, and what was written at the end.
fn rules() -> Result<Vec<Case>, String> {
    let file = RuleFile::read(RULES).map_err(|errors| format!("{errors:?}"))?;
    let names: Vec<String> =
        file.groups.iter().flat_map(|g| &g.rules).filter(|r| !r.records).map(|r| r.name.clone()).collect();
    let mut groups: Vec<Group> = file.groups.into_iter().map(Group::new).collect();
    let mut store = Store::default();
    let mut cases = Vec::new();
    let mut now = 0;
    while now <= LAST_MS {
        append(&mut store, now - EVALUATED_MS, now);
        for group in &mut groups {
            let failures = group.evaluate(now, &mut store, &Options::default());
            if let Some(failure) = failures.first() {
                return Err(failure.to_string());
            }
        }
        for at_s in alert_times_s().filter(|at| (now..now + EVALUATED_MS).contains(&(at * 1000))) {
            for name in &names {
                let firing = groups
                    .iter()
                    .flat_map(Group::alerts)
                    .filter(|(rule, alert)| rule.name == *name && alert.state == promql::AlertState::Firing);
                let what = What::Alert(name.clone(), firing.map(|(_, alert)| alert.clone()).collect());
                cases.push(Case { what, at_s });
            }
        }
        now += EVALUATED_MS;
    }
    for text in WRITTEN {
        cases.push(answered(text, LAST_MS / 1000, &store)?);
    }
    Ok(cases)
}

/// Runs both and counts what differs.
///
/// # Errors
/// promtool is not there: the proof is not run, which is no pass.
pub fn prove() -> Result<Verdict, String> {
    let version = programs::run(Command::new("promtool").arg("--version"), LIMIT)
        .map_err(|_| "not run: promtool is not there (Debian package prometheus)".to_owned())?;
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("rules.yaml"), RULES).map_err(|error| error.to_string())?;
    let (mut all, mut different) = (0, 0);
    for (name, cases, rules) in [("expressions", expressions()?, false), ("rules", rules()?, true)] {
        let file = folder.path().join(format!("unit-{name}.yaml"));
        std::fs::write(&file, unit::file(&cases, rules)).map_err(|error| error.to_string())?;
        let mut command = Command::new("promtool");
        command.args(["test", "rules"]).arg(&file).current_dir(folder.path());
        let said = programs::run(&mut command, LIMIT)?;
        let text = [said.stdout, said.stderr].map(|out| String::from_utf8_lossy(&out).into_owned()).concat();
        let (wrong, last_digit) = unit::differences(&text, said.status.success());
        println!(
            "{name}: {} cases, {} differ, {last_digit} in the last digit of a sum",
            cases.len(),
            wrong.len()
        );
        for line in &wrong {
            println!("  {line}");
        }
        all += cases.len();
        different += wrong.len();
    }
    println!("no oracle: names in quotes, native histograms, the open edges of Prometheus 3");
    let text = format!("{different} of {all} cases differ from {version} (aim 0 of >= {CASES_MIN})");
    Ok(Verdict::new(text, different == 0 && all >= CASES_MIN))
}
