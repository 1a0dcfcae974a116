//! `audit`: the promise checked on one's own history. Each stable instance plays the canary in turn.

use std::path::{Path, PathBuf};

use clap::Args;
use gate::units::share_of;
use gate::{Names, file};
use health::Finite;
use health::sequential::Counts;

use crate::args::{given, millis};
use crate::failure::Failure;
use crate::files::{self, RECORD_MAX};
use crate::output::{Form, json};
use crate::past::asked;
use crate::say::{self, say};

/// Which history, and what is played.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditArgs {
    /// Records of a watch, or traces of the corpus
    history: Vec<PathBuf>,
    /// Take the history of this Prometheus
    #[arg(long, value_name = "URL", requires = "stable")]
    prometheus: Option<String>,
    /// Series of the stable revision there, e.g. 'job="api"'
    #[arg(long, value_name = "SELECTOR")]
    stable: Option<String>,
    /// How far back
    #[arg(long, default_value = "24h", value_name = "TIME")]
    look_back: String,
    /// Length of one played rollout, in minutes
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
    /// Allowed chance of a false rollback
    #[arg(long, default_value = "1%", value_name = "PERCENT")]
    alpha: String,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// Ends with 0 when the promise is kept, 10 when it is broken, 12 when the history is too short to say.
pub(crate) async fn audit(args: &AuditArgs) -> Result<u8, Failure> {
    let read =
        |text: &str| share_of(text).filter(|alpha| *alpha > 0.0 && *alpha <= 0.5).and_then(Finite::new);
    if args.history.is_empty() && args.prometheus.is_none() {
        let mend = "give records of nova-gate watch --record, or --prometheus URL --stable SELECTOR";
        return Err(Failure::usage(format!("no history to audit: {mend}")));
    }
    let alpha = given("alpha", &args.alpha, "a percentage above 0% and up to 50%", read)?;
    let mut minutes: Vec<Vec<Counts>> = Vec::new();
    for path in &args.history {
        minutes.extend(history(path, &files::text(path, RECORD_MAX)?)?);
    }
    if let (Some(server), Some(stable)) = (&args.prometheus, &args.stable) {
        let look_back = i64::try_from(millis("look-back", &args.look_back)?).unwrap_or(i64::MAX);
        let (_, written) = file::selector(stable).map_err(Failure::usage)?;
        minutes.extend(asked(server, &written, &Names::default(), look_back).await?.minutes.list());
    }
    let found = gate::audit(&minutes, args.minutes, alpha);
    match args.format {
        Form::Json => say::put!("{}", json(&found)?),
        Form::Text => found.lines().iter().for_each(|line| say!("{line}")),
    }
    Ok(found.code)
}

/// The minutes of a record or a trace.
pub(crate) fn history(path: &Path, text: &str) -> Result<Vec<Vec<Counts>>, Failure> {
    let minutes = gate::history::read(text).map_err(|error| {
        Failure::usage(format!(
            "{}:{error}\n    mend: give a file of nova-gate watch --record",
            path.display()
        ))
    })?;
    if minutes.skipped() > 0 {
        eprintln!(
            "{}: {} looks at an instance were no evidence and are left out",
            path.display(),
            minutes.skipped()
        );
    }
    Ok(minutes.list())
}
