//! `check` and `watch`: one look after the other until there is a verdict or no more time.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::history::Minutes;
use gate::{Gate, Line, Observation, Report, Session, Verdict, render};
use health::sequential::LogE;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::baseline;
use crate::failure::Failure;
use crate::past::Past;
use crate::source::{Source, Use};

/// A check of live targets is content when it could have seen so many times the errors.
const CONTENT: f64 = 3.0;
const INTERRUPTED: &str = "ended by an interruption";

/// How long and how loudly.
#[derive(Clone, Debug)]
pub(crate) struct Looking {
    pub(crate) how: Use,
    /// At most so long, for live sources.
    pub(crate) at_most: Duration,
    /// A line with every look, to standard error.
    pub(crate) lines: bool,
    /// Where the looks are recorded.
    pub(crate) record: Option<PathBuf>,
}

/// Looks, and says what is known at the end.
pub(crate) async fn look(mut gate: Gate, looking: &Looking) -> Result<Report, Failure> {
    let mut recorder = looking.record.as_deref().map(Recorder::new).transpose()?;
    looked(&mut gate, looking, recorder.as_mut()).await
}

/// What stable did while it was looked at, by minute, and the wall time of the first.
pub(crate) async fn minutes(mut gate: Gate, looking: &Looking) -> Result<Past, Failure> {
    let mut recorder = Recorder::Minutes(Minutes::default());
    looked(&mut gate, looking, Some(&mut recorder)).await?;
    let minutes = if let Recorder::Minutes(minutes) = recorder { minutes } else { Minutes::default() };
    Ok(Past { began_ms: gate.setup.began_ms, minutes })
}

async fn looked(
    gate: &mut Gate,
    looking: &Looking,
    mut recorder: Option<&mut Recorder>,
) -> Result<Report, Failure> {
    let until = Instant::now() + looking.at_most;
    let baselines = baseline::named(gate)?;
    let mut source = Source::open(gate, looking.how).await?;
    gate.setup.began_ms = source.began_ms();
    if let Some(baselines) = baselines {
        gate.setup.goes_by(baselines.basis(&gate.setup)?);
    }
    gate.setup.source = source.words();
    gate.setup.plan.horizon = source.planned(gate, looking.at_most);
    let mut session = Session::new(gate.setup.clone());
    record(recorder.as_deref_mut(), &Line::Gate(gate.setup.clone()))?;
    for note in source.notes() {
        told(&mut session, &note, recorder.as_deref_mut())?;
    }
    let interrupted = interruption();
    tokio::pin!(interrupted);
    let mut next = Instant::now();
    loop {
        let looked = tokio::select! {
            // What a look has brought is heard before the interruption.
            biased;
            looked = timeout_at(until.max(next + Duration::from_secs(6)), source.look()) => looked,
            () = &mut interrupted => { told(&mut session, INTERRUPTED, recorder.as_deref_mut())?; break }
        };
        let Ok(looked) = looked else {
            told(&mut session, "the last look did not end in time", recorder.as_deref_mut())?;
            break;
        };
        let Some(observation) = looked? else { break };
        hear(&mut session, observation, recorder.as_deref_mut())?;
        let report = session.report();
        if looking.lines {
            eprintln!("{}", render::line(&report));
        }
        let content = looking.how == Use::Check && source.live() && enough(&report);
        if session.ended() || content {
            break;
        }
        if source.live() {
            next += Duration::from_millis(gate.every_ms);
            if next > until {
                break;
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = &mut interrupted => { told(&mut session, INTERRUPTED, recorder.as_deref_mut())?; break }
            }
        }
    }
    Ok(session.report())
}

/// INT or TERM. Where they cannot be heard, they end the program as they always do.
async fn interruption() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => terminated.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// Whether a check may end before its time.
fn enough(report: &Report) -> bool {
    let cleared =
        matches!(report.explanation.finding, health::sequential::engine::Finding::Healthy { cleared: true });
    let content =
        report.smallest.is_some_and(|smallest| smallest.times.value() <= CONTENT && !smallest.at_most);
    // While a bounded metric leans towards its limit, more values are to be had.
    let quiet = report.bounded.iter().all(|bound| bound.evidence <= LogE::ONE);
    // A plan is content at its last look and not before.
    let planned = report.planned.as_ref().map(|planned| planned.next_at.is_none());
    report.verdict == Verdict::Healthy && quiet && planned.unwrap_or(cleared || content)
}

fn hear(session: &mut Session, look: Observation, recorder: Option<&mut Recorder>) -> Result<(), Failure> {
    session.observe(&look);
    record(recorder, &Line::Look(look))
}

fn told(session: &mut Session, note: &str, recorder: Option<&mut Recorder>) -> Result<(), Failure> {
    session.note(note);
    record(recorder, &Line::Note(note.to_owned()))
}

fn record(recorder: Option<&mut Recorder>, line: &Line) -> Result<(), Failure> {
    recorder.map_or(Ok(()), |recorder| recorder.line(line))
}

/// Where lines go as they come.
enum Recorder {
    File {
        file: File,
        path: PathBuf,
    },
    /// Only what stable did.
    Minutes(Minutes),
}

impl Recorder {
    fn new(path: &Path) -> Result<Self, Failure> {
        let file =
            File::create(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Ok(Self::File { file, path: path.to_owned() })
    }

    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        let (file, path) = match self {
            Self::File { file, path } => (file, path),
            Self::Minutes(minutes) => {
                if let Line::Look(look) = line {
                    minutes.look(look.at_ms, &look.pods);
                }
                return Ok(());
            }
        };
        let mut text = serde_json::to_string(line).map_err(|error| Failure::unexpected(error.to_string()))?;
        text.push('\n');
        let written = file.write_all(text.as_bytes());
        written.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }
}
