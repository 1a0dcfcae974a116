//! What a person sees of a run: a live picture on a terminal, lines elsewhere, JSON for a program.

use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{cursor::MoveToPreviousLine, queue};
use machine::{Machine, Progress, Timestamp};
use pipeline_core::{Body, Event as JobEvent, Status};
use run::{Event, Run};
use runner::{BootClock, Clock, Observer, Recorded};
use tokio::sync::Notify;

use crate::call::{program, quoted};
use crate::say::{complain, say};
use crate::screen::picture;
use crate::session::Settings;
use crate::story::Story;
use crate::summary::summary;

/// Between two drawings of the live picture.
const FRAME: Duration = Duration::from_millis(150);
/// A picture is made at most this often; a large pipeline has many steps.
const PICTURE_MS: u64 = 100;
/// Up to so many jobs a picture is cheap, and is made whenever there is something to say.
const SMALL: usize = 200;
/// Lines of a failed job's log that are shown.
const TAIL_LINES: usize = 20;
/// At most so much of a log is read for them, in bytes.
const TAIL_BYTES: u64 = 32 << 10;

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// Redrawn in place.
    Live,
    /// One line per event.
    Lines,
    /// Lines on standard error, one JSON object at the end.
    Json,
}

impl ViewKind {
    /// Live on a terminal, lines elsewhere.
    pub fn of(json: bool) -> Self {
        match (json, std::io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Live,
            (false, false) => Self::Lines,
        }
    }
}

/// Shows a run.
pub struct View {
    kind: ViewKind,
    stop_at_gate: bool,
    folder: PathBuf,
    clock: Arc<BootClock>,
    frame: Arc<Mutex<Frame>>,
    gate: Arc<Notify>,
    story: Story,
    made: Timestamp,
    /// What watchers are shown.
    shared: Arc<Mutex<String>>,
}

/// The newest state to draw, and how many lines of the terminal the drawing takes.
#[derive(Default)]
struct Frame {
    run: Option<Run>,
    drawn: u16,
}

impl View {
    /// A view of the run in `folder`. `shared` is given to watchers; `gate` is told when only a person can go on.
    pub fn new(
        settings: &Settings,
        folder: PathBuf,
        clock: Arc<BootClock>,
        shared: Arc<Mutex<String>>,
        gate: Arc<Notify>,
    ) -> Self {
        Self {
            kind: settings.view,
            stop_at_gate: settings.stop_at_gate,
            folder,
            clock,
            frame: Arc::default(),
            gate,
            story: Story::new(&program(), &settings.flags),
            made: Timestamp::ZERO,
            shared,
        }
    }

    /// Starts to draw. Gives what sees the steps, and what ends the drawing when it is dropped.
    pub fn start(mut self) -> (Observer, Drawing) {
        let frame = self.frame.clone();
        let task = (self.kind == ViewKind::Live).then(|| {
            let (frame, clock) = (self.frame.clone(), self.clock.clone());
            tokio::spawn(async move {
                loop {
                    draw(&frame, clock.now());
                    tokio::time::sleep(FRAME).await;
                }
            })
        });
        (Box::new(move |step| self.step(step)), Drawing { frame, task })
    }

    fn step(&mut self, step: &Recorded<'_, Run>) {
        let mut lines = self.story.lines(step);
        lines.extend(self.failed_log(step));
        self.print(&lines);
        let waits = matches!(step.machine.progress(), Progress::Waiting { .. });
        let small = step.machine.pipeline().is_none_or(|pipeline| pipeline.plan().jobs().len() <= SMALL);
        let due = step.now.since(self.made) >= PICTURE_MS || (small && !lines.is_empty()) || waits;
        if due {
            self.made = step.now;
            if let Ok(mut shared) = self.shared.lock() {
                *shared = picture(step.machine, step.now).join("\n");
            }
            if self.kind == ViewKind::Live
                && let Ok(mut frame) = self.frame.lock()
            {
                frame.run = Some(step.machine.clone());
            }
        }
        if self.stop_at_gate && waits {
            self.gate.notify_one();
        }
    }

    fn print(&self, lines: &[String]) {
        match self.kind {
            _ if lines.is_empty() => {}
            ViewKind::Json => lines.iter().for_each(|line| complain(line)),
            ViewKind::Lines => lines.iter().for_each(|line| say(line)),
            ViewKind::Live => {
                let Ok(mut frame) = self.frame.lock() else { return };
                let mut out = std::io::stdout().lock();
                erase(&mut out, &mut frame);
                for line in lines {
                    // A terminal that is gone stops nothing.
                    let _ = writeln!(out, "{line}");
                }
                let _ = out.flush();
            }
        }
    }

    /// The last lines of a job that failed, and where its log is.
    fn failed_log(&self, step: &Recorded<'_, Run>) -> Vec<String> {
        let Some(Event::Job(JobEvent::Ended { job, attempt, .. })) = step.event else { return Vec::new() };
        let Some(pipeline) = step.machine.pipeline() else { return Vec::new() };
        let Some(index) = pipeline.plan().index(job.as_str()) else { return Vec::new() };
        let command = pipeline.plan().job(index).is_some_and(|of| matches!(of.body, Body::Command(_)));
        let failed = pipeline
            .states()
            .get(index as usize)
            .is_some_and(|s| matches!(s.status, Status::Failed | Status::TimedOut));
        if !command || !failed || step.stepped.rejected.is_some() {
            return Vec::new();
        }
        let path = self.folder.join("logs").join(format!("{job}#{attempt}.log"));
        tail(&path).into_iter().map(|line| format!("           | {line}")).collect()
    }
}

/// Ends the drawing when it is dropped, and takes the picture away.
pub struct Drawing {
    frame: Arc<Mutex<Frame>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Drawing {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            if let Ok(mut frame) = self.frame.lock() {
                erase(&mut std::io::stdout().lock(), &mut frame);
            }
        }
    }
}

fn erase(out: &mut impl Write, frame: &mut Frame) {
    if frame.drawn > 0 {
        // A terminal that is gone stops nothing.
        let _ = queue!(out, MoveToPreviousLine(frame.drawn), Clear(ClearType::FromCursorDown));
        frame.drawn = 0;
    }
}

/// One write a frame, inside a synchronised update, so that nothing flickers.
fn draw(frame: &Mutex<Frame>, now: Timestamp) {
    let Ok(mut frame) = frame.lock() else { return };
    let Some(run) = &frame.run else { return };
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    // A line that wraps or scrolls would not be erased again.
    let fits = |line: String| line.chars().take(usize::from(columns)).collect();
    let lines: Vec<String> =
        picture(run, now).into_iter().take(usize::from(rows).saturating_sub(1)).map(fits).collect();
    let mut buffer = Vec::new();
    // Writing to memory does not fail.
    let _ = queue!(buffer, BeginSynchronizedUpdate);
    erase(&mut buffer, &mut frame);
    for line in &lines {
        let _ = writeln!(buffer, "{line}");
    }
    let _ = queue!(buffer, EndSynchronizedUpdate);
    frame.drawn = lines.len() as u16;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(&buffer).and_then(|()| out.flush());
}

/// The last lines of a log.
pub fn tail(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).map(ToString::to_string).collect()
}

/// The end of a run for a person or a program.
pub async fn last_words(run: &Run, settings: &Settings, folder: &Path, state: &Path, code: i32) {
    let Some(summary) = summary(run) else { return };
    if settings.view == ViewKind::Json {
        say(&serde_json::to_string_pretty(&summary).unwrap_or_default());
        return;
    }
    say("");
    for release in &summary.releases {
        say(&format!("{} on {}: {}", release.path, release.target, release.outcome));
        release.lines.iter().for_each(|line| say(&format!("  {line}")));
    }
    for reason in &summary.reasons {
        say(reason);
    }
    let own = quoted(&program());
    if code == 14 {
        say(&format!(
            "the run waits; answer it, then go on with `{own} resume {}{}`",
            summary.run, settings.flags
        ));
    }
    if let Some(back) = crate::back::way_back(run, state, &settings.flags).await {
        say(&format!("to go back: `{back}`"));
    }
    say(&format!(
        "run {}: exit code {code} ({}); journal and logs in {}",
        summary.run,
        meaning(code),
        folder.display()
    ));
}

/// An exit code in words.
pub const fn meaning(code: i32) -> &'static str {
    match code {
        0 => "done",
        2 => "usage or configuration",
        10 => "failed",
        11 => "aborted, stable intact",
        12 => "inconclusive",
        13 => "the way back failed: a person is needed",
        14 => "waiting",
        130 => "cancelled",
        _ => "unexpected",
    }
}
