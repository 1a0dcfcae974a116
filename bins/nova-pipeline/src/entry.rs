//! From the command line to the exit code: what the binaries around a run do alike.

use std::process::ExitCode;

use clap::Parser;

use crate::failure::Failure;
use crate::say::complain;

/// For a person, or for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Lines.
    Text,
    /// One JSON value on standard output.
    Json,
}

/// `--output`.
#[derive(Clone, Debug, clap::Args)]
pub struct OutputArgs {
    /// For a person, or for a program
    #[arg(long, value_enum, global = true, default_value_t = Output::Text)]
    pub output: Output,
}

/// Reads the command line. Help and version end in 0, a mistake in 2.
///
/// # Errors
/// The exit code, after the message was printed.
pub fn command_line<C: Parser>() -> Result<C, ExitCode> {
    C::try_parse().map_err(|error| {
        // Help goes to standard output, the rest to standard error.
        let _ = error.print();
        ExitCode::from(u8::from(error.use_stderr()) * 2)
    })
}

/// Carries out a command on one thread, prints why it could not be done, and gives the exit code.
pub fn carry_out(command: impl Future<Output = Result<i32, Failure>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Err(Failure::unexpected(error.to_string())),
    };
    match done {
        Ok(code) => ExitCode::from(code as u8),
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.code as u8)
        }
    }
}

/// What the program is when it looks after the jobs of a run: the guardian, in charge once the one before is gone.
pub fn guardian(charge: Option<&std::path::Path>) -> ExitCode {
    // Held to the end. A disk that has no room for the file is no reason to leave the jobs without a guardian.
    let _charge = match charge.map(adapter_process::guardian::take_charge).transpose() {
        Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            complain(&format!("guardian: {error}"));
            return ExitCode::from(1);
        }
        charge => charge.ok().flatten(),
    };
    ExitCode::from(adapter_process::guardian::serve() as u8)
}
