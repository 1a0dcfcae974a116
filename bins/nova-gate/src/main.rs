//! `nova-gate`: is the canary worse than stable? One shot or for a while, with evidence, an exit code, and reports.

mod args;
mod audit;
mod baseline;
mod checks;
mod explain;
mod failure;
mod files;
mod junit;
mod lint;
mod look;
mod output;
mod past;
mod proof;
mod quiet;
mod say;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use args::{GateArgs, millis};
use audit::AuditArgs;
use baseline::BaselineArgs;
use checks::ChecksArgs;
use clap::{Parser, Subcommand};
use failure::Failure;
use lint::LintArgs;
use look::{Looking, look};
use output::{OutputArgs, put};
use quiet::{QuietArgs, quietly};
use source::Use;

const EXAMPLES: &str = "Examples:
  nova-gate check --canary http://10.0.0.8:9090/metrics --stable http://10.0.0.7:9090/metrics
  nova-gate check --prometheus http://prometheus:9090 --canary 'revision=\"v2\"' --stable 'revision=\"v1\"'
  nova-gate watch gate.yaml --for 10m --record canary.jsonl
  nova-gate explain canary.jsonl --picture canary.svg
  nova-gate lint rules.yml gate.yaml --rps 100 --error-rate 0.1%
  nova-gate audit canary.jsonl
  nova-gate baseline record --service api --baselines api.json canary.jsonl
  nova-gate checks --http http://localhost:8080/health --metrics http://localhost:8080,dwcp_ --within 1m

Exit codes: 0 healthy, 10 regressed or failing, 12 undecided or no data, 2 usage or configuration, 1 unexpected.";

#[derive(Parser)]
#[command(name = "nova-gate", version, about = "Says whether a canary is worse than stable, with evidence", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Look until there is a verdict
    #[command(
        after_help = "Example:\n  nova-gate check --canary http://10.0.0.8:9090 --stable http://10.0.0.7:9090 --format github"
    )]
    Check {
        #[command(flatten)]
        gate: GateArgs,
        /// Ends with what there is [default: 2m]
        #[arg(long, value_name = "TIME")]
        deadline: Option<String>,
        /// Record every look
        #[arg(long, value_name = "FILE.jsonl")]
        record: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Look for a while, with a line for every look; ends early only against the canary
    #[command(
        after_help = "Example:\n  nova-gate watch gate.yaml --for 10m --every 15s --record canary.jsonl"
    )]
    Watch {
        #[command(flatten)]
        gate: GateArgs,
        /// How long
        #[arg(long = "for", value_name = "TIME")]
        lasting: String,
        #[command(flatten)]
        quiet: QuietArgs,
        /// Record every look
        #[arg(long, value_name = "FILE.jsonl")]
        record: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Tell a record or a result again: what was seen, since when, what would change it
    #[command(after_help = "Example:\n  nova-gate explain canary.jsonl --html canary.html")]
    Explain {
        /// A file of --record, or of --format json
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Say what rules cannot mean, and what they cost for your traffic
    #[command(after_help = "Example:\n  nova-gate lint rules.yml --rps 100 --error-rate 0.1% --for 30m")]
    Lint(LintArgs),
    /// Play the tests on your own history, stable against stable
    #[command(
        after_help = "Examples:\n  nova-gate audit week.jsonl --minutes 30\n  nova-gate audit --prometheus http://prometheus:9090 --stable 'job=\"api\"' --look-back 24h"
    )]
    Audit(AuditArgs),
    /// What a service does in each hour of the week: record it, show it
    #[command(
        after_help = "Examples:\n  nova-gate baseline record --service api --baselines api.json canary.jsonl\n  nova-gate baseline record --service api --baselines api.json --prometheus http://prometheus:9090 --stable 'job=\"api\"' --look-back 24h\n  nova-gate baseline show --baselines api.json"
    )]
    Baseline(BaselineArgs),
    /// Health checks: HTTP, TCP, gRPC health, commands, metrics that move
    #[command(
        after_help = "Examples:\n  nova-gate checks checks.yaml --within 1m\n  nova-gate checks --http http://localhost:8080/health --tcp localhost:5432 --for 5m\n\nExit codes: 0 all pass, 10 one fails, 12 not proven in time, 2 usage."
    )]
    Checks(ChecksArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output, the rest to standard error.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(carry_out(cli.command));
            // Not to wait for a look-up of a name that hangs.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Failure::unexpected(error.to_string())),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}

async fn carry_out(command: Sub) -> Result<u8, Failure> {
    match command {
        Sub::Check { gate, deadline, record, output } => {
            let ready = gate.gate()?;
            let at_most = deadline.map_or(Ok(ready.deadline_ms), |text| millis("deadline", &text))?;
            let looking =
                Looking { how: Use::Check, at_most: Duration::from_millis(at_most), lines: false, record };
            let report = look(ready, &looking).await?;
            put(&output, &report, gate.gate.as_deref())?;
            Ok(report.code)
        }
        Sub::Watch { gate, lasting, quiet, record, output } => {
            let ready = gate.gate()?;
            let lasts_ms = millis("for", &lasting)?;
            let at_most = Duration::from_millis(lasts_ms);
            let looking = Looking { how: Use::Watch, at_most, lines: true, record };
            let work = Box::pin(look(ready.clone(), &looking));
            let report = quietly(&quiet, &ready, lasts_ms, work).await??;
            put(&output, &report, gate.gate.as_deref())?;
            Ok(report.code)
        }
        Sub::Explain { file, output } => {
            let report = explain::explained(&file)?;
            put(&output, &report, None)?;
            Ok(report.code)
        }
        Sub::Lint(args) => lint::lint(&args),
        Sub::Audit(args) => audit::audit(&args).await,
        Sub::Baseline(args) => baseline::baseline(&args).await,
        Sub::Checks(args) => checks::checks(&args).await,
    }
}
