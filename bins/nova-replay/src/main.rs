//! `nova-replay`: reads a journal, decides again, and says whether every decision came out the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapter_store::{RunDir, StateDir};
use clap::Parser;
use machine::step;
use nova_pipeline::call::{program, state_folder};
use nova_pipeline::entry::{Output, OutputArgs};
use nova_pipeline::failure::Failure;
use nova_pipeline::history::{Past, run_id};
use nova_pipeline::story::Story;
use run::{Event, Run};
use runner::Recorded;

/// Decides a run again from its journal
#[derive(Parser)]
#[command(
    name = "nova-replay",
    version,
    after_help = "Examples:
  nova-replay last --state-dir .nova
  nova-replay .nova/runs/20261125-101044-17795 --show

Exit codes: 0 every decision came out the same, 10 one differs, 2 the journal is broken (which record, how)."
)]
struct Cli {
    /// Id of the run, `last`, or the folder of a run
    run: String,
    /// The state folder [default: $NOVA_STATE, else .nova here]
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Tell the run again, line by line
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(serde::Serialize)]
struct Answer {
    run: String,
    records: u64,
    effects: u64,
    ended: bool,
    differences: Vec<(u64, String)>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match replay(&cli) {
        Ok(same) => ExitCode::from(if same { 0 } else { 10 }),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code as u8)
        }
    }
}

fn folder(cli: &Cli) -> Result<RunDir, Failure> {
    if Path::new(&cli.run).is_dir() {
        return Ok(RunDir::open(&cli.run)?);
    }
    let path = state_folder(cli.state_dir.as_deref(), None);
    if !path.is_dir() {
        let message = format!("there is no run folder {}, and no state folder {}", cli.run, path.display());
        return Err(Failure::usage(format!("{message}; give --state-dir")));
    }
    let state = StateDir::open(path)?;
    let id = run_id(&state, &cli.run)?;
    Ok(state.run(&id)?)
}

fn replay(cli: &Cli) -> Result<bool, Failure> {
    let past = Past::open(folder(cli)?)?;
    if cli.show {
        tell(&past);
    }
    let replayed = &past.replayed;
    let answer = Answer {
        run: past.file.header.run.clone(),
        records: replayed.records,
        effects: replayed.effects,
        ended: past.file.closed,
        differences: replayed.differences.iter().map(|d| (d.seq, d.what.clone())).collect(),
    };
    let same = answer.differences.is_empty();
    if cli.output.output == Output::Json {
        let text =
            serde_json::to_string_pretty(&answer).map_err(|error| Failure::unexpected(error.to_string()))?;
        println!("{text}");
        return Ok(same);
    }
    for (seq, what) in &answer.differences {
        println!("record {seq}: {what}");
    }
    let state = if answer.ended { "ended" } else { "open" };
    let found = if same {
        "every decision came out the same".to_owned()
    } else {
        format!("{} differ", answer.differences.len())
    };
    println!(
        "run {} ({state}): {} records, {} effects decided again; {found}",
        answer.run, answer.records, answer.effects
    );
    Ok(same)
}

/// The run as its lines, decided again step by step.
fn tell(past: &Past) {
    let (mut run, mut story) = (Run::new(), Story::new(&program(), ""));
    for record in &past.file.records {
        let now = record.entry.ts;
        let event = record.entry.event.as_ref().and_then(|event| event.read::<Event>().ok());
        let stepped = step(&mut run, now, event.clone());
        let recorded = Recorded { now, event: event.as_ref(), stepped: &stepped, machine: &run };
        for line in story.lines(&recorded) {
            println!("{line}");
        }
    }
}
