//! What is told of a run. `verdicts` is the same for equal behaviour and seed, byte for byte; all that was measured
//! stands in a part of its own.

use serde::{Deserialize, Serialize};

use crate::bench::{Better, Entry, Plot};
use crate::driver::{CaseRun, Verdict};
use crate::requirement::{Level, Profile, Requirement};

pub mod diff;
pub mod html;
pub mod junit;
pub mod markdown;
mod plot;
pub mod sarif;
mod text;

/// The form of a report.
pub const SCHEMA: &str = "dwcp-conformance-report/1";

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `SCHEMA`.
    pub schema: String,
    /// What was found out.
    pub verdicts: Verdicts,
    /// What was measured on the way.
    pub measured: Measured,
}

/// The part that does not change from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Version of the harness.
    pub harness: String,
    /// Name of the implementation, as it says itself.
    pub sut: String,
    /// Its version.
    pub sut_version: String,
    /// The seed of the first repetition.
    pub seed: u64,
    /// Whether it was a short run.
    pub quick: bool,
    /// How often each case was run, each time with another seed.
    pub repeat: u32,
    /// Whether a MUST that was skipped blocks.
    pub must_skips_block: bool,
    /// Whether nothing blocks, and all that was asked for was assessed.
    pub conforms: bool,
    /// One line for each profile of the catalogue.
    pub profiles: Vec<Summary>,
    /// One line for each case.
    pub cases: Vec<CaseVerdict>,
}

/// How a profile did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Which.
    pub profile: Profile,
    /// Whether it was asked for.
    pub requested: bool,
    /// `conforms`, `does not conform`, or `not assessed`.
    pub claim: String,
    /// How many cases passed.
    pub pass: u32,
    /// Failed.
    pub fail: u32,
    /// Were skipped.
    pub skip: u32,
    /// Were errors.
    pub error: u32,
}

/// How a case did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseVerdict {
    /// Of the requirement.
    pub id: String,
    /// MUST or SHOULD.
    pub level: Level,
    /// What has to be declared so that it binds.
    pub when: String,
    /// Whom it binds.
    pub profile: Profile,
    /// The sentence.
    pub sentence: String,
    /// Where it comes from.
    pub source: String,
    /// How often a conforming implementation may fail it by chance.
    pub error_probability: f64,
    /// The worst of all repetitions.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Repetitions that passed.
    pub passed: u32,
    /// Whether it keeps the implementation from conforming.
    pub blocks: bool,
}

/// The part that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Where: processor, cores, system.
    pub machine: String,
    /// Of all.
    pub elapsed_ms: u64,
    /// One for each case.
    pub cases: Vec<CaseMeasured>,
}

/// What was measured in a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseMeasured {
    /// Of the requirement.
    pub id: String,
    /// Of all repetitions and attempts.
    pub elapsed_ms: u64,
    /// Most attempts that a repetition took.
    pub attempts: u8,
    /// The round in which it failed.
    pub round: Option<u32>,
    /// What was seen where it did not pass.
    pub seen: String,
    /// Figures over the repetitions.
    pub figures: Vec<Figure>,
    /// Plots of the last repetition.
    pub plots: Vec<Plot>,
    /// Notes of the last repetition.
    pub notes: Vec<String>,
    /// Lines, the first and the last, of what did not pass.
    pub transcript: Vec<Entry>,
}

/// A figure over all repetitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// Of what.
    pub unit: String,
    /// Which change is for the better.
    pub better: Better,
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// How many.
    pub count: u32,
}

/// All repetitions of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What was required.
    pub requirement: Requirement,
    /// Its runs.
    pub runs: Vec<CaseRun>,
}

/// What a report is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Name and version of the implementation.
    pub sut: (String, String),
    /// The seed.
    pub seed: u64,
    /// Short run.
    pub quick: bool,
    /// Repetitions.
    pub repeat: u32,
    /// Whether skipped MUSTs block.
    pub must_skips_block: bool,
    /// Profiles that were asked for.
    pub requested: Vec<Profile>,
    /// The machine.
    pub machine: String,
    /// Of all.
    pub elapsed_ms: u64,
}

impl Report {
    /// The report of a run.
    pub fn of(about: &About, tried: &[Tried]) -> Self {
        let cases: Vec<CaseVerdict> = tried.iter().map(|one| case_verdict(one, about)).collect();
        let profiles: Vec<Summary> =
            Profile::ALL.iter().map(|profile| summary(*profile, about, &cases)).collect();
        let conforms = !profiles.iter().any(|one| one.requested && one.claim != "conforms")
            && profiles.iter().any(|one| one.requested);
        let verdicts = Verdicts {
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            sut: about.sut.0.clone(),
            sut_version: about.sut.1.clone(),
            seed: about.seed,
            quick: about.quick,
            repeat: about.repeat,
            must_skips_block: about.must_skips_block,
            conforms,
            profiles,
            cases,
        };
        let cases = tried.iter().map(case_measured).collect();
        let measured = Measured { machine: about.machine.clone(), elapsed_ms: about.elapsed_ms, cases };
        Self { schema: SCHEMA.to_owned(), verdicts, measured }
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// A number that JSON cannot carry.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map_err(|error| error.to_string())
    }

    /// Reads a report.
    ///
    /// # Errors
    /// It is none, or of another form.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let report: Self = serde_json::from_str(text).map_err(|error| {
            format!("no report: {error}; write one with dwcp-conformance run --report FILE.json")
        })?;
        if report.schema == SCHEMA {
            return Ok(report);
        }
        Err(format!("a report of form {}, not {SCHEMA}", report.schema))
    }

    /// What was measured in the case.
    pub fn measured_of(&self, id: &str) -> Option<&CaseMeasured> {
        self.measured.cases.iter().find(|case| case.id == id)
    }
}

/// Errors outweigh failures: what could not be asked may hide anything.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Skip => 1,
        Verdict::Fail => 2,
        Verdict::Error => 3,
    }
}

fn case_verdict(tried: &Tried, about: &About) -> CaseVerdict {
    let requirement = tried.requirement;
    let worst = tried.runs.iter().max_by_key(|run| weight(run.verdict));
    let (verdict, reason) =
        worst.map_or((Verdict::Skip, "it was not run".to_owned()), |run| (run.verdict, run.reason.clone()));
    let blocks = match verdict {
        Verdict::Pass => false,
        Verdict::Error => true,
        Verdict::Fail => requirement.level == Level::Must,
        Verdict::Skip => {
            requirement.level == Level::Must && requirement.when.is_empty() && about.must_skips_block
        }
    };
    CaseVerdict {
        id: requirement.id.to_owned(),
        level: requirement.level,
        when: requirement.when.to_owned(),
        profile: requirement.profile,
        sentence: requirement.sentence.to_owned(),
        source: requirement.source.to_owned(),
        error_probability: requirement.error_probability,
        verdict,
        reason,
        passed: tried.runs.iter().filter(|run| run.verdict == Verdict::Pass).count() as u32,
        blocks,
    }
}

fn summary(profile: Profile, about: &About, cases: &[CaseVerdict]) -> Summary {
    let of: Vec<&CaseVerdict> = cases.iter().filter(|case| case.profile == profile).collect();
    let count = |verdict| of.iter().filter(|case| case.verdict == verdict).count() as u32;
    let (pass, fail) = (count(Verdict::Pass), count(Verdict::Fail));
    let (skip, error) = (count(Verdict::Skip), count(Verdict::Error));
    let claim = if pass + fail + error == 0 {
        "not assessed"
    } else if of.iter().any(|case| case.blocks) {
        "does not conform"
    } else {
        "conforms"
    };
    let requested = about.requested.contains(&profile);
    Summary { profile, requested, claim: claim.to_owned(), pass, fail, skip, error }
}

fn case_measured(tried: &Tried) -> CaseMeasured {
    let worst = tried.runs.iter().max_by_key(|run| weight(run.verdict));
    let last = tried.runs.last();
    let bad = worst.filter(|run| weight(run.verdict) > 1);
    CaseMeasured {
        id: tried.requirement.id.to_owned(),
        elapsed_ms: tried.runs.iter().map(|run| run.elapsed_us).sum::<u64>() / 1_000,
        attempts: tried.runs.iter().map(|run| run.attempts).max().unwrap_or(0),
        round: bad.and_then(|run| run.record.round),
        seen: bad.map(|run| run.seen.clone()).unwrap_or_default(),
        figures: figures(&tried.runs),
        plots: last.map(|run| run.record.plots.clone()).unwrap_or_default(),
        notes: last.map(|run| run.record.notes.clone()).unwrap_or_default(),
        transcript: bad.map(|run| run.record.transcript.clone()).unwrap_or_default(),
    }
}

fn figures(runs: &[CaseRun]) -> Vec<Figure> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut figures = Vec::new();
    for measured in &first.record.measurements {
        let all = runs.iter().flat_map(|run| &run.record.measurements);
        let mut values: Vec<f64> = all.filter(|m| m.name == measured.name).map(|m| m.value).collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(measured.value);
        figures.push(Figure {
            name: measured.name.clone(),
            unit: measured.unit.clone(),
            better: measured.better,
            median: at(values.len() / 2),
            least: at(0),
            most: at(values.len().saturating_sub(1)),
            count: values.len() as u32,
        });
    }
    figures
}
