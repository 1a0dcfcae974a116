//! `nova-local`: the embedded target. It keeps revisions alive as local processes behind a weighted splitter, takes
//! orders over a socket that only its owner can open, and outlives the run that gave them.
//!
//! The rules are in `supervise`, driven by `runner::drive`; this binary is their hands. Two threads: one drives the
//! rules and answers the control socket, one is the splitter, so that a slow disk never holds up a request.

mod artifacts;
mod boot;
mod cli;
mod commands;
mod desk;
mod failing;
mod folder;
mod front;
mod handover;
mod instance;
mod journal;
mod loopback;
mod notify;
mod probe;
mod problem;
mod published;
mod serve;
mod shell;
mod start;
mod unit;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(options) => serve::serve(&options),
        Command::Start(options) => start::start(&options),
        Command::Status { state, output } => commands::status(&state, output),
        Command::Stop { state, keep_instances } => commands::stop(&state, keep_instances),
        Command::Upgrade { state, program } => commands::upgrade(&state, program),
        Command::Unit(options) => unit::print(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("nova-local: {problem}");
            problem.exit_code()
        }
    }
}
