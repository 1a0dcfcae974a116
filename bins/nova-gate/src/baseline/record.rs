//! `baseline record`: what the stable revision did, out of records, a Prometheus, or targets that are scraped for a while.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gate::baseline::{BaselineFile, NotTaken, Taken};
use gate::history::Minutes;
use gate::units::span;
use gate::{Arm, Record, Session, read_record};
use health::checks::url;

use super::read;
use crate::args::{GateArgs, millis};
use crate::failure::Failure;
use crate::files::{self, RECORD_MAX};
use crate::look::{Looking, minutes};
use crate::past::{Past, asked};
use crate::say::say;
use crate::source::{Use, wall_ms};

/// The service of a gate that nobody named.
const UNNAMED: &str = "canary";
const MEND: &str = "give records of nova-gate watch --record; or --prometheus URL --stable SELECTOR; or --stable URL --for 10m";

/// What is recorded, and where.
#[derive(Clone, Debug, Args)]
pub(crate) struct RecordArgs {
    /// Records of a check or a watch
    records: Vec<PathBuf>,
    /// The service
    #[arg(long, value_name = "NAME")]
    service: String,
    /// The file that it is added to; made when it is not there
    #[arg(long, value_name = "FILE")]
    baselines: PathBuf,
    /// Where its stable revision is: URLs of expositions; with --prometheus a selector such as 'job="api"'
    #[arg(long, num_args = 1.., value_name = "URL|SELECTOR")]
    stable: Vec<String>,
    /// Only these series of it
    #[arg(long, value_name = "SELECTOR")]
    stable_where: Option<String>,
    /// The past, out of this Prometheus
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// How far back
    #[arg(long, default_value = "24h", value_name = "TIME")]
    look_back: String,
    /// How long targets are scraped
    #[arg(long = "for", value_name = "TIME")]
    lasting: Option<String>,
    /// Between two scrapes [default: 5s]
    #[arg(long, value_name = "TIME")]
    every: Option<String>,
    /// A gate file: its stable revision, its names of metrics
    #[arg(long, value_name = "GATE.yaml")]
    gate: Option<PathBuf>,
}

/// Something that is taken in: what it is called, and what it holds.
type Part = (String, Past);

/// Ends with 0; what was left out is told.
pub(super) async fn record(args: &RecordArgs) -> Result<u8, Failure> {
    let mut parts = Vec::new();
    for path in &args.records {
        parts.extend(of_record(args, path)?);
    }
    if args.prometheus.is_some() || !args.stable.is_empty() || args.gate.is_some() {
        parts.push(looked_at(args).await?);
    }
    if parts.is_empty() && args.records.is_empty() {
        return Err(Failure::usage(format!("nothing to record\n    mend: {MEND}")));
    }
    // The file is read when it can be written: nobody else does so until then.
    let _held = files::held(&args.baselines)?;
    let mut file =
        if args.baselines.exists() { read(&args.baselines)?.file } else { BaselineFile::default() };
    let mut lines = Vec::new();
    for (name, past) in &parts {
        lines.extend(taken(args, &mut file, name, past)?.lines(&args.service, name));
    }
    let text = file.write().map_err(|error| Failure::unexpected(error.to_string()))?;
    files::replace(&args.baselines, &text)?;
    for line in &lines {
        say!("{line}");
    }
    Ok(0)
}

fn taken(args: &RecordArgs, file: &mut BaselineFile, name: &str, past: &Past) -> Result<Taken, Failure> {
    let wall = |ms: i64| u64::try_from(ms).unwrap_or(0);
    if past.minutes.skipped() > 0 {
        eprintln!(
            "{name}: {} looks at an instance were no evidence and are left out",
            past.minutes.skipped()
        );
    }
    file.take(&args.service, wall(past.began_ms), &past.minutes, wall(wall_ms())).map_err(|why| {
        Failure::usage(match why {
            NotTaken::Ahead(by) => format!(
                "{name}: it was recorded {} after now: a clock went back, here or there; nothing is changed\n    mend: set the clock right",
                span(by)
            ),
            NotTaken::Full => format!(
                "{}: it has no room for another service; nothing is changed\n    mend: use a file for each service",
                args.baselines.display()
            ),
        })
    })
}

/// A record, unless it is of an incident: what both did then is not what is usual.
fn of_record(args: &RecordArgs, path: &Path) -> Result<Option<Part>, Failure> {
    let name = path.display().to_string();
    let Record { setup, looks, notes } = read_record(&files::text(path, RECORD_MAX)?).map_err(|error| {
        Failure::usage(format!("{name}:{error}\n    mend: give a file of nova-gate watch --record"))
    })?;
    for note in &notes {
        eprintln!("{name}: {note}");
    }
    if setup.service != args.service && setup.service != UNNAMED {
        return Err(Failure::usage(format!(
            "{name}:1:1: it is a record of the service {:?}, not of {:?}; nothing is changed\n    mend: give --service {}, or another record",
            setup.service, args.service, setup.service
        )));
    }
    let began_ms = setup.began_ms;
    let (mut session, mut minutes) = (Session::new(setup), Minutes::default());
    for look in &looks {
        session.observe(look);
        minutes.look(look.at_ms, &look.pods);
    }
    if session.report().arm.as_deref() == Some("both") {
        say!("{}: {name} is of an incident, both revisions were over the limit: left out", args.service);
        return Ok(None);
    }
    Ok(Some((name, Past { began_ms, minutes })))
}

/// Targets or a Prometheus, as a gate would look at them.
async fn looked_at(args: &RecordArgs) -> Result<Part, Failure> {
    let given = GateArgs {
        gate: args.gate.clone(),
        stable: args.stable.clone(),
        stable_where: args.stable_where.clone(),
        prometheus: args.prometheus.clone(),
        service: Some(args.service.clone()),
        every: args.every.clone(),
        ..GateArgs::default()
    };
    let mut gate = given.gate()?;
    let Some(stable) = gate.stable.clone().filter(|_| gate.web.is_none()) else {
        return Err(Failure::usage(format!("no stable revision that could be recorded\n    mend: {MEND}")));
    };
    if let Some(server) = &gate.prometheus {
        if stable.choose.is_empty() {
            return Err(Failure::usage(format!(
                "nothing chooses the series of the stable revision\n    mend: {MEND}"
            )));
        }
        let look_back = i64::try_from(millis("look-back", &args.look_back)?).unwrap_or(i64::MAX);
        return Ok((server.clone(), asked(server, &stable.written, &gate.names, look_back).await?));
    }
    let live = !stable.from.is_empty() && stable.from.iter().all(|from| url::is_url(from));
    let Some(lasting) = args.lasting.as_deref().filter(|_| live) else {
        return Err(Failure::usage(format!(
            "targets are scraped for a while, and that is not given\n    mend: {MEND}"
        )));
    };
    (gate.canary, gate.baselines) = (Arm::default(), None);
    let at_most = Duration::from_millis(millis("for", lasting)?);
    let name = stable.from.join(", ");
    let looking = Looking { how: Use::Watch, at_most, lines: false, record: None };
    Ok((name, minutes(gate, &looking).await?))
}
