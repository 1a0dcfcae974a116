//! `check` and `watch`: one look after the other until there is a verdict or no more time.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::{Gate, Line, Observation, Report, Session, Verdict, render};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::failure::Failure;
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
    let until = Instant::now() + looking.at_most;
    let mut source = Source::open(&gate, looking.how).await?;
    gate.setup.began_ms = source.began_ms();
    gate.setup.source = source.words();
    gate.setup.plan.horizon = source.planned(&gate, looking.at_most);
    let mut recorder = looking.record.as_deref().map(Recorder::new).transpose()?;
    let mut session = Session::new(gate.setup.clone());
    record(recorder.as_mut(), &Line::Gate(gate.setup.clone()))?;
    for note in source.notes() {
        told(&mut session, &note, recorder.as_mut())?;
    }
    let interrupted = interruption();
    tokio::pin!(interrupted);
    let mut next = Instant::now();
    loop {
        let looked = tokio::select! {
            // What a look has brought is heard before the interruption.
            biased;
            looked = timeout_at(until.max(next + Duration::from_secs(6)), source.look()) => looked,
            () = &mut interrupted => { told(&mut session, INTERRUPTED, recorder.as_mut())?; break }
        };
        let Ok(looked) = looked else {
            told(&mut session, "the last look did not end in time", recorder.as_mut())?;
            break;
        };
        let Some(observation) = looked? else { break };
        hear(&mut session, observation, recorder.as_mut())?;
        let report = session.report();
        if looking.lines {
            eprintln!("{}", render::line(&session, &report));
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
                () = &mut interrupted => { told(&mut session, INTERRUPTED, recorder.as_mut())?; break }
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
    report.verdict == Verdict::Healthy && (cleared || content)
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

/// Writes lines as they come.
struct Recorder {
    file: File,
    path: PathBuf,
}

impl Recorder {
    fn new(path: &Path) -> Result<Self, Failure> {
        let file =
            File::create(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Ok(Self { file, path: path.to_owned() })
    }

    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).map_err(|error| Failure::unexpected(error.to_string()))?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| Failure::usage(format!("{}: {error}", self.path.display())))
    }
}
