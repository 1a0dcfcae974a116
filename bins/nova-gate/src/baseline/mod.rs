//! `baseline`: what a service does in each hour of the week. Recorded, shown, and handed to the gate that asks.

mod record;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gate::baseline::{BaselineFile, Basis};
use gate::{Gate, Setup};
use health::baseline::{Baseline, HourOfWeek};

use crate::failure::Failure;
use crate::files;
use crate::source::wall_ms;
use record::RecordArgs;
use show::ShowArgs;

/// Bytes of a file of baselines.
const FILE_MAX: u64 = 64 << 20;

/// What is done with baselines.
#[derive(Clone, Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Clone, Debug, Subcommand)]
enum Sub {
    /// Add what the stable revision did; each minute counts once
    Record(RecordArgs),
    /// What is recorded, and whether it is used
    Show(ShowArgs),
}

/// Carries it out.
pub(crate) async fn baseline(args: &BaselineArgs) -> Result<u8, Failure> {
    match &args.command {
        Sub::Record(args) => record::record(args).await,
        Sub::Show(args) => show::show(args),
    }
}

/// A file of baselines that was read.
pub(crate) struct Read {
    path: PathBuf,
    file: BaselineFile,
}

/// The baselines that a gate names.
pub(crate) fn named(gate: &Gate) -> Result<Option<Read>, Failure> {
    gate.baselines.as_ref().map(|path| read(Path::new(path))).transpose()
}

fn read(path: &Path) -> Result<Read, Failure> {
    if !path.exists() {
        let mend =
            format!("nova-gate baseline record --service NAME --baselines {} RECORD.jsonl", path.display());
        return Err(Failure::usage(format!("{}: there is no such file\n    mend: {mend}", path.display())));
    }
    let file = BaselineFile::read(&files::text(path, FILE_MAX)?).map_err(|error| {
        let mend = "give a file of nova-gate baseline record; one that was cut or edited is recorded anew";
        let mend =
            if error.message.contains("later nova-gate") { "use the nova-gate that wrote it" } else { mend };
        Failure::usage(format!("{}:{error}\n    mend: {mend}", path.display()))
    })?;
    Ok(Read { path: path.to_owned(), file })
}

impl Read {
    /// What is known of the hour in which the gate began. Another service, or a clock that went back, is an error.
    pub(crate) fn basis(&self, setup: &Setup) -> Result<Basis, Failure> {
        self.has(&setup.service)?;
        let began = u64::try_from(setup.began_ms).unwrap_or(0);
        let now = u64::try_from(wall_ms()).unwrap_or(0);
        let hour = HourOfWeek::of(began);
        let basis = Basis::new(hour, self.file.baselines().at(&setup.service, hour, now));
        if matches!(basis.found, Baseline::Ahead { .. }) {
            let mend =
                "set the clock right; if it was wrong when it was recorded, record anew in another file";
            return Err(Failure::usage(format!(
                "{}: {}\n    mend: {mend}",
                self.path.display(),
                basis.told()
            )));
        }
        Ok(basis)
    }

    fn has(&self, service: &str) -> Result<(), Failure> {
        let known = self.file.services();
        if known.contains(&service) {
            return Ok(());
        }
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Failure::usage(format!(
            "{}: no baselines of the service {service:?}; there are those of: {known}\n    mend: name one of them (--service, or service: in the gate file), or record {service} first",
            self.path.display()
        )))
    }
}
