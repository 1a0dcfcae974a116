//! A run as lines: one for every event that changes something for a person.

use std::collections::BTreeMap;

use machine::{Name, Timestamp};
use pipeline_core::{Effect as JobEffect, Event as JobEvent, Status};
use release::{Effect as ReleaseEffect, Wish};
use run::{Command, Effect, Event, Run};
use runner::Recorded;

use crate::call::quoted;
use crate::summary::phase_name;

/// Follows a run and gives its lines.
#[derive(Debug, Default)]
pub struct Story {
    phases: BTreeMap<Name, String>,
    /// How this program is told about the run: `PROGRAM ... RUN FLAGS`.
    answer: String,
    flags: String,
}

impl Story {
    /// `program` is how this one was called; `flags` make a command find the same state folder.
    pub fn new(program: &str, flags: &str) -> Self {
        Self { phases: BTreeMap::new(), answer: quoted(program), flags: flags.to_owned() }
    }

    /// The lines of one step.
    pub fn lines(&mut self, step: &Recorded<'_, Run>) -> Vec<String> {
        let run = step.machine;
        let mut lines = Vec::new();
        match step.event {
            Some(Event::Opened(definition)) => {
                lines.push(format!("run {} of {} ({})", definition.run, definition.name, definition.file));
            }
            Some(Event::Job(event)) => lines.extend(Self::of_job(run, event)),
            Some(Event::Command(command) | Event::Left { command, .. })
                if step.stepped.rejected.is_none() =>
            {
                lines.push(of_command(command));
            }
            Some(Event::Resumed { .. }) => lines.push("resumed".to_owned()),
            _ => {}
        }
        for keyed in &step.stepped.effects {
            lines.extend(self.of_effect(run, &keyed.effect));
        }
        lines.extend(self.of_phases(run));
        lines.into_iter().map(|line| stamped(step.now, &line)).collect()
    }

    fn of_job(run: &Run, event: &JobEvent) -> Option<String> {
        match event {
            JobEvent::ServiceReady { job, .. } => Some(format!("{job}: ready")),
            JobEvent::Ended { job, attempt, .. } => {
                let state = run.pipeline()?.state(job.as_str())?;
                let again = if matches!(state.status, Status::Ready) { ", tried again" } else { "" };
                let remark = state.remark.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
                let took = state.started.zip(state.ended).map(|(from, to)| to.since(from));
                let took = took.map(|ms| format!(" in {:.1} s", ms as f64 / 1000.0)).unwrap_or_default();
                let number = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
                Some(format!("{job}{number}: {}{took}{again}{remark}", state.status.name()))
            }
            JobEvent::Probed { job, answer, .. } => Some(format!("{job}: its probe says {answer:?}")),
            _ => None,
        }
    }

    fn of_effect(&self, run: &Run, effect: &Effect) -> Option<String> {
        let id = run.definition()?.run.clone();
        match effect {
            Effect::Job(JobEffect::RunJob { job, attempt: 1, .. }) => Some(format!("{job}: started")),
            Effect::Job(JobEffect::Ask { job, lost }) => {
                let what = if *lost { "whether its lost effect had happened" } else { "an approval" };
                Some(format!(
                    "{job}: waits for {what}; answer with `{} approve {id} {job}{}`",
                    self.answer, self.flags
                ))
            }
            Effect::Release { path, effect: ReleaseEffect::Order(Wish::Weight(percent)), .. } => {
                Some(format!("{path}: {percent} % of the traffic ordered"))
            }
            Effect::Release { path, effect: ReleaseEffect::Restore, .. } => {
                Some(format!("{path}: all traffic back to stable"))
            }
            Effect::Release { path, effect: ReleaseEffect::Say(note), .. } => {
                let rollout = run.rollouts().find(|(of, _)| *of == path).map(|(_, rollout)| rollout)?;
                let asks = rollout.release.question().is_some();
                let job = &rollout.job;
                let answer = format!("; go on with `{} approve {id} {job}{}`", self.answer, self.flags);
                Some(format!("{path}: {}{}", note.text, if asks { answer } else { String::new() }))
            }
            _ => None,
        }
    }

    fn of_phases(&mut self, run: &Run) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, rollout) in run.rollouts() {
            let strategy = rollout.release.strategy();
            let phase = match strategy.ordered() {
                0 => phase_name(strategy.phase()).to_owned(),
                percent => format!("{} at {percent} %", phase_name(strategy.phase())),
            };
            let before = self.phases.insert(path.clone(), phase.clone());
            // Orders and ends have lines of their own.
            let told = ["waiting", "shifting", "promoted", "aborted", "returning"];
            if before.as_ref() != Some(&phase) && !told.iter().any(|word| phase.starts_with(word)) {
                lines.push(format!("{path}: {phase}"));
            }
        }
        lines
    }
}

fn of_command(command: &Command) -> String {
    match command {
        Command::Cancel { by } => format!("cancelled by {by}"),
        Command::Abort { by, .. } => format!("abort: {by}"),
        Command::Answer { job, granted, by } => {
            format!("{job}: {} by {by}", if *granted { "approved" } else { "rejected" })
        }
    }
}

fn stamped(now: Timestamp, line: &str) -> String {
    format!("{:>8.1}s  {line}", now.as_millis() as f64 / 1000.0)
}
