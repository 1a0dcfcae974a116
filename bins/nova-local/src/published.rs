//! The state as it is shown to whoever asks, kept beside the loop that changes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use supervise::{Generation, Observation, RevisionId};

use crate::failing::Failing;

/// The newest view. Exact until the next step: nothing changes between two.
#[derive(Debug)]
pub(crate) struct Published {
    shown: Mutex<Shown>,
    failing: Failing,
}

#[derive(Debug)]
struct Shown {
    observation: Observation,
    problems: Vec<(RevisionId, String)>,
    carried_out: Generation,
    at: Instant,
}

impl Published {
    /// `failing` is added to what is shown.
    pub(crate) fn new(observation: Observation, failing: Failing) -> Self {
        let carried_out = Generation(0);
        let shown = Shown { observation, problems: Vec::new(), carried_out, at: Instant::now() };
        Self { shown: Mutex::new(shown), failing }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, observation: Observation, problems: Vec<(RevisionId, String)>) {
        let mut shown = self.shown();
        shown.observation = observation;
        shown.problems = problems;
        shown.at = Instant::now();
    }

    /// The router has the table of this generation.
    pub(crate) fn routed(&self, generation: Generation) {
        self.shown().carried_out = generation;
    }

    pub(crate) fn observation(&self) -> Observation {
        let shown = self.shown();
        let mut observation = shown.observation.clone();
        observation.observed_generation = shown.carried_out.min(observation.generation);
        let since = shown.at.elapsed().as_millis() as u64;
        let left = &mut observation.value.lease_left_ms;
        *left = left.map(|left| left.saturating_sub(since));
        self.failing.add_to(&mut observation.value);
        observation
    }

    pub(crate) fn problems(&self) -> Vec<(RevisionId, String)> {
        self.shown().problems.clone()
    }
}
