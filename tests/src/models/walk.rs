//! Walks of a model to its end: every reachable state, every property, and whether an end stays in reach.
//!
//! Shared by the model checks of single machines (`crates/X/tests/model.rs` include this file) and the composed ones.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::{Duration, Instant};

use machine::{Machine, Timestamp, Visit};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// The moment that every state of a normal form takes for now.
pub const NOW: Timestamp = Timestamp::from_millis(1_000);

/// What is longer ago than this is equally long ago; more than any age that a machine of a model compares.
const LONG_AGO: u64 = 3;

/// Brings a machine that stands at `now` to the normal form: now is [`NOW`], the newest number is a constant.
pub fn normalise<M: Machine>(machine: &mut M, now: Timestamp) {
    shift_times(machine, now);
    let mut newest = Newest(0);
    machine.visit(&mut newest);
    machine.visit(&mut Numbers(newest.0));
}

/// Subtracts `now` from every stored time.
pub fn shift_times<M: Machine>(machine: &mut M, now: Timestamp) {
    machine.visit(&mut Times(now.since(NOW)));
}

struct Times(u64);

impl Visit for Times {
    fn time(&mut self, at: &mut Timestamp) {
        *at = Timestamp::from_millis(at.as_millis().saturating_sub(self.0).max(NOW.as_millis() - LONG_AGO));
    }
    fn number(&mut self, _n: &mut u32) {}
}

struct Newest(u32);

impl Visit for Newest {
    fn time(&mut self, _at: &mut Timestamp) {}
    fn number(&mut self, n: &mut u32) {
        self.0 = self.0.max(*n);
    }
}

/// Distance to the newest number, which becomes 1000.
struct Numbers(u32);

impl Visit for Numbers {
    fn time(&mut self, _at: &mut Timestamp) {}
    fn number(&mut self, n: &mut u32) {
        *n = 1_000 - self.0.saturating_sub(*n).min(1_000);
    }
}

/// What a walk found.
#[derive(Clone, Debug)]
pub struct Walked {
    /// Which machine.
    pub machine: &'static str,
    /// States visited.
    pub states: usize,
    /// How long it took.
    pub took: Duration,
    /// Names of the properties that were checked.
    pub properties: Vec<&'static str>,
    /// Properties that do not hold, each with the way to the state that breaks it.
    pub broken: Vec<String>,
    /// Every reachable state was visited.
    pub whole: bool,
}

impl Walked {
    /// One line for a table.
    pub fn row(&self) -> String {
        let (states, seconds) = (self.states, self.took.as_secs_f64());
        let whole = if self.whole { "all" } else { "cut" };
        let (good, all) = (self.properties.len() - self.broken.len(), self.properties.len());
        format!("{:<34} {states:>9} {whole:>4} {seconds:>7.1} s {good:>3} of {all:<3}", self.machine)
    }

    /// Panics with the counterexamples, if there are any.
    pub fn assert(&self) {
        println!("{}", self.row());
        assert!(self.broken.is_empty(), "{}:\n{}", self.machine, self.broken.join("\n"));
    }
}

/// Visits states breadth first, at most about `limit` of them, and checks every `always` property of the model.
pub fn walk<M>(machine: &'static str, model: M, limit: Option<usize>) -> Walked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let began = Instant::now();
    let properties: Vec<_> = model.properties().into_iter().map(|p| (p.name, p.expectation)).collect();
    // One that is broken is broken; the shortest way to it is what is wanted.
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures);
    let checker = match limit {
        Some(limit) => checker.target_state_count(limit),
        None => checker.threads(2),
    };
    let checker = checker.spawn_bfs().join();
    let discoveries = checker.discoveries();
    let told = |(name, path): (&&'static str, &stateright::Path<M::State, M::Action>)| {
        let actions: Vec<String> =
            path.clone().into_actions().iter().map(|action| format!("    {action:?}")).collect();
        let state = path.last_state();
        format!("  {name} does not hold after\n{}\n  in {state:?}", actions.join("\n"))
    };
    let always = |name: &&'static str| {
        properties.iter().any(|(of, how)| of == name && matches!(how, Expectation::Always))
    };
    let mut broken: Vec<String> = discoveries.iter().filter(|(name, _)| always(name)).map(told).collect();
    for (name, how) in &properties {
        if matches!(how, Expectation::Sometimes) && !discoveries.contains_key(name) && limit.is_none() {
            broken.push(format!("  {name} never happens"));
        }
    }
    broken.sort();
    Walked {
        machine,
        states: checker.unique_state_count(),
        took: began.elapsed(),
        properties: properties.iter().map(|(name, _)| *name).collect(),
        broken,
        whole: checker.is_done() && limit.is_none_or(|limit| checker.state_count() < limit),
    }
}

/// From every reachable state an end stays in reach. Gives the number of states, or one from which there is no way.
///
/// # Errors
/// A state without a way to an end.
pub fn every_path_can_end<M>(model: &M, ended: impl Fn(&M::State) -> bool) -> Result<usize, Box<M::State>>
where
    M: Model,
    M::State: Clone + Eq + Hash,
{
    let mut known: HashMap<M::State, usize> = HashMap::new();
    let mut states: Vec<M::State> = Vec::new();
    let mut came_from: Vec<Vec<usize>> = Vec::new();
    for state in model.init_states() {
        known.insert(state.clone(), states.len());
        states.push(state);
        came_from.push(Vec::new());
    }
    let mut at = 0;
    while at < states.len() {
        let state = states[at].clone();
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for next in actions.into_iter().filter_map(|action| model.next_state(&state, action)) {
            let index = *known.entry(next.clone()).or_insert_with(|| {
                states.push(next);
                came_from.push(Vec::new());
                states.len() - 1
            });
            came_from[index].push(at);
        }
        at += 1;
    }
    let mut reaches = vec![false; states.len()];
    let mut open: Vec<usize> = (0..states.len()).filter(|i| ended(&states[*i])).collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut reaches[index], true) {
            open.extend(&came_from[index]);
        }
    }
    match reaches.iter().position(|reached| !reached) {
        Some(index) => Err(Box::new(states[index].clone())),
        None => Ok(states.len()),
    }
}
