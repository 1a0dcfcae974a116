//! `run`: the cases one after the other, a row for each, then the report.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use adapter_sut::Sut;
use dwcp_conformance::bench::Settings;
use dwcp_conformance::cases;
use dwcp_conformance::driver::{self, CaseRun, Verdict};
use dwcp_conformance::report::{About, Report, Tried, diff, html, junit, markdown, sarif};
use dwcp_conformance::requirement::{Case, Profile};

use crate::cli::Run;
use crate::say::say;
use crate::{Usage, asked, machine, show};

/// Runs, prints, writes. Gives whether it conforms and nothing became worse.
pub(crate) fn run(arguments: &Run) -> Result<bool, Usage> {
    for file in &arguments.report {
        form(file)?;
    }
    let baseline = arguments.baseline.as_deref().map(show::read).transpose()?;
    let requested = asked::profiles(&arguments.profiles)?;
    let chosen = chosen(&requested, &arguments.only)?;
    let mut sut = asked::sut(arguments.connect.as_deref(), &arguments.adapter)?;
    let begun = Instant::now();
    let settings = |n: u32| Settings {
        seed: arguments.seed.wrapping_add(u64::from(n)),
        quick: arguments.quick,
        only: None,
        full_transcript: false,
    };
    let first = chosen.first().ok_or("there is no case to run")?;
    let hello = driver::greet(&mut sut, first, &settings(0)).map_err(|stop| format!("no greeting: {stop}"));
    let about = hello
        .as_ref()
        .map_or_else(|_| (String::new(), String::new()), |h| (h.name.clone(), h.version.clone()));
    if let Err(why) = &hello {
        say!("{why}");
    }
    let mut tried = Vec::new();
    for case in &chosen {
        let runs = (0..arguments.repeat).map(|n| row(case, &mut sut, &settings(n))).collect();
        tried.push(Tried { requirement: case.requirement, runs });
    }
    let about = About {
        sut: about,
        seed: arguments.seed,
        quick: arguments.quick,
        repeat: arguments.repeat,
        must_skips_block: !arguments.allow_must_skips,
        requested,
        machine: machine::describe(),
        elapsed_ms: begun.elapsed().as_millis() as u64,
    };
    let report = Report::of(&about, &tried);
    for file in &arguments.report {
        write(file, &report)?;
    }
    summary(&report);
    let worse = baseline.is_some_and(|old| show::changes(&diff::changes(&old, &report, arguments.tolerance)));
    Ok(report.verdicts.conforms && !worse)
}

fn chosen(requested: &[Profile], only: &[String]) -> Result<Vec<Case>, Usage> {
    let mut all: Vec<Case> = requested.iter().flat_map(|profile| cases::of(*profile)).collect();
    if !only.is_empty() {
        let wanted: Vec<Case> = only.iter().map(|id| asked::case(id)).collect::<Result<_, _>>()?;
        all.retain(|case| wanted.iter().any(|one| one.requirement.id == case.requirement.id));
        if let Some(other) = wanted.iter().find(|one| !requested.contains(&one.requirement.profile)) {
            let (id, profile) = (other.requirement.id, other.requirement.profile.name());
            return Err(format!("{id} is of profile {profile}, which was not asked for"));
        }
    }
    Ok(all)
}

/// Runs a case and prints its row.
fn row(case: &Case, sut: &mut Sut, settings: &Settings) -> CaseRun {
    let requirement = case.requirement;
    let live = std::io::stdout().is_terminal();
    if live {
        let (id, level) = (requirement.id, requirement.level.word());
        // A terminal that is gone shows nothing.
        let _ = write!(std::io::stdout(), "{id:<9} {level:<6} ...  {}\r", cut(requirement.sentence, 70));
        let _ = std::io::stdout().flush();
    }
    let run = driver::run(case, sut, settings);
    let seconds = run.elapsed_us as f64 / 1e6;
    let (id, level, verdict) = (requirement.id, requirement.level.word(), run.verdict.word());
    say!("{id:<9} {level:<6} {verdict:<5} {seconds:>7.2} s  {}", cut(requirement.sentence, 80));
    if run.verdict != Verdict::Pass {
        let round = run.record.round.map_or_else(String::new, |round| format!(" (round {round})"));
        say!(
            "          {}{round}{}{}",
            run.reason,
            if run.seen.is_empty() { "" } else { ": " },
            cut(&run.seen, 300)
        );
    }
    run
}

fn cut(text: &str, len: usize) -> String {
    if text.chars().count() <= len {
        text.to_owned()
    } else {
        text.chars().take(len - 1).chain(['~']).collect()
    }
}

fn summary(report: &Report) {
    say!("");
    for one in &report.verdicts.profiles {
        let name = one.profile.name();
        say!(
            "{name:<15} {:<17} {:>3} pass {:>3} fail {:>3} skip {:>3} error",
            one.claim,
            one.pass,
            one.fail,
            one.skip,
            one.error
        );
    }
    let v = &report.verdicts;
    say!(
        "{} {} {} what was asked for (seed {}, {:.1} s)",
        v.sut,
        v.sut_version,
        if v.conforms { "conforms to" } else { "does not conform to" },
        v.seed,
        report.measured.elapsed_ms as f64 / 1_000.0
    );
}

type Form = fn(&Report) -> Result<String, String>;

fn form(file: &Path) -> Result<Form, Usage> {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(Report::to_json),
        Some("xml") => Ok(|report| Ok(junit::render(report))),
        Some("sarif") => Ok(|report| Ok(sarif::render(report))),
        Some("md") => Ok(|report| Ok(markdown::render(report))),
        Some("html") => Ok(|report| Ok(html::render(report))),
        _ => Err(format!("{}: a report ends in .json, .xml, .sarif, .md or .html", file.display())),
    }
}

fn write(file: &Path, report: &Report) -> Result<(), Usage> {
    let text = form(file)?(report)?;
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
