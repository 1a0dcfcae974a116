//! Which events fit a run that is opened.

use machine::Name;
use pipeline_core::Status;
use release::{Judge, Rules};

use crate::compose::Opened;
use crate::{Command, Event, Rejected};

impl<J: Judge + From<Rules>> Opened<J> {
    pub(crate) fn accepts(&self, event: &Event) -> Result<(), Rejected> {
        match event {
            Event::Opened(_) => Err(Rejected::AlreadyOpened),
            Event::Job(event) => Ok(self.pipeline.accepts(event)?),
            Event::Release { path, event } => {
                let rollout =
                    self.rollouts.get(path).ok_or_else(|| Rejected::UnknownRelease(path.clone()))?;
                Ok(rollout.release.accepts(event)?)
            }
            Event::Command(command) | Event::Left { command, .. } => self.accepts_command(command),
            Event::Resumed { .. } => Ok(self.pipeline.accepts(&pipeline_core::Event::Resumed)?),
        }
    }

    fn accepts_command(&self, command: &Command) -> Result<(), Rejected> {
        match command {
            Command::Cancel { by } => {
                Ok(self.pipeline.accepts(&pipeline_core::Event::Cancelled { by: by.clone() })?)
            }
            Command::Abort { by, target } => self.accepts_abort(by, target.as_ref()),
            Command::Answer { job, granted, by } => {
                if self.asking(job).is_some() {
                    return Ok(());
                }
                let (job, by) = (job.clone(), by.clone());
                Ok(self.pipeline.accepts(&pipeline_core::Event::Answered { job, granted: *granted, by })?)
            }
        }
    }

    fn accepts_abort(&self, by: &str, target: Option<&Name>) -> Result<(), Rejected> {
        self.pipeline.accepts(&pipeline_core::Event::Cancelled { by: by.to_owned() })?;
        let answers: Vec<_> = self.answers_to_abort(by, target);
        if answers.iter().any(|(_, answer)| answer.is_ok()) || self.may_still_deploy(target) {
            return Ok(());
        }
        let refusals: Vec<String> =
            answers.into_iter().filter_map(|(_, answer)| Some(answer.err()?.to_string())).collect();
        let none = refusals.is_empty();
        Err(Rejected::NothingToAbort(if none {
            "no release is open".to_owned()
        } else {
            refusals.join("; ")
        }))
    }

    /// What each open release says to an abort.
    pub(crate) fn answers_to_abort(
        &self,
        by: &str,
        target: Option<&Name>,
    ) -> Vec<(Name, Result<(), release::Rejected>)> {
        let abort = release::Event::Abort { reason: by.to_owned() };
        let answer = |path: Name| {
            let answer = self.rollouts.get(&path)?.release.accepts(&abort);
            Some((path, answer))
        };
        self.open_paths(target).into_iter().filter_map(answer).collect()
    }

    fn may_still_deploy(&self, target: Option<&Name>) -> bool {
        let jobs = self.pipeline.plan().jobs().iter().zip(self.pipeline.states());
        let waits =
            |state: &pipeline_core::JobState| !state.status.settled() && state.status != Status::Running;
        jobs.filter(|(_, state)| waits(state)).any(|(job, _)| match &job.body {
            pipeline_core::Body::Deploy(spec) => target.is_none_or(|t| *t == spec.target),
            _ => false,
        })
    }
}
