//! `baseline show`: the table.

use std::path::PathBuf;

use clap::Args;
use gate::baseline::{rows, table};
use gate::units::wall_of;

use super::read;
use crate::args::given;
use crate::failure::Failure;
use crate::output::{Form, json};
use crate::say;
use crate::source::wall_ms;

/// What is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// A file of baseline record
    #[arg(long, value_name = "FILE")]
    baselines: PathBuf,
    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// As it is known then, e.g. 2026-11-29T21:34:23Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

pub(super) fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let baselines = read(&args.baselines)?;
    if let Some(service) = &args.service {
        baselines.has(service)?;
    }
    let time = "a time such as 2026-11-29T21:34:23Z";
    let at = args.at.as_deref().map_or_else(|| Ok(wall_ms()), |text| given("at", text, time, wall_of))?;
    let at = u64::try_from(at).unwrap_or(0);
    let found = rows(&baselines.file, args.service.as_deref(), at);
    match args.format {
        Form::Json => say::put!("{}", json(&found)?),
        Form::Text => say::put!("{}", table(&found, at)),
    }
    Ok(0)
}
