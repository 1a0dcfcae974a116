//! The program against real exporters on loopback: verdicts, exit codes, every form of output, bad input.

mod bad_input;
mod baseline;
mod bounded;
mod checks;
mod exporter;
mod lint;
mod native;
mod verdicts;

use std::process::{Command, Output, Stdio};

/// Runs the program to its end; it keeps its own deadline.
pub(crate) fn gate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-gate"));
    command.args(arguments).env_remove("GITHUB_STEP_SUMMARY").stdin(Stdio::null());
    command.output().expect("it can be started")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}
