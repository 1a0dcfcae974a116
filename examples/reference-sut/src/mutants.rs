//! The registry of faults: each breaks one requirement, in a way that somebody might really break it.

use serde_json::json;

use crate::{acp, amst, ass, hde, metrics, pba};

/// A fault.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// For `--mutant`.
    pub name: &'static str,
    /// Which requirement it breaks.
    pub requirement: &'static str,
    /// What is wrong, in one sentence.
    pub sentence: &'static str,
}

/// A fault of the registry.
pub const fn mutant(name: &'static str, requirement: &'static str, sentence: &'static str) -> Mutant {
    Mutant { name, requirement, sentence }
}

/// All of them.
fn all() -> impl Iterator<Item = &'static Mutant> {
    [amst::MUTANTS, hde::MUTANTS, pba::MUTANTS, ass::MUTANTS, acp::MUTANTS, metrics::MUTANTS]
        .into_iter()
        .flatten()
}

/// The one of that name.
pub fn named(name: &str) -> Option<&'static Mutant> {
    all().find(|mutant| mutant.name == name)
}

/// All as JSON.
pub fn list() -> String {
    let rows = all().map(|m| json!({"name": m.name, "requirement": m.requirement, "sentence": m.sentence}));
    serde_json::Value::Array(rows.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = all().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), all().count());
    }
}
