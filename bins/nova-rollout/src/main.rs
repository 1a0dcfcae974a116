//! `nova-rollout`: runs, watches and aborts one rollout.

mod abort;
mod start;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use nova_pipeline::entry::{self, OutputArgs, command_line};
use nova_pipeline::failure::Failure;

#[derive(Parser)]
#[command(name = "nova-rollout", version, about = "Runs, watches and aborts one rollout", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

const EXAMPLES: &str = "Examples:
  nova-rollout run pipeline.yaml --job deploy --artifact target/release/my-service
  nova-rollout watch last --state-dir .nova
  nova-rollout abort --target production --state-dir .nova

Exit codes: 0 promoted or nothing to do, 11 aborted with stable intact, 10 aborted without a stable version, 2 usage.";

#[derive(Subcommand)]
enum Sub {
    /// Release an artifact by one deploy job of a pipeline file
    Run(RunArgs),
    /// Show a run while it lives
    Watch {
        /// Id of the run, or `last`
        run: String,
        #[command(flatten)]
        state: StateArgs,
    },
    /// All traffic back to stable
    Abort {
        /// The release on this target, whoever runs it
        #[arg(long, conflicts_with = "run", required_unless_present = "run")]
        target: Option<String>,
        /// The releases of this run, or of `last`
        #[arg(long)]
        run: Option<String>,
        #[command(flatten)]
        state: StateArgs,
    },
    /// What the program is when it looks after the checks of a rollout
    #[command(hide = true)]
    Guardian {
        /// The file whose lock says that the guardian before is gone
        #[arg(long)]
        charge: Option<PathBuf>,
    },
}

#[derive(Args)]
struct RunArgs {
    /// The pipeline file
    file: PathBuf,
    /// The deploy job
    #[arg(long)]
    job: String,
    /// The program to release; else the one that an earlier run built
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// An earlier run whose outputs are used, or `last`
    #[arg(long, value_name = "RUN")]
    from: Option<String>,
    /// Set an input
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Args)]
struct StateArgs {
    /// The state folder [default: $NOVA_STATE, else .nova beside the pipeline file or here]
    #[arg(long)]
    state_dir: Option<PathBuf>,
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
        Sub::Run(args) => start::start(args).await,
        Sub::Watch { run, state } => watch::watch(state.state_dir.as_deref(), &run).await,
        Sub::Abort { target: Some(target), state, .. } => {
            abort::on_target(state.state_dir.as_deref(), &target).await
        }
        Sub::Abort { run, state, .. } => {
            abort::of_run(state.state_dir.as_deref(), run.as_deref().unwrap_or("last")).await
        }
        Sub::Guardian { .. } => Ok(0),
    }
}
