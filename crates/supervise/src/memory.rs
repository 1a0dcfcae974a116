//! What the target remembers of runs and orders, with a limit: latches, promotions, idempotency keys.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Generation, RunId};

/// Idempotency keys that are remembered; the oldest are forgotten first.
pub const KEYS_MAX: usize = 1024;

/// Latches and promotions that are remembered, each.
pub const RUNS_MAX: usize = 64;

/// Something that happened to a run once and for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) run: RunId,
    pub(crate) at: Timestamp,
    pub(crate) generation: Generation,
}

/// Runs and what happened to them, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Marks(Vec<Mark>);

impl Marks {
    pub(crate) fn of(&self, run: &RunId) -> Option<&Mark> {
        self.0.iter().find(|mark| &mark.run == run)
    }

    pub(crate) fn last(&self) -> Option<&Mark> {
        self.0.last()
    }

    /// Adds a mark; the oldest goes when there are too many, but never that of `holder`.
    pub(crate) fn add(&mut self, mark: Mark, holder: Option<&RunId>) {
        self.0.retain(|old| old.run != mark.run);
        if self.0.len() >= RUNS_MAX
            && let Some(oldest) = self.0.iter().position(|old| Some(&old.run) != holder)
        {
            self.0.remove(oldest);
        }
        self.0.push(mark);
    }

    pub(crate) fn forget(&mut self, run: &RunId) {
        self.0.retain(|mark| &mark.run != run);
    }

    pub(crate) fn times(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.iter_mut().map(|mark| &mut mark.at)
    }
}

/// Orders that were accepted, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Keys(Vec<(String, Generation)>);

impl Keys {
    pub(crate) fn accepted(&self, key: &str) -> Option<Generation> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, generation)| *generation)
    }

    pub(crate) fn remember(&mut self, key: &str, generation: Generation) {
        if self.0.len() >= KEYS_MAX {
            self.0.remove(0);
        }
        self.0.push((key.to_owned(), generation));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_holders_mark_is_kept() {
        let (mut marks, mut keys) = (Marks::default(), Keys::default());
        let holder = RunId::new("run-0");
        for i in 0..3 * RUNS_MAX {
            let run = RunId::new(format!("run-{i}"));
            marks.add(Mark { run, at: Timestamp::ZERO, generation: Generation(0) }, Some(&holder));
        }
        for i in 0..2 * KEYS_MAX {
            keys.remember(&format!("k{i}"), Generation(i as u64));
        }
        assert_eq!((marks.0.len(), keys.0.len()), (RUNS_MAX, KEYS_MAX));
        assert!(marks.of(&holder).is_some());
        assert_eq!(keys.accepted("k2047"), Some(Generation(2047)));
        assert_eq!(keys.accepted("k0"), None);
    }
}
