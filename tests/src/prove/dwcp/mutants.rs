//! Every requirement fails at least one deliberately faulty variant of the reference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{reference, report};
use crate::door::Verdict;
use crate::programs;

/// For one fault; a fault that makes slow would be waited for in every case of its profile.
const PATIENCE: Duration = Duration::from_mins(3);
/// At once: two cores.
const AT_ONCE: usize = 2;
/// `dwcp-mutants-own` is run with every change.
const OWN_AIM_S: f64 = 120.0;

/// A fault of the registry.
#[derive(Clone, Debug)]
struct Mutant {
    name: String,
    requirement: String,
    sentence: String,
}

fn registry() -> Result<Vec<Mutant>, String> {
    let mut command = Command::new(reference(&programs::folder()?));
    let output = programs::run(command.arg("--mutants"), Duration::from_secs(10))?;
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(rows
        .iter()
        .map(|row| Mutant {
            name: text(row, "name"),
            requirement: text(row, "requirement"),
            sentence: text(row, "sentence"),
        })
        .collect())
}

/// Requirement to profile, as the harness lists them.
fn requirements() -> Result<BTreeMap<String, String>, String> {
    let mut command = Command::new(programs::folder()?.join("dwcp-conformance"));
    let output = programs::run(command.arg("list"), Duration::from_secs(10))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.nth(1)?.to_owned()))
    };
    Ok(text.lines().filter_map(row).collect())
}

/// What a run of a mutant showed: which requirements failed, which were errors.
#[derive(Clone, Debug, Default)]
struct Shown {
    failed: BTreeSet<String>,
    errors: BTreeSet<String>,
    /// Only its own requirement was asked.
    alone: bool,
}

/// Against all requirements of its profile; against its own alone when that takes too long.
fn run_whole(mutant: &Mutant, profile: &str) -> Result<Shown, String> {
    match run_one(mutant, profile, false) {
        Err(why) => {
            println!("{}: {why}", mutant.name);
            run_one(mutant, profile, true)
        }
        shown => shown,
    }
}

fn run_one(mutant: &Mutant, profile: &str, own: bool) -> Result<Shown, String> {
    let sut = reference(&programs::folder()?);
    let mut options = vec!["--profile", profile, "--quick"];
    if own {
        options.extend(["--only", mutant.requirement.as_str()]);
    }
    let (report, ..) = report(&options, &[&sut, "--mutant", &mutant.name], PATIENCE)?;
    let mut shown = Shown { alone: own, ..Shown::default() };
    for case in report["verdicts"]["cases"].as_array().into_iter().flatten() {
        let id = case["id"].as_str().unwrap_or_default().to_owned();
        match case["verdict"].as_str() {
            Some("FAIL") => _ = shown.failed.insert(id),
            Some("ERROR") => _ = shown.errors.insert(id),
            _ => {}
        }
    }
    Ok(shown)
}

/// All mutants, a few at once.
fn run_all(
    mutants: &[Mutant],
    requirements: &BTreeMap<String, String>,
    own: bool,
) -> Result<Vec<Shown>, String> {
    let rest = Mutex::new(mutants.iter().enumerate());
    let found: Mutex<BTreeMap<usize, Result<Shown, String>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((at, mutant)) = rest.lock().expect("no thread panics").next() else { return };
                    let shown = requirements
                        .get(&mutant.requirement)
                        .ok_or_else(|| {
                            format!("{}: there is no requirement {}", mutant.name, mutant.requirement)
                        })
                        .and_then(|profile| {
                            if own { run_one(mutant, profile, true) } else { run_whole(mutant, profile) }
                        });
                    found.lock().expect("no thread panics").insert(at, shown);
                }
            });
        }
    });
    found.into_inner().expect("no thread panics").into_values().collect()
}

/// Each mutant against its own requirement only.
///
/// # Errors
/// The harness cannot be run.
pub fn own() -> Result<Verdict, String> {
    let (mutants, requirements) = (registry()?, requirements()?);
    let begun = Instant::now();
    let shown = run_all(&mutants, &requirements, true)?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut killed = BTreeSet::new();
    let mut wrong = Vec::new();
    for (mutant, shown) in mutants.iter().zip(&shown) {
        if shown.failed.contains(&mutant.requirement) {
            killed.insert(mutant.requirement.clone());
        } else {
            wrong.push(format!("{} passes {}", mutant.name, mutant.requirement));
        }
    }
    wrong.extend(
        requirements.keys().filter(|id| !killed.contains(*id)).map(|id| format!("{id} catches no fault")),
    );
    for line in &wrong {
        println!("{line}");
    }
    println!("{} faults, {} requirements, {seconds:.0} s", mutants.len(), requirements.len());
    let text = format!(
        "{} of {} requirements catch their own fault, {} faults survive, {seconds:.0} s (aim {OWN_AIM_S:.0})",
        killed.len(),
        requirements.len(),
        wrong.len()
    );
    Ok(Verdict::new(text, wrong.is_empty() && seconds <= OWN_AIM_S))
}

/// Each mutant against all requirements of its profile; writes the matrix.
///
/// # Errors
/// The harness cannot be run, or the page not be written.
pub fn matrix() -> Result<Verdict, String> {
    let (mutants, requirements) = (registry()?, requirements()?);
    let shown = run_all(&mutants, &requirements, false)?;
    let page = page(&mutants, &requirements, &shown);
    let file = programs::root().join("docs/dwcp-mutants.md");
    std::fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    let alone =
        shown.iter().filter(|one| !one.alone && one.failed.len() == 1 && one.errors.is_empty()).count();
    let survived: Vec<&Mutant> = mutants
        .iter()
        .zip(&shown)
        .filter(|(mutant, shown)| !shown.failed.contains(&mutant.requirement))
        .map(|(mutant, _)| mutant)
        .collect();
    for mutant in &survived {
        println!("{} passes {}", mutant.name, mutant.requirement);
    }
    let text = format!(
        "{} faults, {alone} caught by one requirement alone, {} survive",
        mutants.len(),
        survived.len()
    );
    Ok(Verdict::new(text, survived.is_empty()))
}

fn page(mutants: &[Mutant], requirements: &BTreeMap<String, String>, shown: &[Shown]) -> String {
    let mut page = String::from(
        "# Faults and the requirements that catch them\n\n\
         Written by `cargo run --release --bin prove -- dwcp-mutants`. Each fault of the reference\n\
         (`reference-sut --mutant NAME`) runs with `--quick` against all requirements of its profile. The reference without a\n\
         fault fails none of them (`prove dwcp-reference`).\n",
    );
    let profiles: BTreeSet<&String> = requirements.values().collect();
    for profile in profiles {
        // Writing to a text cannot fail.
        let _ = write!(
            page,
            "\n## {profile}\n\n| requirement | fault | what is wrong | also fails |\n|---|---|---|---|\n"
        );
        for (mutant, shown) in mutants.iter().zip(shown) {
            if requirements.get(&mutant.requirement) != Some(profile) {
                continue;
            }
            let others: Vec<&str> =
                shown.failed.iter().filter(|id| **id != mutant.requirement).map(String::as_str).collect();
            let errors: Vec<String> = shown.errors.iter().map(|id| format!("{id} (error)")).collect();
            let slow = if shown.alone { "too slow for the others" } else { "" };
            let also = [&others.join(" "), &errors.join(" "), slow].map(str::to_owned).join(" ");
            let caught = if shown.failed.contains(&mutant.requirement) { "" } else { " NOT CAUGHT" };
            let _ = writeln!(
                page,
                "| {}{caught} | `{}` | {} | {} |",
                mutant.requirement,
                mutant.name,
                mutant.sentence,
                also.trim()
            );
        }
    }
    page
}
