//! The machine of a run.
//!
//! ```text
//! job: Pending -> Ready -> Running -> Succeeded | Failed | TimedOut | Cancelled
//!         \          ^        \-> (retry) Ready        crash: Running -> Probing -> Succeeded | Ready | Waiting
//!          \-> Skipped        approval: Ready -> Waiting -> Succeeded | Failed
//! ```
//!
//! Work per event is in the number of jobs that it touches, not in the number of jobs: a run may have 200 000.

use std::collections::BTreeSet;

use machine::{Input, Key, Keyed, Machine, Name, Progress, Timestamp, Visit};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Body, Effect, Event, Job, JobState, Plan, Rejected, Status};

/// The run of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "D: Serialize + DeserializeOwned")]
pub struct Pipeline<D> {
    pub(crate) plan: Plan<D>,
    pub(crate) states: Vec<JobState>,
    pub(crate) opened: bool,
    pub(crate) cancelled: Option<String>,
    /// Asked to end a second time: no cleanup.
    pub(crate) hurried: bool,
    /// Jobs with an attempt, a probe or a question open.
    pub(crate) active: BTreeSet<u32>,
    /// Ready commands, in the order of the file.
    pub(crate) ready: BTreeSet<u32>,
    /// When a job wants to be woken.
    pub(crate) dues: BTreeSet<(Timestamp, u32)>,
    /// Workers that are taken.
    pub(crate) busy: u32,
    /// Jobs that are not settled; services that run do not count.
    pub(crate) unsettled: u32,
}

pub(crate) type Effects = Vec<Keyed<Effect>>;

impl<D> Pipeline<D> {
    /// A run that has not begun.
    pub fn new(mut plan: Plan<D>) -> Self {
        plan.sort_names();
        let states = plan.jobs().iter().map(|job| JobState::new(job.needs.len() as u32)).collect();
        let unsettled = plan.jobs().iter().filter(|job| !is_service(job)).count() as u32;
        Self {
            plan,
            states,
            opened: false,
            cancelled: None,
            hurried: false,
            active: BTreeSet::new(),
            ready: BTreeSet::new(),
            dues: BTreeSet::new(),
            busy: 0,
            unsettled,
        }
    }

    /// Its plan.
    pub const fn plan(&self) -> &Plan<D> {
        &self.plan
    }

    /// The state of every job, in the order of the plan.
    pub fn states(&self) -> &[JobState] {
        &self.states
    }

    /// The state of a job.
    pub fn state(&self, job: &str) -> Option<&JobState> {
        self.states.get(self.plan.index(job)? as usize)
    }

    /// Who cancelled it.
    pub fn cancelled(&self) -> Option<&str> {
        self.cancelled.as_deref()
    }

    /// Whether all is settled and no service runs.
    pub fn ended(&self) -> bool {
        self.opened && self.unsettled == 0 && self.active.is_empty()
    }

    /// Whether the event fits.
    ///
    /// # Errors
    /// Says why not.
    pub fn accepts(&self, event: &Event) -> Result<(), Rejected> {
        if self.ended() {
            return Err(Rejected::Ended);
        }
        match event {
            Event::Opened if self.opened => Err(Rejected::AlreadyOpen),
            Event::Opened => Ok(()),
            _ if !self.opened => Err(Rejected::NotOpen),
            Event::Started { job, attempt, .. }
            | Event::ServiceReady { job, attempt }
            | Event::Ended { job, attempt, .. } => self.accepts_attempt(job, *attempt, &Status::Running),
            Event::Probed { job, attempt, .. } => self.accepts_attempt(job, *attempt, &Status::Probing),
            Event::Answered { job, .. } => {
                let (_, state) = self.find(job)?;
                if state.status == Status::Waiting { Ok(()) } else { Err(Rejected::NotAsked(job.clone())) }
            }
            Event::Cancelled { .. } | Event::Resumed => Ok(()),
        }
    }

    fn accepts_attempt(&self, job: &Name, attempt: u32, status: &Status) -> Result<(), Rejected> {
        let (_, state) = self.find(job)?;
        if state.status == *status && state.attempts == attempt {
            return Ok(());
        }
        Err(Rejected::NotRunning { job: job.clone(), attempt })
    }

    fn find(&self, name: &Name) -> Result<(u32, &JobState), Rejected> {
        let index = self.find_index(name).ok_or_else(|| Rejected::UnknownJob(name.clone()))?;
        let state = self.states.get(index as usize).ok_or_else(|| Rejected::UnknownJob(name.clone()))?;
        Ok((index, state))
    }

    /// Answers come from jobs that are open, so those are looked at first; there are few of them.
    fn find_index(&self, name: &Name) -> Option<u32> {
        let open =
            self.active.iter().copied().find(|i| self.plan.job(*i).is_some_and(|job| job.name == *name));
        open.or_else(|| self.plan.index(name.as_str()))
    }

    /// Takes an input that fits; one that means nothing changes nothing.
    pub fn tell(&mut self, now: Timestamp, input: Input<Event>) -> Effects {
        let mut effects = match input {
            Input::Wake => self.wake(now),
            Input::Event(event) => self.hear(now, event),
        };
        effects.extend(self.launch(now));
        effects.extend(self.stop_services());
        effects
    }

    fn hear(&mut self, now: Timestamp, event: Event) -> Effects {
        match event {
            Event::Opened => self.open(now),
            Event::Started { .. } => Vec::new(),
            Event::ServiceReady { job, .. } => self.with(&job, |run, index| run.service_ready(now, index)),
            Event::Ended { job, ended, .. } => {
                self.with(&job, |run, index| run.ended_attempt(now, index, ended))
            }
            Event::Probed { job, answer, .. } => self.with(&job, |run, index| run.probed(now, index, answer)),
            Event::Answered { job, granted, by } => {
                self.with(&job, |run, index| run.answered(now, index, granted, &by))
            }
            Event::Cancelled { by } => self.cancel(now, by),
            Event::Resumed => self.resumed(now),
        }
    }

    fn with(&mut self, job: &Name, act: impl FnOnce(&mut Self, u32) -> Effects) -> Effects {
        self.find_index(job).map_or_else(Vec::new, |index| act(self, index))
    }

    pub(crate) fn state_mut(&mut self, index: u32) -> Option<&mut JobState> {
        self.states.get_mut(index as usize)
    }

    /// Sets or clears the time at which a job wants to be woken.
    pub(crate) fn arm(&mut self, index: u32, due: Option<Timestamp>) {
        let Some(state) = self.states.get_mut(index as usize) else { return };
        if let Some(before) = std::mem::replace(&mut state.due, due) {
            self.dues.remove(&(before, index));
        }
        if let Some(due) = due {
            self.dues.insert((due, index));
        }
    }
}

/// Whether the job goes on until the run ends.
pub(crate) const fn is_service<D>(job: &Job<D>) -> bool {
    matches!(&job.body, Body::Command(command) if command.service)
}

/// The path segment of an attempt, which is also the path of a release.
pub(crate) fn segment(job: &Name, attempt: u32) -> Name {
    Name::new(format!("{job}#{attempt}"))
}

pub(crate) fn keyed(job: &Name, attempt: u32, n: u32, effect: Effect) -> Keyed<Effect> {
    Keyed::new(Key::new(n).under(&segment(job, attempt)), effect)
}

impl<D> Machine for Pipeline<D>
where
    D: Clone + Eq + std::hash::Hash + Serialize + DeserializeOwned,
{
    type Event = Event;
    type Effect = Effect;
    type Rejected = Rejected;

    fn handle(&mut self, now: Timestamp, input: Input<Event>) -> Result<Effects, Rejected> {
        if let Input::Event(event) = &input {
            self.accepts(event)?;
        }
        Ok(self.tell(now, input))
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, _)| *due)
    }

    fn progress(&self) -> Progress {
        if self.ended() {
            return Progress::Ended;
        }
        let waiting = |i: &u32| self.states.get(*i as usize).is_some_and(|s| s.status == Status::Waiting);
        let service = |i: &u32| self.plan.job(*i).is_some_and(is_service);
        match self.active.iter().find(|i| waiting(i)) {
            Some(index) if self.active.iter().all(|i| waiting(i) || service(i)) => Progress::Waiting {
                on: self.plan.job(*index).map(|job| job.name.to_string()).unwrap_or_default(),
                until: self.states.get(*index as usize).and_then(|s| s.due),
            },
            _ => Progress::Working,
        }
    }

    fn pending(&self) -> Effects {
        self.active.iter().flat_map(|index| self.wanted(*index)).collect()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        for state in &mut self.states {
            v.number(&mut state.attempts);
            for at in [&mut state.started, &mut state.ended, &mut state.due].into_iter().flatten() {
                v.time(at);
            }
        }
        // The index of dues is a function of the states.
        let due_of = |(index, state): (usize, &JobState)| Some((state.due?, index as u32));
        self.dues = self.states.iter().enumerate().filter_map(due_of).collect();
    }
}
