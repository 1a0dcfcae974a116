//! `prove replay`: simulated runs are journalled, decided again bit for bit, and every damage to a journal is named.

use std::fs;
use std::path::Path;

use adapter_store::{Header, JOURNAL_SCHEMA, JournalError, JournalWriter, RunDir, StateDir, read};
use release::RuleName;
use run::Run;
use runner::replay;
use simulation::{Behaviour, Faults, Random};

use crate::door::Verdict;
use crate::simulated::{definition, play};
use crate::worlds::{behaviour, pipeline, world};

/// Runs that are played.
const RUNS: u64 = 24;
/// Damages of each kind that are tried on each journal.
const DAMAGES: u64 = 12;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Records that were decided again.
    pub records: u64,
    /// Effects that were compared.
    pub effects: u64,
    /// Decisions that came out differently.
    pub different: u64,
    /// Damages that were tried.
    pub damages: u64,
    /// Of these, found and named as what they are, with the right record.
    pub named: u64,
}

fn faults(seed: u64) -> Faults {
    match seed % 3 {
        0 => Faults::default(),
        _ => {
            Faults { lost_ppm: 40_000, unanswered_ppm: 40_000, delay_max_ms: 30, restarts_ms: vec![600_000] }
        }
    }
}

fn behaves(seed: u64) -> Behaviour {
    RuleName::ALL.get((seed % 6) as usize).map_or(Behaviour::healthy(), |rule| behaviour(*rule))
}

/// Plays the run of that seed into a journal on disk.
///
/// # Errors
/// It did not end, or the disk failed.
pub fn journalled(seed: u64, state: &StateDir) -> Result<RunDir, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let id = format!("seed-{seed}");
    let dir = state.create_run(&id).map_err(|error| text(&error))?;
    let header = Header {
        schema: JOURNAL_SCHEMA,
        core_version: env!("CARGO_PKG_VERSION").to_owned(),
        run: id.clone(),
        boot_id: "simulated".to_owned(),
        boot_ms: 0,
        wall_ms: 0,
        targets: vec![],
        definition: serde_json::Value::Null,
    };
    let writer = JournalWriter::create(&dir, &header).map_err(|error| text(&error))?;
    let universe = world(seed, behaves(seed), faults(seed))?;
    let definition = definition(&pipeline(None), &id)?;
    let (_, writer) = play(&universe, definition, writer, dir.path())?;
    writer.close().map_err(|error| text(&error))?;
    Ok(dir)
}

/// Decides a journal again.
///
/// # Errors
/// It cannot be read.
pub fn decide_again(dir: &RunDir, tally: &mut Tally) -> Result<(), String> {
    let file = read(dir).map_err(|error| error.to_string())?;
    let replayed = replay::<Run>(&file.records);
    tally.records += replayed.records;
    tally.effects += replayed.effects;
    tally.different += replayed.differences.len() as u64;
    Ok(())
}

/// Damages a journal in many ways, and puts it right again.
///
/// # Errors
/// The disk failed.
pub fn damage(dir: &RunDir, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let whole = fs::read(dir.journal()).map_err(|error| error.to_string())?;
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    // Between the header and the closing line.
    let records = lines.len() as u64 - 2;
    let mut random = Random::new(seed);
    for _ in 0..DAMAGES {
        let at = random.below(whole.len() as u64) as usize;
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << random.below(7);
        let line = whole[..at].split(|byte| *byte == b'\n').count() as u64 - 1;
        tally.take(dir, &flipped, |why| match why {
            JournalError::Header { .. } | JournalError::SchemaNewer { .. } => line == 0,
            JournalError::Flipped { seq } | JournalError::Malformed { seq, .. } => *seq == line,
            _ => false,
        })?;
        let kept = random.below(records) as usize;
        let cut: Vec<u8> = lines[..=kept].concat();
        tally.take(dir, &cut, |why| matches!(why, JournalError::Cut { have, .. } if *have == kept as u64))?;
        let first = 1 + random.below(records - 1) as usize;
        let mut swapped = lines.clone();
        swapped.swap(first, first + 1);
        tally.take(
            dir,
            &swapped.concat(),
            |why| matches!(why, JournalError::Reordered { seq, .. } if *seq == first as u64),
        )?;
    }
    fs::write(dir.journal(), &whole).map_err(|error| error.to_string())
}

impl Tally {
    fn take(
        &mut self,
        dir: &RunDir,
        bytes: &[u8],
        named: impl Fn(&JournalError) -> bool,
    ) -> Result<(), String> {
        fs::write(dir.journal(), bytes).map_err(|error| error.to_string())?;
        self.damages += 1;
        match read(dir) {
            Err(why) if named(&why) => self.named += 1,
            Err(why) => println!("  named as another: {why}"),
            Ok(_) => println!("  a damage was not seen"),
        }
        Ok(())
    }
}

/// Plays, decides again, damages.
///
/// # Errors
/// A run did not end, or the disk failed.
pub fn proof() -> Result<Verdict, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let state = StateDir::open(folder.path()).map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    for seed in 0..RUNS {
        let dir = journalled(seed, &state)?;
        decide_again(&dir, &mut tally)?;
        damage(&dir, seed, &mut tally)?;
    }
    let Tally { records, effects, different, damages, named } = tally;
    println!("{RUNS} simulated runs, {records} records decided again, {effects} effects compared");
    println!("{damages} damages (flipped bit, cut, reordered), {named} named with their record");
    let text = format!("{different} of {records} decisions differ, {named} of {damages} damages named");
    Ok(Verdict::new(text, different == 0 && records > 0 && named == damages))
}

/// Writes the journal that every later version must decide in the same way.
///
/// # Errors
/// The disk failed.
pub fn write_golden(into: &Path) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(text)?;
    let state = StateDir::open(folder.path()).map_err(|error| error.to_string())?;
    // Restarts by order, a question, lost calls: the run of this seed leaks.
    let dir = journalled(4, &state)?;
    fs::create_dir_all(into).map_err(text)?;
    fs::copy(dir.journal(), into.join("journal")).map_err(text)?;
    fs::copy(dir.anchor(), into.join("anchor")).map_err(text)?;
    Ok(())
}
