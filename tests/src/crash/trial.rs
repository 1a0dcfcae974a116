//! One run that is struck once, taken up again until it has ended, and compared with an undisturbed one.

use std::fmt;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nova_pipeline::summary::summary;

use super::MOMENT_AFTER;
use super::audit::{Audit, audit};
use crate::rig::{PATIENCE, Rig, code, ended, signal, until};

/// Runners that may be needed for one run.
const RUNNERS: u32 = 6;
const KILLED: i32 = 128 + Signal::SIGKILL as i32;

/// The row of the blows at random times.
pub(crate) const AT_RANDOM: &str = "at a random time";

/// When the runner is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// At the passage of a failpoint.
    At(&'static str, u32),
    /// In the middle, and the next one at its first passage of a failpoint.
    InResume(&'static str),
    /// At the first passage of a failpoint after an abort was ordered.
    OnTheWayBack(&'static str),
    /// In the middle; then somebody cancels, and the next runner dies between recording that and clearing it away.
    LeftCommand,
    /// After so many milliseconds.
    After(u64),
}

impl Blow {
    /// The same, within this time.
    #[must_use]
    pub const fn within(self, ms: u64) -> Self {
        match self {
            Self::After(at) => Self::After(at % ms),
            other => other,
        }
    }

    /// The row of the table.
    pub fn group(&self) -> String {
        match self {
            Self::At(name, _) => (*name).to_owned(),
            Self::InResume(name) => format!("in resume: {name}"),
            Self::OnTheWayBack(name) => format!("on the way back: {name}"),
            Self::LeftCommand => "in resume: inbox.recorded".to_owned(),
            Self::After(_) => AT_RANDOM.to_owned(),
        }
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(name, nth) => write!(f, "{name}:{nth}"),
            Self::After(ms) => write!(f, "after {ms} ms"),
            other => f.write_str(&other.group()),
        }
    }
}

/// How a trial ended when nothing was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The runner was killed; otherwise it had ended before.
    pub killed: bool,
    /// What its journal shows.
    pub audit: Audit,
}

/// Deals one blow.
///
/// # Errors
/// What was wrong, with the last words of the run.
pub fn trial(blow: Blow) -> Result<Ending, String> {
    let back = matches!(blow, Blow::OnTheWayBack(_) | Blow::LeftCommand);
    let slow = |text: String| if back { text.replace("pause: 40ms", "pause: 10s") } else { text };
    let rig = Rig::new(slow)?;
    dealt(&rig, blow, back).map_err(|why| {
        let kept = crate::rig::keep(&rig);
        format!("{why}\n{}    kept in {kept}", rig.said())
    })
}

fn dealt(rig: &Rig, blow: Blow, back: bool) -> Result<Ending, String> {
    let first = struck(rig, blow)?;
    let killed = first == KILLED;
    let mut last = first;
    for _ in 0..RUNNERS {
        if last != KILLED {
            break;
        }
        last = again(rig)?;
    }
    let expected = if back { 11 } else { 0 };
    if last != expected {
        return Err(format!("it ended with {last} instead of {expected}"));
    }
    Ok(Ending { killed, audit: same_end(rig, back)? })
}

/// Takes the run up again; one that was never opened is started again, as its message says.
fn again(rig: &Rig) -> Result<i32, String> {
    match rig.past() {
        Ok(past) if past.replayed.machine.definition().is_some() => {
            if past.file.closed {
                return Ok(summary(&past.replayed.machine).map_or(1, |summary| summary.code));
            }
            code(&mut rig.call(&["resume"], &[])?)
        }
        _ => code(&mut rig.run(&[])?),
    }
}

/// Starts the run and sees to it that it is killed. Gives the exit code of the runner that was meant.
fn struck(rig: &Rig, blow: Blow) -> Result<i32, String> {
    match blow {
        Blow::At(name, nth) => code(&mut rig.run(&[("NOVA_FAILPOINT", &format!("{name}:{nth}"))])?),
        Blow::After(ms) => {
            let mut child = rig.run(&[])?;
            kill_after(&mut child, ms)?;
            code(&mut child)
        }
        Blow::InResume(name) => {
            let mut child = rig.run(&[])?;
            until("a release", PATIENCE, || rig.traffic().len() == 2)?;
            signal(&child, Signal::SIGKILL);
            code(&mut child)?;
            code(&mut rig.call(&["resume"], &[("NOVA_FAILPOINT", name)])?)
        }
        Blow::OnTheWayBack(name) => {
            let passage = if name == "give_back.before" || name == "give_back.answered" { 3 } else { 1 };
            let armed = format!("{name}:{passage}");
            let mut child =
                if name == MOMENT_AFTER { rig.run(&[])? } else { rig.run(&[("NOVA_FAILPOINT", &armed)])? };
            until("a release", PATIENCE, || rig.traffic().len() == 2)?;
            let mut cancel = rig.call(&["cancel"], &[])?;
            if name == MOMENT_AFTER {
                signal(&child, Signal::SIGKILL);
            }
            // Whoever asked may not hear the answer of a runner that was killed; then it is asked again.
            if code(&mut cancel)? != 0 {
                code(&mut child)?;
                code(&mut rig.call(&["cancel"], &[])?)?;
            }
            code(&mut child)
        }
        Blow::LeftCommand => {
            let mut child = rig.run(&[])?;
            until("a release", PATIENCE, || rig.traffic().len() == 2)?;
            signal(&child, Signal::SIGKILL);
            code(&mut child)?;
            if code(&mut rig.call(&["cancel"], &[])?)? != 0 {
                return Err("the command was not left".to_owned());
            }
            code(&mut rig.call(&["resume"], &[("NOVA_FAILPOINT", "inbox.recorded")])?)
        }
    }
}

fn kill_after(child: &mut Child, ms: u64) -> Result<(), String> {
    let begun = Instant::now();
    let due = Duration::from_millis(ms);
    while begun.elapsed() < due {
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1).min(due.saturating_sub(begun.elapsed())));
    }
    signal(child, Signal::SIGKILL);
    ended(child, PATIENCE).map(|_| ())
}

/// The world and the journal as an undisturbed run leaves them.
fn same_end(rig: &Rig, back: bool) -> Result<Audit, String> {
    let past = rig.past()?;
    if !past.file.closed {
        return Err("its journal is not closed".to_owned());
    }
    let found = audit(&past)?;
    let backups = backups(&past)?;
    if backups != 1 {
        return Err(format!("{backups} backups instead of one"));
    }
    let cancels = past.file.records.iter().filter(|record| {
        record.entry.event.as_ref().is_some_and(|event| event.text().starts_with(r#"{"left":"#))
    });
    if cancels.count() > 1 {
        return Err("a command that was left was taken twice".to_owned());
    }
    let expected = if back { "1.5.0" } else { "1.6.0" };
    let traffic = rig.traffic();
    if traffic != [(expected.to_owned(), 100)] {
        return Err(format!("traffic goes to {traffic:?}"));
    }
    let view = rig.view("production").ok_or("the target does not answer")?;
    let left = view.revisions.iter().filter(|(id, _)| Some(*id) != view.stable.as_ref());
    if let Some((id, _)) = left.into_iter().find(|(_, revision)| !revision.instances.is_empty()) {
        return Err(format!("revision {id} still runs"));
    }
    let summary = summary(&past.replayed.machine).ok_or("no summary")?;
    let undone = |job: &&nova_pipeline::summary::JobLine| job.status != "succeeded";
    match summary.jobs.iter().find(undone).filter(|_| !back) {
        Some(job) => Err(format!("job {} is {}", job.job, job.status)),
        None => Ok(found),
    }
}

fn backups(past: &nova_pipeline::history::Past) -> Result<usize, String> {
    let folder = past.dir.work().join("backup");
    let files = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.starts_with("backup-")).count())
}
