//! How a case is written down: level, name, sentence and source in one line each, the check beside them.

use crate::requirement::{Case, Check, Level, Profile, Requirement};

/// A requirement that has no check yet.
pub(super) struct Entry(Requirement);

const fn entry(level: Level, id: &'static str, profile: Profile, sentence: &'static str) -> Entry {
    Entry(Requirement {
        id,
        level,
        when: "",
        profile,
        sentence,
        source: "-",
        error_probability: 0.0,
        attempts: 1,
    })
}

/// A MUST.
pub(super) const fn must(id: &'static str, profile: Profile, sentence: &'static str) -> Entry {
    entry(Level::Must, id, profile, sentence)
}

/// A SHOULD.
pub(super) const fn should(id: &'static str, profile: Profile, sentence: &'static str) -> Entry {
    entry(Level::Should, id, profile, sentence)
}

impl Entry {
    /// Binds only who declares that.
    pub(super) const fn when(mut self, capability: &'static str) -> Self {
        self.0.when = capability;
        self
    }

    /// Where the sentence comes from.
    pub(super) const fn source(mut self, source: &'static str) -> Self {
        self.0.source = source;
        self
    }

    /// A conforming implementation fails at most so often by chance, over the choice of the seed.
    pub(super) const fn by_chance(mut self, probability: f64) -> Self {
        self.0.error_probability = probability;
        self
    }

    /// Reads a real clock: the best of three tries counts.
    pub(super) const fn timed(mut self) -> Self {
        self.0.attempts = 3;
        self
    }

    /// The case.
    pub(super) const fn check(self, check: Check) -> Case {
        Case { requirement: self.0, check }
    }
}
