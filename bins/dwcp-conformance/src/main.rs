//! `dwcp-conformance`: holds an implementation of DWCP v3 against the requirements.
//!
//! Exit codes: 0 it conforms (or what was asked is done), 10 it does not, 2 wrong usage or input, 130 told to end.

mod asked;
mod checkup;
mod cli;
mod machine;
mod replay;
mod run;
mod say;
mod show;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use say::say;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What went wrong before anything could be judged.
pub(crate) type Usage = String;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(why) = take_charge() {
        eprintln!("dwcp-conformance: {why}");
        return ExitCode::from(2);
    }
    let done = match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::List { profiles } => show::list(&profiles),
        Command::Explain { requirement } => show::explain(&requirement),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Diff { old, new, tolerance } => show::diff(&old, &new, tolerance),
        Command::CheckAdapter { connect, adapter } => checkup::check(connect.as_deref(), &adapter),
        Command::Serve { socket, http, adapter } => serve(socket.as_deref(), http.as_deref(), &adapter),
        Command::Schema => {
            say!("{}", include_str!("report.schema.json").trim_end());
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(10),
        Err(why) => {
            eprintln!("dwcp-conformance: {why}");
            ExitCode::from(2)
        }
    }
}

/// Serves until it is told to end.
fn serve(socket: Option<&Path>, http: Option<&str>, adapter: &[String]) -> Result<bool, Usage> {
    match (socket, http) {
        (Some(path), _) => {
            adapter_sut::serve::unix(path, adapter, || say!("--connect unix:{}", path.display()))
        }
        (None, Some(address)) => adapter_sut::serve::http(address, adapter, |at| say!("--connect http:{at}")),
        (None, None) => Err("either --socket or --http".to_owned()),
    }
    .map(|()| true)
}

/// Whatever an implementation leaves behind becomes ours; told to end, we end it first.
fn take_charge() -> Result<(), Usage> {
    adapter_sut::adopt_orphans()?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            adapter_sut::end_all_below();
            std::process::exit(130);
        }
    });
    Ok(())
}
