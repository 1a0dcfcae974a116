//! `lint`: what rule files, gate files and pipeline files cannot mean, and what literal rules cost for one's traffic.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gate::lint::Linted;
use gate::render::{Place, SarifResult, sarif_of};
use gate::units::{self, percent};
use health::price::{Priced, Share, Traffic, Worded, price};
use health::{Finite, Rules};
use serde::Serialize;

use crate::args::{given, millis};
use crate::audit::history;
use crate::failure::Failure;
use crate::files;
use crate::output::json;
use crate::say::{self, say};
use crate::source::place;

/// Bytes of a file that is linted.
const FILE_MAX: u64 = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Sarif,
}

/// What is linted, and for which traffic.
#[derive(Clone, Debug, Args)]
pub(crate) struct LintArgs {
    /// Rule files of Prometheus, gate files, pipeline files
    files: Vec<PathBuf>,
    /// Requests a second, of both revisions together: prints what each literal rule costs
    #[arg(long)]
    rps: Option<f64>,
    /// Share of requests that fail when nothing is wrong
    #[arg(long, default_value = "0.1%", value_name = "PERCENT")]
    error_rate: String,
    /// Take requests a second and error rate from a record of a watch instead
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "rps")]
    history: Option<PathBuf>,
    /// Instances that are probed
    #[arg(long, default_value_t = 3)]
    pods: u32,
    /// Share of probes that fail when nothing is wrong
    #[arg(long, default_value = "0.1%", value_name = "PERCENT")]
    flaky: String,
    /// Length of a rollout of 5, 25, 50 and 100 %
    #[arg(long = "for", default_value = "30m", value_name = "TIME")]
    lasting: String,
    /// Rollouts that are played by rule
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    runs: u64,
    /// Another seed gives other rollouts
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Serialize)]
struct Found {
    file: String,
    line: usize,
    column: usize,
    level: &'static str,
    rule: String,
    what: String,
    mend: String,
}

#[derive(Serialize)]
struct Answer {
    findings: Vec<Found>,
    traffic: Option<Traffic>,
    prices: Vec<Priced>,
}

/// Ends with 10 when something was found.
pub(crate) fn lint(args: &LintArgs) -> Result<u8, Failure> {
    let traffic = traffic(args)?;
    if args.files.is_empty() && traffic.is_none() {
        let mend =
            "give rule files, gate files or pipeline files, or --rps N for the price of the literal rules";
        return Err(Failure::usage(format!("nothing to lint: {mend}")));
    }
    let (mut findings, mut worded) = (Vec::new(), Vec::new());
    for path in &args.files {
        let name = path.display().to_string();
        let text = files::text(path, FILE_MAX)?;
        findings.extend(linted(path, &name, &text, &mut worded)?);
    }
    let prices = traffic.as_ref().map_or_else(Vec::new, |traffic| prices(traffic, &worded, args));
    let code = if findings.is_empty() { 0 } else { 10 };
    match args.format {
        Form::Text => told(&findings, traffic.as_ref(), &prices),
        Form::Sarif => say::put!("{}", json(&sarif_of(&findings.iter().map(result).collect::<Vec<_>>()))?),
        Form::Json => {
            let findings = findings.into_iter().map(found).collect();
            say::put!("{}", json(&Answer { findings, traffic, prices })?);
        }
    }
    Ok(code)
}

/// The literal rules of the design, and behind them those of each deploy job as its file words them.
fn prices(traffic: &Traffic, worded: &[(String, Rules)], args: &LintArgs) -> Vec<Priced> {
    let mut prices = price(traffic, &Worded::ALL, args.runs, args.seed);
    for (job, rules) in worded {
        let own = price(traffic, &Worded::own(rules), args.runs, args.seed);
        prices.extend(own.into_iter().map(|it| Priced { rule: format!("{job}: {}", it.rule), ..it }));
    }
    prices
}

/// What kind of file it is, by its first keys. The rules of a pipeline's deploy jobs are added to `worded`.
fn linted(
    path: &Path,
    name: &str,
    text: &str,
    worded: &mut Vec<(String, Rules)>,
) -> Result<Vec<(String, Linted)>, Failure> {
    let here = |found: Vec<Linted>| found.into_iter().map(|it| (name.to_owned(), it)).collect();
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    if has("groups:") {
        Ok(here(gate::lint::rules(text)))
    } else if has("pipeline:") || has("stages:") {
        Ok(here(pipeline(path, name, text).map_or_else(
            |wrong| wrong,
            |rules| {
                worded.extend(rules);
                Vec::new()
            },
        )))
    } else if has("service:") {
        gate_file(path, name, text)
    } else {
        let keys = "groups (rules of Prometheus), service (a gate) or pipeline";
        Err(Failure::usage(format!("{name}: no file that is known here: it has none of the keys {keys}")))
    }
}

fn error(line: usize, column: usize, what: String, mend: String) -> Linted {
    Linted { line, column, error: true, rule: "file".to_owned(), what, mend }
}

/// The file of a gate, and the rule files that it names.
fn gate_file(path: &Path, name: &str, text: &str) -> Result<Vec<(String, Linted)>, Failure> {
    let gate = match gate::read(name, text.as_bytes()) {
        Ok(gate) => gate,
        Err(problems) => {
            let all = problems.0.into_iter();
            let named = |it: gate::Problem| (it.file, error(it.line, it.column, it.message, it.mend));
            return Ok(all.map(named).collect());
        }
    };
    let mut found = Vec::new();
    for alerts in &gate.alerts {
        let chosen = path.parent().unwrap_or(Path::new("")).join(alerts);
        let text = files::text(&chosen, FILE_MAX)?;
        for it in gate::lint::rules(&text) {
            // A real server evaluates what is outside our subset.
            let served = it.error && gate.prometheus.is_some() && gate::server_rules(&text).is_ok();
            if !served {
                found.push((chosen.display().to_string(), it));
            }
        }
    }
    Ok(found)
}

/// The rules of each deploy job, or what is wrong with the file.
fn pipeline(path: &Path, name: &str, text: &str) -> Result<Vec<(String, Rules)>, Vec<Linted>> {
    let folder =
        path.parent().and_then(|it| it.canonicalize().ok()).unwrap_or_default().display().to_string();
    let set = BTreeMap::new();
    let beside = |name: &str| {
        files::text(&Path::new(&folder).join(name), FILE_MAX).map_err(|failure| failure.to_string())
    };
    let source = run::Source {
        file: name,
        folder: &folder,
        text: text.as_bytes(),
        set: &set,
        run: "lint",
        by: "lint",
        workers: 1,
        only: None,
        beside: &beside,
    };
    let place = |at: u64| usize::try_from(at).unwrap_or(1);
    let definition = run::read(&source).map_err(|problems| {
        let all = problems.0.into_iter();
        all.map(|it| error(place(it.line), place(it.column), it.message, it.mend)).collect::<Vec<_>>()
    })?;
    let jobs = definition.plan.jobs().iter().map(|job| job.name.as_str());
    Ok(jobs.filter_map(|job| Some((job.to_owned(), definition.release(job)?.rules))).collect())
}

fn traffic(args: &LintArgs) -> Result<Option<Traffic>, Failure> {
    let share = |name: &str, text: &str| given(name, text, "a percentage such as 0.1%", units::share_of);
    let (rps, rate) = match (&args.history, args.rps) {
        (Some(path), _) => {
            let text = files::text(path, files::RECORD_MAX)?;
            let minutes = history(path, &text)?;
            let all =
                minutes.iter().flatten().fold(health::sequential::Counts::default(), |sum, c| sum.plus(*c));
            (all.requests as f64 / (60.0 * minutes.len().max(1) as f64), all.rate())
        }
        (None, Some(rps)) => (rps, share("error-rate", &args.error_rate)?),
        (None, None) => return Ok(None),
    };
    if !rps.is_finite() || !(0.01..=1e6).contains(&rps) {
        return Err(Failure::usage(format!(
            "{rps} requests a second cannot be played; from 0.01 to 1000000"
        )));
    }
    let flaky = Finite::new(share("flaky", &args.flaky)?).unwrap_or_default();
    let traffic = Traffic { pods: args.pods.min(10_000), flaky, ..Traffic::new(rps, rate) };
    Ok(Some(traffic.lasting(millis("for", &args.lasting)?.min(86_400_000))))
}

fn level(it: &Linted) -> &'static str {
    if it.error { "error" } else { "warning" }
}

fn found((file, it): (String, Linted)) -> Found {
    let level = level(&it);
    let Linted { line, column, rule, what, mend, .. } = it;
    Found { file, line, column, level, rule, what, mend }
}

fn result((file, it): &(String, Linted)) -> SarifResult {
    let mend = if it.mend.is_empty() { String::new() } else { format!("\nmend: {}", it.mend) };
    SarifResult {
        rule: format!("lint/{}", it.rule),
        level: level(it),
        message: format!("{}{mend}", it.what),
        place: Some(Place { file: file.clone(), line: it.line, column: it.column }),
    }
}

fn told(findings: &[(String, Linted)], traffic: Option<&Traffic>, prices: &[Priced]) {
    for (file, it) in findings {
        let rule = if it.error { String::new() } else { format!("{}: ", it.rule) };
        say!("{}", place(file, &Linted { what: format!("{rule}{}", it.what), ..it.clone() }));
    }
    if findings.is_empty() && traffic.is_none() {
        say!("nothing to say against it");
    }
    let Some(traffic) = traffic else { return };
    say!(
        "what each rule costs at {} requests/s with {} errors, over {}",
        (traffic.per_second.value() * 100.0).round() / 100.0,
        percent(traffic.error_rate.value()),
        units::span(traffic.over_ms())
    );
    say!(
        "of 5, 25, 50 and 100 %; {} rollouts for each number, with its 95 % interval\n",
        prices.first().map_or(0, |it| it.back.runs)
    );
    // Jobs have names of their own lengths.
    let width = prices.iter().map(|it| it.rule.chars().count()).max().unwrap_or(0).max(44);
    say!("{:<width$}{:>18}{:>18}", "rule", "healthy sent back", "bad ones missed");
    let share = |share: &Share| {
        let whole = |part: Finite| format!("{:.0}", part.value() * 100.0);
        format!("{:.1} % ({}-{})", share.rate() * 100.0, whole(share.low), whole(share.high))
    };
    for it in prices {
        let missed = it.missed.as_ref().map_or_else(|| "-".to_owned(), share);
        say!("{:<width$}{:>18}{missed:>18}", it.rule, share(&it.back));
    }
    let mut faults: Vec<&str> =
        prices.iter().map(|it| it.fault.as_str()).filter(|it| !it.is_empty()).collect();
    faults.sort_unstable();
    faults.dedup();
    say!("\nbad ones have {}", faults.join(" or "));
    say!("probes: {} instances, {} of them fail by themselves", traffic.pods, percent(traffic.flaky.value()));
}
