//! Alerts that are kept quiet for the time of a watch, and never those that guard.

use std::path::Path;

use adapter_alertmanager::AlertmanagerSilences;
use clap::Args;
use gate::Gate;
use health::checks::url;
use ports::Window;
use promql::{GuardingAlert, RuleFile};
use runner::Keeper;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::files;
use crate::source::wall_ms;

/// Bytes of a rule file.
const RULES_MAX: u64 = 4 << 20;
/// A silence ends by itself so long after the watch should have ended.
const SLACK_MS: u64 = 60_000;
/// The longest that an Alertmanager is asked for.
const LASTS_MAX_MS: u64 = 86_400_000;

/// What is quiet meanwhile.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct QuietArgs {
    /// Keep alerts quiet meanwhile, one silence each, e.g. 'alertname="PodRestarting"'
    #[arg(long = "silence", value_name = "MATCHERS", requires = "alertmanager")]
    silences: Vec<String>,
    /// Where: http://HOST:PORT
    #[arg(long, value_name = "URL", requires = "silences")]
    alertmanager: Option<String>,
    /// Alert rule files whose alerts are never kept quiet; those of --alerts never are
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "silences")]
    silence_guards: Vec<String>,
}

/// Does the work, with silences beside it when some are asked for.
///
/// # Errors
/// What was asked for cannot be meant, or could meet an alert that guards; then the work is not begun.
pub(crate) async fn quietly<T>(
    args: &QuietArgs,
    gate: &Gate,
    lasts_ms: u64,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let Some(server) = &args.alertmanager else { return Ok(work.await) };
    let url = url::read(server, "").map_err(Failure::usage)?;
    let guards = guards(args, gate)?;
    let run = format!("nova-gate-{}-{}", std::process::id(), wall_ms());
    let (tell, over) = watch::channel(false);
    let keeper = Keeper {
        windows: windows(args, gate, &guards, &run, lasts_ms)?,
        silences: AlertmanagerSilences::new(&url.address, guards, wall_ms as fn() -> i64)
            .with_prefix(url.path.trim_end_matches('/')),
        place: url.to_string(),
        run,
        over,
        warn: |line: &str| eprintln!("{line}"),
    };
    let work = async {
        let done = work.await;
        tell.send_replace(true);
        done
    };
    Ok(tokio::join!(work, keeper.keep()).0)
}

fn windows(
    args: &QuietArgs,
    gate: &Gate,
    guards: &[GuardingAlert],
    run: &str,
    lasts_ms: u64,
) -> Result<Vec<Window>, Failure> {
    let mut windows = Vec::new();
    for text in &args.silences {
        let usage =
            |why: String, mend: &str| Failure::usage(format!("--silence {text:?}: {why}\n    mend: {mend}"));
        let matchers = promql::matchers(text).map_err(|error| {
            usage(error.kind.to_string(), "write labels as in PromQL: alertname=\"PodRestarting\"")
        })?;
        if let Some(guard) = guards.iter().find(|guard| guard.could_match(&matchers)) {
            let why = format!("it could keep {} quiet, which guards the canary", guard.name());
            return Err(usage(why, "name the alert that is meant"));
        }
        windows.push(Window {
            run: run.to_owned(),
            matchers: matchers.iter().map(Into::into).collect(),
            lasts_ms: lasts_ms.saturating_add(SLACK_MS).min(LASTS_MAX_MS),
            comment: format!("nova-gate watches {}", gate.setup.service),
        });
    }
    Ok(windows)
}

fn guards(args: &QuietArgs, gate: &Gate) -> Result<Vec<GuardingAlert>, Failure> {
    let mut guards = Vec::new();
    for name in gate.alerts.iter().chain(&args.silence_guards) {
        let rules = RuleFile::read(&files::text(Path::new(name), RULES_MAX)?).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(|error| format!("{name}: {error}")).collect();
            Failure::usage(lines.join("\n"))
        })?;
        guards.extend(GuardingAlert::all_of(&rules));
    }
    Ok(guards)
}
