//! A small pipeline in a world that answers late, twice or never, is cancelled twice and loses its runner.

use std::collections::{BTreeMap, BTreeSet};

use machine::{Machine, Name, Progress, step};
use pipeline_core::{
    Approval, Body, Command, Effect, EffectClass, Ended, Event, Job, Need, Pipeline, Plan, ProbeAnswer,
    Retry, Status,
};
use stateright::{Model, Property};

use super::walk::{NOW, shift_times};

/// Longest time of an attempt and of a question.
const TIMEOUT: u64 = 4;
/// More than any deadline: a runner that was away.
const LONG: u64 = 9;

/// Which pipeline is walked.
#[derive(Clone, Debug)]
pub struct Pipelines {
    /// Its plan; the body of a deploy job is its name.
    pub plan: Plan<String>,
    /// How often the runner may die.
    pub crashes: u8,
    /// How often somebody may cancel.
    pub cancels: u8,
}

/// A state of the walk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The production machine in normal form.
    pub machine: Pipeline<String>,
    /// Attempts that run outside, and those of a runner that died.
    running: BTreeSet<(Name, u32)>,
    /// Asked to end.
    stopping: BTreeSet<(Name, u32)>,
    /// Attempts, probes that were ever asked for, by job: the newest.
    begun: BTreeMap<Name, u32>,
    /// Jobs whose once-effect is known to be there.
    done: BTreeSet<Name>,
    crashes: u8,
    cancels: u8,
    broken: Option<&'static str>,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Time passes.
    Pass(u64),
    /// It hears something.
    Hear(Event),
}

/// A command job.
pub fn command(name: &str, needs: &[u32], effect: EffectClass, attempts: u32) -> Job<String> {
    let needs = needs.iter().map(|&job| Need { job, accept_skipped: false, accept_any: false }).collect();
    Job {
        name: Name::from(name),
        stage: 0,
        needs,
        body: Body::Command(Command { effect, service: false }),
        retry: Retry { attempts, backoff_ms: 1, on_timeout: false },
        timeout_ms: TIMEOUT,
        tolerated: false,
        cleanup: false,
        reads: BTreeSet::new(),
        reused: None,
        left_out: false,
    }
}

/// A question to a person.
pub fn approval(name: &str, needs: &[u32]) -> Job<String> {
    let body = Body::Approval(Approval { within_ms: TIMEOUT, otherwise: false, pre: None });
    Job { body, ..command(name, needs, EffectClass::Repeatable, 1) }
}

/// A release.
pub fn deploy(name: &str, needs: &[u32]) -> Job<String> {
    Job { body: Body::Deploy(Box::new(name.to_owned())), ..command(name, needs, EffectClass::Repeatable, 1) }
}

/// A service.
pub fn service(name: &str, needs: &[u32], attempts: u32) -> Job<String> {
    let body = Body::Command(Command { effect: EffectClass::Repeatable, service: true });
    Job { body, ..command(name, needs, EffectClass::Repeatable, attempts) }
}

/// The same job as cleanup.
pub fn cleanup(job: Job<String>) -> Job<String> {
    Job { cleanup: true, ..job }
}

impl Pipelines {
    fn answers(&self, state: &State) -> Vec<Event> {
        let mut events = Vec::new();
        for (job, now) in self.plan.jobs().iter().zip(state.machine.states()) {
            let name = job.name.clone();
            let newest = state.begun.get(&name).copied().unwrap_or(0);
            let ended = |code| Ended { code, ..Ended::default() };
            // Late and duplicated: also of attempts that are over, while those of one that never was are not told.
            for attempt in (1..=newest).rev().take(2) {
                for code in [Some(0), Some(1)] {
                    events.push(Event::Ended { job: name.clone(), attempt, ended: ended(code) });
                }
                let is_service = matches!(&job.body, Body::Command(command) if command.service);
                if is_service {
                    events.push(Event::ServiceReady { job: name.clone(), attempt });
                }
            }
            let once = matches!(&job.body, Body::Command(Command { effect: EffectClass::Once { .. }, .. }));
            if once && newest > 0 {
                for answer in [ProbeAnswer::Done, ProbeAnswer::NotDone, ProbeAnswer::Unknown] {
                    events.push(Event::Probed { job: name.clone(), attempt: now.attempts, answer });
                }
            }
            if once || matches!(job.body, Body::Approval(_)) {
                for granted in [true, false] {
                    events.push(Event::Answered { job: name.clone(), granted, by: "a person".to_owned() });
                }
            }
        }
        events
    }
}

impl Model for Pipelines {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            machine: Pipeline::new(self.plan.clone()),
            running: BTreeSet::new(),
            stopping: BTreeSet::new(),
            begun: BTreeMap::new(),
            done: BTreeSet::new(),
            crashes: 0,
            cancels: 0,
            broken: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken.is_some() {
            return;
        }
        if state.machine.deadline().is_some() {
            actions.extend([1, LONG].map(Action::Pass));
        }
        actions.push(Action::Hear(Event::Opened));
        if state.cancels < self.cancels {
            actions.push(Action::Hear(Event::Cancelled { by: "somebody".to_owned() }));
        }
        if state.crashes < self.crashes {
            actions.push(Action::Hear(Event::Resumed));
        }
        actions.extend(self.answers(state).into_iter().map(Action::Hear));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        let (now, event) = match action.clone() {
            Action::Pass(ms) => (NOW.after(ms), None),
            Action::Hear(event) => (NOW, Some(event)),
        };
        let stepped = step(&mut after.machine, now, event.clone());
        let taken = stepped.rejected.is_none();
        if !taken && after.machine == before.machine {
            return None;
        }
        let fault = if taken { None } else { Some("a_rejected_event_changes_nothing") };
        match event.filter(|_| taken) {
            Some(Event::Resumed) => {
                after.running.clear();
                after.stopping.clear();
                after.crashes += 1;
            }
            Some(Event::Cancelled { .. }) => after.cancels += 1,
            Some(Event::Ended { job, attempt, .. }) => {
                after.running.remove(&(job.clone(), attempt));
                after.stopping.remove(&(job, attempt));
            }
            Some(Event::Probed { job, answer: ProbeAnswer::Done, .. }) => {
                after.done.insert(job);
            }
            _ => {}
        }
        let fault = fault.or_else(|| stepped.effects.iter().find_map(|keyed| after.take(&keyed.effect)));
        let fault = fault.or_else(|| self.broken(before, &after));
        after.broken = before.broken.or(fault);
        shift_times(&mut after.machine, now);
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = RULES.map(|(name, holds)| Property::always(name, holds)).to_vec();
        properties.push(Property::sometimes("a run ends well", |_, s: &State| {
            s.machine.ended() && s.machine.conclusion().code == 0
        }));
        properties.push(Property::sometimes("a run fails", |_, s: &State| {
            s.machine.ended() && s.machine.conclusion().code != 0
        }));
        properties
    }
}

type Holds = fn(&Pipelines, &State) -> bool;

macro_rules! rules {
    ($($name:literal),*) => { [$(($name, |_, s| s.broken != Some($name))),*] };
}

const RULES: [(&str, Holds); 13] = rules![
    "s15_a_job_starts_only_after_its_needs_succeeded",
    "s15_an_attempt_starts_at_most_once",
    "s15_skipped_is_not_succeeded",
    "s14_a_settled_job_does_not_change",
    "i44_a_once_effect_that_was_done_never_runs_again",
    "workers_are_never_exceeded",
    "cleanup_runs_after_the_first_cancel",
    "after_a_cancel_nothing_but_cleanup_starts",
    "i32_it_ends_or_has_something_on_its_way",
    "l1_a_run_that_ended_has_settled_all_its_jobs",
    "a_ready_service_is_not_ended_by_its_timeout",
    "a_rejected_event_changes_nothing",
    "an_attempt_runs_at_most_once_at_a_time"
];

impl State {
    /// An effect goes out. Gives the rule that it breaks.
    fn take(&mut self, effect: &Effect) -> Option<&'static str> {
        match effect {
            Effect::RunJob { job, attempt, .. } | Effect::OpenDeploy { job, attempt, .. } => {
                let newest = self.begun.insert(job.clone(), *attempt).unwrap_or(0);
                let again = matches!(effect, Effect::OpenDeploy { .. }) && newest == *attempt;
                let other = self.running.iter().any(|(of, n)| of == job && n != attempt);
                self.running.insert((job.clone(), *attempt));
                match effect {
                    _ if newest >= *attempt && !again => Some("s15_an_attempt_starts_at_most_once"),
                    Effect::RunJob { .. } if other => Some("an_attempt_runs_at_most_once_at_a_time"),
                    Effect::RunJob { once: true, .. } if self.done.contains(job) => {
                        Some("i44_a_once_effect_that_was_done_never_runs_again")
                    }
                    _ => None,
                }
            }
            Effect::StopJob { job, attempt } | Effect::AbortDeploy { job, attempt, .. } => {
                self.stopping.insert((job.clone(), *attempt));
                None
            }
            Effect::Probe { .. } | Effect::Ask { .. } => None,
        }
    }
}

impl Pipelines {
    fn broken(&self, before: &State, after: &State) -> Option<&'static str> {
        let jobs = || self.plan.jobs().iter().zip(before.machine.states()).zip(after.machine.states());
        for ((job, was), is) in jobs() {
            let started = is.attempts > was.attempts;
            if was.status.settled() && was.status != is.status {
                return Some("s14_a_settled_job_does_not_change");
            }
            if started && !needs_hold(job, after) {
                return Some("s15_a_job_starts_only_after_its_needs_succeeded");
            }
            if started && before.machine.cancelled().is_some() && !job.cleanup {
                return Some("after_a_cancel_nothing_but_cleanup_starts");
            }
            if is.attempts == 0 && is.status == Status::Succeeded {
                return Some("s15_skipped_is_not_succeeded");
            }
            let is_service = matches!(&job.body, Body::Command(command) if command.service);
            if is_service && is.ready && is.due.is_some() {
                return Some("a_ready_service_is_not_ended_by_its_timeout");
            }
            if cleanup_left_out(job, is, after) {
                return Some("cleanup_runs_after_the_first_cancel");
            }
            if after.machine.ended() && !is.status.settled() {
                return Some("l1_a_run_that_ended_has_settled_all_its_jobs");
            }
        }
        self.broken_as_a_whole(after)
    }

    fn broken_as_a_whole(&self, after: &State) -> Option<&'static str> {
        let busy = self.plan.jobs().iter().zip(after.machine.states()).filter(|(job, state)| {
            let takes = matches!(&job.body, Body::Command(command) if !command.service);
            takes && state.status == Status::Running
        });
        if busy.count() > self.plan.workers() as usize {
            return Some("workers_are_never_exceeded");
        }
        let opened = after.machine.accepts(&Event::Opened).is_err();
        let silent = after.machine.progress() == Progress::Working
            && after.machine.deadline().is_none()
            && after.machine.pending().is_empty();
        (opened && silent).then_some("i32_it_ends_or_has_something_on_its_way")
    }
}

fn needs_hold(job: &Job<String>, after: &State) -> bool {
    job.needs.iter().all(|need| {
        let Some(state) = after.machine.states().get(need.job as usize) else { return false };
        state.status.satisfies()
            || state.released
            || (job.cleanup && state.status.settled())
            || (need.accept_any && state.status.settled())
            || (need.accept_skipped && matches!(state.status, Status::Skipped(_)))
    })
}

/// A cleanup job did not run although something that it cleans up after had begun, and nobody was in a hurry.
fn cleanup_left_out(job: &Job<String>, is: &pipeline_core::JobState, after: &State) -> bool {
    let begun = job
        .needs
        .iter()
        .any(|need| after.machine.states().get(need.job as usize).is_some_and(|state| state.attempts > 0));
    job.cleanup && begun && after.cancels < 2 && is.status.settled() && is.attempts == 0
}
