//! `nova-pipeline`: runs, plans, explains, resumes and approves pipelines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use adapter_store::StateDir;
use clap::{Args, Parser, Subcommand};
use nova_pipeline::call::{assignment, new_run_id, program, quoted, state_folder, user, wall_ms};
use nova_pipeline::control::{Sent, send};
use nova_pipeline::entry::{self, Output, OutputArgs, command_line};
use nova_pipeline::failure::Failure;
use nova_pipeline::history::{Past, run_id, state};
use nova_pipeline::session::{Settings, open, resume};
use nova_pipeline::view::{ViewKind, tail};
use nova_pipeline::{control, file, graph, init, preflight, prune, screen, summary};
use run::{Command, Definition};

#[derive(Parser)]
#[command(name = "nova-pipeline", version, about = "Takes a change from source to production, and back again when it is bad", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

const EXAMPLES: &str = "Examples:
  nova-pipeline init my-service                   write a first pipeline
  nova-pipeline plan pipeline.yaml --mermaid      draw its graph
  nova-pipeline run pipeline.yaml --set port=8090 run it
  nova-pipeline show last --state-dir .nova       what became of the newest run
  nova-pipeline resume last --state-dir .nova     go on after a crash

Exit codes: 0 done, 2 usage or configuration, 10 failed, 11 aborted with stable intact, 14 waiting (only with
--stop-at-gate), 130 cancelled, 1 unexpected.";

#[derive(Subcommand)]
enum Sub {
    /// Write a first pipeline for your own service
    #[command(
        after_help = "Example:\n  nova-pipeline init my-service && nova-pipeline run my-service/pipeline.yaml"
    )]
    Init {
        /// Where; made when it is not there
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Run a pipeline
    #[command(
        after_help = "Examples:\n  nova-pipeline run pipeline.yaml --set version=1.6.0\n  nova-pipeline run pipeline.yaml --only production --from last --set fault=errors"
    )]
    Run(RunArgs),
    /// Draw the graph of a pipeline; nothing is run
    #[command(after_help = "Example:\n  nova-pipeline plan pipeline.yaml --mermaid > graph.mmd")]
    Plan {
        #[command(flatten)]
        file: FileArgs,
        /// As a Mermaid flowchart
        #[arg(long)]
        mermaid: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List runs
    #[command(after_help = "Examples:\n  nova-pipeline runs\n  nova-pipeline runs prune --keep 5 --older 7d")]
    Runs {
        #[command(subcommand)]
        command: Option<RunsCommand>,
        #[command(flatten)]
        state: StateArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show what became of a run
    #[command(after_help = "Example:\n  nova-pipeline show last")]
    Show {
        #[command(flatten)]
        of: OfRun,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Go on with a run whose runner is gone
    #[command(after_help = "Example:\n  nova-pipeline resume last")]
    Resume {
        #[command(flatten)]
        of: OfRun,
        #[command(flatten)]
        output: OutputArgs,
        /// Leave with 14 when only a person can go on
        #[arg(long)]
        stop_at_gate: bool,
    },
    /// Answer an open question of a run: an approval, a decision about a breach, a lost effect
    #[command(
        after_help = "Examples:\n  nova-pipeline approve last approve\n  nova-pipeline approve last approve --reject"
    )]
    Approve {
        #[command(flatten)]
        of: OfRun,
        /// The job that asks
        job: String,
        /// Say no
        #[arg(long)]
        reject: bool,
    },
    /// End a run; its releases go back
    #[command(after_help = "Example:\n  nova-pipeline cancel last")]
    Cancel {
        #[command(flatten)]
        of: OfRun,
    },
    /// What the program is when it looks after the jobs of a run
    #[command(hide = true)]
    Guardian {
        /// The file whose lock says that the guardian before is gone
        #[arg(long)]
        charge: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum RunsCommand {
    /// Take old runs away, with logs, backups and artifacts that nothing names any more
    Prune {
        /// Keep this many of the newest
        #[arg(long, default_value_t = 10)]
        keep: usize,
        /// Of the others, take those that began longer ago than this
        #[arg(long, default_value = "30d")]
        older: String,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
struct FileArgs {
    /// The pipeline file
    file: PathBuf,
    /// Set an input
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Only this stage, with what an earlier run built and tested
    #[arg(long, requires = "from", value_name = "STAGE")]
    only: Option<String>,
    /// The earlier run, or `last`
    #[arg(long, requires = "only", value_name = "RUN")]
    from: Option<String>,
    /// Commands at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// Leave with 14 when only a person can go on
    #[arg(long)]
    stop_at_gate: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Args)]
struct StateArgs {
    /// The state folder [default: $NOVA_STATE, else .nova beside the pipeline file or here]
    #[arg(long, global = true)]
    state_dir: Option<PathBuf>,
}

#[derive(Args)]
struct OfRun {
    /// Id of the run, or `last`
    run: String,
    #[command(flatten)]
    state: StateArgs,
}

fn main() -> ExitCode {
    let cli: Cli = match command_line() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    if let Sub::Guardian { charge } = &cli.command {
        return entry::guardian(charge.as_deref());
    }
    entry::carry_out(carry_out(cli.command))
}

async fn carry_out(command: Sub) -> Result<i32, Failure> {
    match command {
        Sub::Init { folder } => start(&folder),
        Sub::Run(args) => run(args).await,
        Sub::Plan { file, mermaid, output } => plan(&file, mermaid, &output),
        Sub::Runs { command, state, output } => runs(command, &state, &output),
        Sub::Show { of, output } => show(&of, &output).await,
        Sub::Resume { of, output, stop_at_gate } => {
            let (state, id) = of.find()?;
            let settings = settings(&output, stop_at_gate, &state);
            resume(&state, &id, &settings).await
        }
        Sub::Approve { of, job, reject } => {
            let answer = Command::Answer { job: job.as_str().into(), granted: !reject, by: user() };
            tell(&of, answer).await
        }
        Sub::Cancel { of } => tell(&of, Command::Cancel { by: user() }).await,
        Sub::Guardian { .. } => Ok(0),
    }
}

impl OfRun {
    fn find(&self) -> Result<(StateDir, String), Failure> {
        let state = state(&state_folder(self.state.state_dir.as_deref(), None))?;
        let id = run_id(&state, &self.run)?;
        Ok((state, id))
    }
}

fn start(folder: &std::path::Path) -> Result<i32, Failure> {
    for path in init::write(folder)? {
        println!("wrote {path}");
    }
    let file = folder.join(init::FILE);
    println!("run it with `{} run {}`", quoted(&program()), quoted(&file.display().to_string()));
    Ok(0)
}

fn settings(output: &OutputArgs, stop_at_gate: bool, state: &StateDir) -> Settings {
    let flags = format!(" --state-dir {}", quoted(&state.path().display().to_string()));
    Settings { view: ViewKind::of(output.output == Output::Json), stop_at_gate, flags }
}

async fn run(args: RunArgs) -> Result<i32, Failure> {
    let path = state_folder(args.state.state_dir.as_deref(), Some(&args.file.file));
    let set = assignments(&args.file.set)?;
    // The file is read before anything is made, so that a mistake in it leaves nothing behind.
    let source = file::Source::read(&args.file.file)?;
    let finished = match (&args.only, &args.from) {
        (Some(_), Some(from)) => {
            let state = state(&path)?;
            let id = run_id(&state, from)?;
            Some((id.clone(), Past::read(&state, &id)?.finished()))
        }
        _ => None,
    };
    let only = args.only.as_deref().zip(finished.as_ref());
    let only =
        only.map(|(stage, (from, finished))| run::Only { pick: run::Pick::Stage(stage), from, finished });
    let definition = source.definition(&set, &new_run_id(), args.workers, only)?;
    let targets = preflight::check(&definition, &std::path::absolute(&path).unwrap_or(path.clone())).await?;
    let state = StateDir::open(&path)?;
    let settings = settings(&args.output, args.stop_at_gate, &state);
    open(&state, definition, targets, &settings).await
}

fn assignments(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for text in set {
        let (name, value) = assignment(text)?;
        if values.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--set {name} is there twice; keep one of the two")));
        }
    }
    Ok(values)
}

fn definition_of(file: &FileArgs) -> Result<Definition, Failure> {
    let set = assignments(&file.set)?;
    file::Source::read(&file.file)?.definition(&set, "plan", 2, None)
}

fn plan(file: &FileArgs, mermaid: bool, output: &OutputArgs) -> Result<i32, Failure> {
    let definition = definition_of(file)?;
    match (output.output, mermaid) {
        (Output::Json, _) => println!("{}", json(&definition)?),
        (Output::Text, true) => print!("{}", graph::mermaid(&definition)),
        (Output::Text, false) => print!("{}", graph::text(&definition)),
    }
    Ok(0)
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::unexpected(error.to_string()))
}

fn runs(command: Option<RunsCommand>, args: &StateArgs, output: &OutputArgs) -> Result<i32, Failure> {
    let state = state(&state_folder(args.state_dir.as_deref(), None))?;
    if let Some(RunsCommand::Prune { keep, older, dry_run }) = command {
        return prune_runs(&state, keep, &older, dry_run, output);
    }
    let mut lines = Vec::new();
    for of in state.runs()? {
        let summary =
            Past::read(&state, &of.id).ok().and_then(|past| summary::summary(&past.replayed.machine));
        lines.push((of, summary));
    }
    if output.output == Output::Json {
        let values: Vec<_> = lines
            .iter()
            .map(|(of, s)| serde_json::json!({"run": of.id, "closed": of.closed, "code": s.as_ref().map(|s| s.code), "pipeline": s.as_ref().map(|s| &s.pipeline)}))
            .collect();
        println!("{}", json(&values)?);
        return Ok(0);
    }
    for (of, summary) in lines {
        let state = if of.closed { "ended" } else { "open" };
        let code = summary.as_ref().map_or_else(|| "  ?".to_owned(), |s| format!("{:>3}", s.code));
        println!("{:<28} {state:<6} {code}  {}", of.id, summary.map(|s| s.pipeline).unwrap_or_default());
    }
    Ok(0)
}

fn prune_runs(
    state: &StateDir,
    keep: usize,
    older: &str,
    dry: bool,
    output: &OutputArgs,
) -> Result<i32, Failure> {
    let age = run::millis_of(older)
        .ok_or_else(|| Failure::usage(format!("--older {older}: write a time, e.g. 30d")))?;
    let retention = prune::Retention { keep, before_ms: wall_ms().saturating_sub(age) };
    let pruned = prune::prune(state, retention, dry)?;
    if output.output == Output::Json {
        println!("{}", json(&pruned)?);
        return Ok(0);
    }
    let verb = if dry { "would take" } else { "took" };
    pruned.runs.iter().for_each(|id| println!("{verb} run {id}"));
    pruned.artifacts.iter().for_each(|digest| println!("{verb} artifact {digest}"));
    println!(
        "{verb} {} runs and {} artifacts, {:.1} MiB",
        pruned.runs.len(),
        pruned.artifacts.len(),
        pruned.bytes as f64 / 1_048_576.0
    );
    Ok(0)
}

async fn show(of: &OfRun, output: &OutputArgs) -> Result<i32, Failure> {
    let (state, id) = of.find()?;
    let past = Past::read(&state, &id)?;
    let run = &past.replayed.machine;
    let Some(summary) = summary::summary(run) else {
        return Err(Failure::usage(format!("run {id} was never opened")));
    };
    if output.output == Output::Json {
        println!("{}", json(&summary)?);
        return Ok(0);
    }
    let live = if past.file.closed { None } else { control::picture(&state, &id).await };
    match live {
        Some(picture) => println!("{picture}"),
        None => screen::picture(run, past.replayed.last).iter().for_each(|line| println!("{line}")),
    }
    for release in &summary.releases {
        println!("{} on {}: {}", release.path, release.target, release.outcome);
        release.lines.iter().for_each(|line| println!("  {line}"));
    }
    for job in summary.jobs.iter().filter(|job| job.status == "failed" || job.status == "timed out") {
        let log = past.dir.path().join("logs").join(format!("{}#{}.log", job.job, job.attempts));
        println!("{}: {} {}", job.job, job.status, job.remark.as_deref().unwrap_or_default());
        for line in tail(&log) {
            println!("    | {line}");
        }
    }
    let (state_word, code) =
        if past.file.closed { ("ended", format!(" with {}", summary.code)) } else { ("open", String::new()) };
    println!("run {id}: {state_word}{code}; journal and logs in {}", past.dir.path().display());
    if !past.file.closed && control::picture(&state, &id).await.is_none() {
        let flags = format!(" --state-dir {}", quoted(&state.path().display().to_string()));
        println!("no runner is alive; go on with `{} resume {id}{flags}`", quoted(&program()));
    }
    Ok(0)
}

async fn tell(of: &OfRun, command: Command) -> Result<i32, Failure> {
    let (state, id) = of.find()?;
    match send(&state, &id, command).await? {
        Sent::Taken => println!("run {id} has taken it"),
        Sent::Left => {
            let flags = format!(" --state-dir {}", quoted(&state.path().display().to_string()));
            let own = quoted(&program());
            println!("no runner is alive; it is left for the run, and taken by `{own} resume {id}{flags}`");
        }
    }
    Ok(0)
}
