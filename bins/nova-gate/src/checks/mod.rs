//! `checks`: health checks until all pass, or for a while in which they must keep passing.

mod args;
mod play;

pub(crate) use args::ChecksArgs;

use gate::checks::{Report, text};

use crate::failure::Failure;
use crate::junit;
use crate::output::json;
use crate::say;
use args::Form;

/// Tries, prints the result, and gives the exit code.
pub(crate) async fn checks(args: &ChecksArgs) -> Result<u8, Failure> {
    let (checks, playing) = (args.checks()?, args.playing()?);
    let report = play::play(checks, playing).await?;
    say::put!("{}", formed(args.format, &report)?);
    Ok(report.code)
}

fn formed(form: Form, report: &Report) -> Result<String, Failure> {
    match form {
        Form::Text => Ok(text(report)),
        Form::Json => json(report),
        Form::Junit => junit::checks(report),
    }
}
