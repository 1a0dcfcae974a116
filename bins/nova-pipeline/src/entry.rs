//! From the command line to the exit code: what the binaries around a run do alike.

use std::process::ExitCode;

use clap::Parser;

use crate::failure::Failure;

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
            eprintln!("{failure}");
            ExitCode::from(failure.code as u8)
        }
    }
}
