//! The machine of a run: a pipeline, and a release for every deploy attempt.
//!
//! ```text
//! unopened --Opened--> pipeline at work <--> releases at work --> ended
//!              OpenDeploy: the release is opened in the same step;  its end: Ended to the pipeline
//!              AbortDeploy: Abort to the release
//! ```

use std::collections::{BTreeMap, BTreeSet};

use machine::{Input, Keyed, Machine, Name, Progress, Timestamp, Visit};
use pipeline_core::{Ended, Pipeline};
use release::{Judge, Panel, Release, Rules};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ArtifactRef, Command, Definition, Effect, Event, Rejected, ReleaseSpec};

type Effects = Vec<Keyed<Effect>>;

/// The release of one deploy attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "J: Serialize + DeserializeOwned")]
pub struct Rollout<J> {
    /// The deploy job.
    pub job: Name,
    /// Which attempt.
    pub attempt: u32,
    /// Its target.
    pub target: Name,
    /// Digest of the artifact that it releases.
    pub artifact: String,
    /// The machine.
    pub release: Release<J>,
}

/// A run, under the judge `J`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "J: Serialize + DeserializeOwned")]
pub struct Run<J = Panel> {
    opened: Option<Box<Opened<J>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "J: Serialize + DeserializeOwned")]
pub(crate) struct Opened<J> {
    definition: Definition,
    pub(crate) pipeline: Pipeline<ReleaseSpec>,
    pub(crate) rollouts: BTreeMap<Name, Rollout<J>>,
}

impl<J> Default for Run<J> {
    fn default() -> Self {
        Self { opened: None }
    }
}

impl<J: Judge + From<Rules>> Run<J> {
    /// A run that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it is made of.
    pub fn definition(&self) -> Option<&Definition> {
        self.opened.as_ref().map(|opened| &opened.definition)
    }

    /// Its pipeline.
    pub fn pipeline(&self) -> Option<&Pipeline<ReleaseSpec>> {
        self.opened.as_ref().map(|opened| &opened.pipeline)
    }

    /// Its releases, by `JOB#ATTEMPT`, ended ones included.
    pub fn rollouts(&self) -> impl Iterator<Item = (&Name, &Rollout<J>)> {
        self.opened.iter().flat_map(|opened| &opened.rollouts)
    }

    fn accepts(&self, event: &Event) -> Result<(), Rejected> {
        match (event, &self.opened) {
            (Event::Opened(_), None) => Ok(()),
            (Event::Opened(_), Some(_)) => Err(Rejected::AlreadyOpened),
            (_, None) => Err(Rejected::NotOpened),
            (event, Some(opened)) => opened.accepts(event),
        }
    }
}

impl<J: Judge + From<Rules>> Opened<J> {
    /// Releases that have not ended.
    pub(crate) fn open_paths(&self, target: Option<&Name>) -> Vec<Name> {
        let open = |rollout: &Rollout<J>| {
            rollout.release.progress() != Progress::Ended && target.is_none_or(|t| *t == rollout.target)
        };
        self.rollouts.iter().filter(|(_, rollout)| open(rollout)).map(|(path, _)| path.clone()).collect()
    }

    /// The path of the release of that job that asks a person.
    pub(crate) fn asking(&self, job: &Name) -> Option<Name> {
        let asks =
            |(_, rollout): &(&Name, &Rollout<J>)| rollout.job == *job && rollout.release.question().is_some();
        self.rollouts.iter().find(asks).map(|(path, _)| path.clone())
    }

    fn hear(&mut self, now: Timestamp, event: Event) -> Effects {
        match event {
            Event::Opened(_) => Vec::new(),
            Event::Job(event) => self.tell_pipeline(now, event),
            Event::Release { path, event } => self.tell_release(now, &path, Input::Event(event)),
            Event::Command(command) | Event::Left { command, .. } => self.command(now, command),
            Event::Resumed { restored, .. } => self.resume(now, &restored),
        }
    }

    fn command(&mut self, now: Timestamp, command: Command) -> Effects {
        match command {
            Command::Cancel { by } => self.tell_pipeline(now, pipeline_core::Event::Cancelled { by }),
            Command::Abort { by, target } => self.abort(now, &by, target.as_ref()),
            Command::Answer { job, granted, by } => self.answer(now, job, granted, by),
        }
    }

    fn abort(&mut self, now: Timestamp, by: &str, target: Option<&Name>) -> Effects {
        let answers = self.answers_to_abort(by, target).into_iter();
        let open: Vec<Name> = answers.filter(|(_, answer)| answer.is_ok()).map(|(path, _)| path).collect();
        if open.is_empty() {
            // What is promoted stays; what has not begun does not begin.
            return self.tell_pipeline(now, pipeline_core::Event::Cancelled { by: by.to_owned() });
        }
        let abort = || Input::Event(release::Event::Abort { reason: by.to_owned() });
        open.iter().flat_map(|path| self.tell_release(now, path, abort())).collect()
    }

    fn answer(&mut self, now: Timestamp, job: Name, granted: bool, by: String) -> Effects {
        let by = if by == self.definition.by { format!("{by} (self-approved)") } else { by };
        let Some(path) = self.asking(&job) else {
            return self.tell_pipeline(now, pipeline_core::Event::Answered { job, granted, by });
        };
        let event = if granted {
            release::Event::Continue { by }
        } else {
            release::Event::Abort { reason: format!("{by} decided to go back") }
        };
        self.tell_release(now, &path, Input::Event(event))
    }

    /// What was on its way is wanted again under the same keys; what the target did alone is heard.
    fn resume(&mut self, now: Timestamp, restored: &BTreeSet<Name>) -> Effects {
        let mut effects = Vec::new();
        for path in self.open_paths(None) {
            let Some(rollout) = self.rollouts.get(&path) else { continue };
            let event = release::Event::Acquired { restored: restored.contains(&rollout.target) };
            let told = self.tell_release(now, &path, Input::Event(event));
            effects.extend(told.into_iter().filter(|keyed| keyed.key.is_none()));
            effects.extend(
                self.rollouts.get(&path).map(|r| lift(&path, r, r.release.pending())).unwrap_or_default(),
            );
        }
        effects.extend(self.tell_pipeline(now, pipeline_core::Event::Resumed));
        effects
    }

    fn tell_pipeline(&mut self, now: Timestamp, event: pipeline_core::Event) -> Effects {
        let wanted = self.pipeline.tell(now, Input::Event(event));
        self.route(now, wanted)
    }

    fn wake(&mut self, now: Timestamp) -> Effects {
        let due = |machine_due: Option<Timestamp>| machine_due.is_some_and(|due| due <= now);
        let mut effects = Vec::new();
        for path in self.open_paths(None) {
            if self.rollouts.get(&path).is_some_and(|r| due(r.release.deadline())) {
                effects.extend(self.tell_release(now, &path, Input::Wake));
            }
        }
        if due(self.pipeline.deadline()) {
            let wanted = self.pipeline.tell(now, Input::Wake);
            effects.extend(self.route(now, wanted));
        }
        effects
    }

    /// What the pipeline wants: deploy jobs become releases here, the rest goes out.
    fn route(&mut self, now: Timestamp, wanted: Vec<Keyed<pipeline_core::Effect>>) -> Effects {
        let mut effects = Vec::new();
        for keyed in wanted {
            match keyed.effect {
                pipeline_core::Effect::OpenDeploy { job, attempt, reads } => {
                    effects.extend(self.open_release(now, &job, attempt, &reads));
                }
                pipeline_core::Effect::AbortDeploy { job, attempt, reason } => {
                    let path = path_of(&job, attempt);
                    let abort = Input::Event(release::Event::Abort { reason });
                    if self.rollouts.contains_key(&path) {
                        effects.extend(self.tell_release(now, &path, abort));
                    }
                }
                effect => effects.push(Keyed { key: keyed.key, effect: Effect::Job(effect) }),
            }
        }
        effects
    }

    fn open_release(
        &mut self,
        now: Timestamp,
        job: &Name,
        attempt: u32,
        reads: &BTreeMap<String, String>,
    ) -> Effects {
        let path = path_of(job, attempt);
        if self.rollouts.contains_key(&path) {
            return Vec::new();
        }
        let Some(spec) = self.definition.release(job.as_str()) else { return Vec::new() };
        let artifact = match &spec.workload.artifact {
            ArtifactRef::Digest(digest) => Some(digest.clone()),
            ArtifactRef::Output(output) => reads.get(output).cloned(),
        };
        let Some(artifact) = artifact else {
            let remark = Some("the artifact that it should release was not built".to_owned());
            return self.job_ended(now, job, attempt, 10, remark);
        };
        let mut release = Release::new(spec.setup.clone(), J::from(spec.rules));
        let wanted = release.begin(now);
        let (job, target) = (job.clone(), spec.target.clone());
        let rollout = Rollout { job, attempt, target, artifact, release };
        let effects = lift(&path, &rollout, wanted);
        self.rollouts.insert(path, rollout);
        effects
    }

    fn tell_release(&mut self, now: Timestamp, path: &Name, input: Input<release::Event>) -> Effects {
        let Some(rollout) = self.rollouts.get_mut(path) else { return Vec::new() };
        let ended_before = rollout.release.progress() == Progress::Ended;
        let wanted = rollout.release.tell(now, input);
        let mut effects = lift(path, rollout, wanted);
        if let (false, release::Stage::Ended(outcome)) = (ended_before, rollout.release.stage()) {
            let (job, attempt) = (rollout.job.clone(), rollout.attempt);
            let (code, remark) = (outcome.code(), Some(outcome.to_string()));
            effects.extend(self.job_ended(now, &job, attempt, code, remark));
        }
        effects
    }

    fn job_ended(
        &mut self,
        now: Timestamp,
        job: &Name,
        attempt: u32,
        code: i32,
        remark: Option<String>,
    ) -> Effects {
        let ended = Ended { code: Some(code), outputs: BTreeMap::new(), remark };
        self.tell_pipeline(now, pipeline_core::Event::Ended { job: job.clone(), attempt, ended })
    }

    fn pending(&self) -> Effects {
        let of_job = |keyed: Keyed<pipeline_core::Effect>| match keyed.effect {
            pipeline_core::Effect::OpenDeploy { .. } | pipeline_core::Effect::AbortDeploy { .. } => None,
            effect => Some(Keyed { key: keyed.key, effect: Effect::Job(effect) }),
        };
        let of_jobs = self.pipeline.pending().into_iter().filter_map(of_job);
        let of_releases = self.rollouts.iter().flat_map(|(path, r)| lift(path, r, r.release.pending()));
        of_jobs.chain(of_releases).collect()
    }
}

/// `JOB#ATTEMPT`.
fn path_of(job: &Name, attempt: u32) -> Name {
    Name::new(format!("{job}#{attempt}"))
}

fn lift<J>(path: &Name, rollout: &Rollout<J>, wanted: Vec<Keyed<release::Effect>>) -> Effects {
    let wrap = |effect| Effect::Release { path: path.clone(), artifact: rollout.artifact.clone(), effect };
    wanted.into_iter().map(|keyed| keyed.lift(path, wrap)).collect()
}

impl<J: Judge + From<Rules>> Machine for Run<J> {
    type Event = Event;
    type Effect = Effect;
    type Rejected = Rejected;

    fn handle(&mut self, now: Timestamp, input: Input<Event>) -> Result<Effects, Rejected> {
        let event = match input {
            Input::Wake => {
                return Ok(self.opened.as_mut().map(|opened| opened.wake(now)).unwrap_or_default());
            }
            Input::Event(event) => event,
        };
        self.accepts(&event)?;
        match (event, &mut self.opened) {
            (Event::Opened(definition), opened) => {
                let pipeline = Pipeline::new(definition.plan.clone());
                let new = Opened { definition: *definition, pipeline, rollouts: BTreeMap::new() };
                Ok(opened.insert(Box::new(new)).tell_pipeline(now, pipeline_core::Event::Opened))
            }
            (event, Some(opened)) => Ok(opened.hear(now, event)),
            (_, None) => Err(Rejected::NotOpened),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let opened = self.opened.as_ref()?;
        let of_releases = opened.rollouts.values().map(|rollout| rollout.release.deadline());
        of_releases.chain([opened.pipeline.deadline()]).flatten().min()
    }

    fn progress(&self) -> Progress {
        let Some(opened) = &self.opened else {
            return Progress::Waiting { on: "its definition".to_owned(), until: None };
        };
        let questions = opened.rollouts.values().filter(|r| r.release.question().is_some());
        match (opened.pipeline.progress(), questions.map(|r| r.release.progress()).next()) {
            (Progress::Working, Some(waiting)) => waiting,
            (progress, _) => progress,
        }
    }

    fn pending(&self) -> Effects {
        self.opened.as_ref().map(|opened| opened.pending()).unwrap_or_default()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(opened) = &mut self.opened {
            opened.pipeline.visit(v);
            for rollout in opened.rollouts.values_mut() {
                rollout.release.visit(v);
            }
        }
    }
}
