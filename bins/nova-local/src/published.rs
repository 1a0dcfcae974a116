//! The state as it is shown to whoever asks, kept beside the loop that changes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use supervise::{Generation, Observation, RevisionId};

/// The newest view. Exact until the next step: nothing changes between two.
#[derive(Debug)]
pub(crate) struct Published(Mutex<Shown>);

#[derive(Debug)]
struct Shown {
    observation: Observation,
    problems: Vec<(RevisionId, String)>,
    carried_out: Generation,
    at: Instant,
}

impl Published {
    pub(crate) fn new(observation: Observation) -> Self {
        let carried_out = Generation(0);
        Self(Mutex::new(Shown { observation, problems: Vec::new(), carried_out, at: Instant::now() }))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        observation
    }

    pub(crate) fn problems(&self) -> Vec<(RevisionId, String)> {
        self.shown().problems.clone()
    }
}
