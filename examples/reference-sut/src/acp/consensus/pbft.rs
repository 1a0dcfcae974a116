//! Practical Byzantine fault tolerance: Castro and Liskov 1999, without signatures and checkpoints.
//!
//! The channel says who sent a message (the harness does), and a view change carries what its sender had prepared. A
//! real deployment signs both.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::replica::{Replica, Value};
use crate::dispatch::Setup;
use crate::refusal::{Refusal, invalid};

const MS: u64 = 1_000_000;
/// A request that is not applied for so long makes a replica ask for another primary.
const PATIENCE: u64 = 1_000 * MS;
/// Replicas tell each other how far they are so often.
const COMPARE: u64 = 250 * MS;
const MOST: u64 = 10_000;

/// What a sender had prepared: number, view, value.
type Prepared = Vec<(u64, u64, Value)>;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Request { entry: Value },
    PrePrepare { view: u64, number: u64, entry: Value },
    Prepare { view: u64, number: u64, entry: Value },
    Commit { view: u64, number: u64, entry: Value },
    ViewChange { view: u64, prepared: Prepared },
    NewView { view: u64, changes: Vec<(usize, Prepared)> },
    Progress { numbers: u64 },
    Known { from: u64, entries: Vec<Value> },
}

/// Votes for one number: (view, value) to voters.
type Votes = BTreeMap<(u64, Value), BTreeSet<usize>>;

#[derive(Clone, Default)]
struct Slot {
    accepted: Option<(u64, Value)>,
    prepares: Votes,
    commits: Votes,
    prepared: Option<(u64, Value)>,
    committed: Option<Value>,
    known: BTreeMap<Value, BTreeSet<usize>>,
}

#[derive(Clone)]
pub(super) struct Pbft {
    setup: Setup,
    id: usize,
    n: usize,
    f: usize,
    now: u64,
    view: u64,
    /// The view that is asked for, while it has not begun.
    changing: Option<u64>,
    slots: BTreeMap<u64, Slot>,
    next: u64,
    /// Numbers that were passed on to `applied`, and what came out.
    done: u64,
    applied: Vec<Value>,
    requests: BTreeMap<String, Value>,
    since: Option<u64>,
    changes: BTreeMap<u64, BTreeMap<usize, Prepared>>,
    compared: u64,
    out: Vec<(usize, Json)>,
}

/// A number that nobody had prepared gets this.
fn nothing() -> Value {
    Value { id: String::new(), value: String::new() }
}

impl Pbft {
    pub(super) const fn new(setup: Setup, id: usize, n: usize, f: usize) -> Self {
        Self {
            setup,
            id,
            n,
            f,
            now: 0,
            view: 0,
            changing: None,
            slots: BTreeMap::new(),
            next: 0,
            done: 0,
            applied: Vec::new(),
            requests: BTreeMap::new(),
            since: None,
            changes: BTreeMap::new(),
            compared: 0,
            out: Vec::new(),
        }
    }

    const fn quorum(&self) -> usize {
        2 * self.f + 1
    }

    const fn primary(&self, view: u64) -> usize {
        view as usize % self.n
    }

    fn tell(&mut self, message: &Message) {
        let (id, message) = (self.id, json!(message));
        self.out.extend((0..self.n).filter(|other| *other != id).map(|other| (other, message.clone())));
    }

    /// The primary gives each request a number.
    fn order(&mut self) {
        if self.primary(self.view) != self.id || self.changing.is_some() {
            return;
        }
        let taken: BTreeSet<String> = self
            .slots
            .values()
            .filter_map(|slot| slot.accepted.as_ref().filter(|(view, _)| *view == self.view))
            .map(|(_, entry)| entry.id.clone())
            .chain(self.applied.iter().map(|entry| entry.id.clone()))
            .collect();
        let open: Vec<Value> =
            self.requests.values().filter(|entry| !taken.contains(&entry.id)).cloned().collect();
        for entry in open {
            let (view, number) = (self.view, self.next);
            if number >= MOST {
                return;
            }
            self.next += 1;
            self.tell(&Message::PrePrepare { view, number, entry: entry.clone() });
            self.accept(view, number, entry);
        }
    }

    /// Takes the primary's order for a number, once a view, and says so.
    fn accept(&mut self, view: u64, number: u64, entry: Value) {
        if number >= MOST {
            return;
        }
        let slot = self.slots.entry(number).or_default();
        if slot.accepted.as_ref().is_some_and(|(of, _)| *of >= view) {
            return;
        }
        slot.accepted = Some((view, entry.clone()));
        self.next = self.next.max(number + 1);
        self.tell(&Message::Prepare { view, number, entry: entry.clone() });
        let (own, primary) = (self.id, self.primary(view));
        let voters = self.slots.entry(number).or_default().prepares.entry((view, entry)).or_default();
        voters.extend([own, primary]);
        self.settle(number);
    }

    /// Prepared by a quorum: commit; committed by a quorum: apply in order.
    fn settle(&mut self, number: u64) {
        let (quorum, id) = (self.quorum(), self.id);
        let few = if self.setup.is("cons-few-prepares") { self.f + 1 } else { quorum };
        let all = self.setup.is("cons-waits-for-all");
        let commits_wanted = if all { self.n } else { few };
        // Who asks for another view has told what it had prepared: it prepares nothing more in the old one.
        let bound = self.changing.is_none();
        let view = self.view;
        let Some(slot) = self.slots.get_mut(&number) else { return };
        let Some(key) = slot.accepted.clone() else { return };
        let has = |votes: &Votes, wanted: usize| votes.get(&key).is_some_and(|voters| voters.len() >= wanted);
        let newly = bound
            && key.0 == view
            && has(&slot.prepares, few)
            && slot.prepared.as_ref().is_none_or(|(view, _)| *view < key.0);
        if newly {
            slot.prepared = Some(key.clone());
            slot.commits.entry(key.clone()).or_default().insert(id);
        }
        let prepared = slot.prepared.as_ref() == Some(&key);
        if prepared && has(&slot.commits, commits_wanted) && slot.committed.is_none() {
            slot.committed = Some(key.1.clone());
        }
        if newly {
            self.tell(&Message::Commit { view: key.0, number, entry: key.1 });
        }
        self.apply();
    }

    fn apply(&mut self) {
        while let Some(entry) = self.slots.get(&self.done).and_then(|slot| slot.committed.clone()) {
            self.done += 1;
            let again = self.applied.iter().any(|other| other.id == entry.id);
            self.requests.remove(&entry.id);
            self.since = (!self.requests.is_empty()).then_some(self.now);
            if !entry.id.is_empty() && (!again || self.setup.is("cons-applies-twice")) {
                self.applied.push(entry);
            }
        }
    }

    fn change(&mut self, view: u64) {
        self.changing = Some(view);
        self.since = Some(self.now);
        let prepared: Prepared = self
            .slots
            .iter()
            .filter_map(|(number, slot)| slot.prepared.clone().map(|(view, entry)| (*number, view, entry)))
            .collect();
        self.tell(&Message::ViewChange { view, prepared: prepared.clone() });
        self.on_change(self.id, view, prepared);
    }

    fn on_change(&mut self, from: usize, view: u64, prepared: Prepared) {
        if view <= self.view {
            return;
        }
        self.changes.entry(view).or_default().insert(from, prepared);
        let seen = self.changes[&view].len();
        // Others can no longer wait: join them, even if the own patience lasts.
        if seen > self.f && self.changing.is_none_or(|own| own < view) {
            self.change(view);
            return;
        }
        if seen >= self.quorum() && self.primary(view) == self.id && self.changing == Some(view) {
            let changes: Vec<(usize, Prepared)> = self.changes[&view].clone().into_iter().collect();
            self.tell(&Message::NewView { view, changes: changes.clone() });
            self.enter(view, &changes);
        }
    }

    /// Begins a view with what a quorum had prepared, the latest of each number.
    fn enter(&mut self, view: u64, changes: &[(usize, Prepared)]) {
        if view <= self.view && !(view == self.view && self.changing.is_some()) {
            return;
        }
        self.view = view;
        self.changing = None;
        self.since = (!self.requests.is_empty()).then_some(self.now);
        self.changes.retain(|other, _| *other > view);
        let mut chosen: BTreeMap<u64, (u64, Value)> = BTreeMap::new();
        for (number, of, entry) in changes.iter().flat_map(|(_, prepared)| prepared) {
            let best = chosen.entry(*number).or_insert_with(|| (*of, entry.clone()));
            if *of > best.0 {
                *best = (*of, entry.clone());
            }
        }
        let last = chosen.keys().last().map_or(0, |number| number + 1);
        self.next = last;
        for number in 0..last {
            let entry = chosen.remove(&number).map_or_else(nothing, |(_, entry)| entry);
            self.accept(view, number, entry);
        }
        self.order();
    }

    fn on_new_view(&mut self, from: usize, view: u64, changes: &[(usize, Prepared)]) {
        let voters: BTreeSet<usize> = changes.iter().map(|(voter, _)| *voter).collect();
        if from == self.primary(view) && view > self.view && voters.len() >= self.quorum() {
            self.enter(view, changes);
        }
    }

    /// What f + 1 others have applied is right.
    fn on_known(&mut self, from: usize, first: u64, entries: Vec<Value>) {
        for (number, entry) in (first..).zip(entries) {
            if number >= MOST {
                return;
            }
            let f = self.f;
            let slot = self.slots.entry(number).or_default();
            let voters = slot.known.entry(entry.clone()).or_default();
            voters.insert(from);
            if voters.len() > f && slot.committed.is_none() {
                slot.committed = Some(entry);
            }
        }
        self.apply();
    }

    fn on_progress(&mut self, from: usize, theirs: u64) {
        if theirs < self.done {
            let committed = |number: u64| self.slots.get(&number).and_then(|slot| slot.committed.clone());
            let entries: Vec<Value> = (theirs..self.done).filter_map(committed).collect();
            self.out.push((from, json!(Message::Known { from: theirs, entries })));
        }
    }
}

impl Replica for Pbft {
    fn tick(&mut self, now: u64) {
        self.now = now;
        if self.since.is_none() && !self.requests.is_empty() {
            self.since = Some(now);
        }
        let steadfast = self.setup.is("cons-keeps-its-primary");
        if self.since.is_some_and(|since| now >= since + PATIENCE) && !steadfast {
            self.change(self.changing.unwrap_or(self.view) + 1);
        }
        if now >= self.compared + COMPARE {
            self.compared = now;
            let numbers = self.done;
            self.tell(&Message::Progress { numbers });
        }
    }

    fn inbox(&mut self, from: usize, message: &Json) -> Result<(), Refusal> {
        let message: Message =
            serde_json::from_value(message.clone()).map_err(|error| invalid(format!("message: {error}")))?;
        match message {
            Message::Request { entry } => {
                if !self.applied.iter().any(|other| other.id == entry.id)
                    || self.setup.is("cons-applies-twice")
                {
                    self.requests.insert(entry.id.clone(), entry);
                    self.order();
                }
            }
            Message::PrePrepare { view, number, entry } => {
                if view == self.view && self.changing.is_none() && from == self.primary(view) {
                    self.accept(view, number, entry);
                }
            }
            Message::Prepare { view, number, entry } if number < MOST => {
                let slot = self.slots.entry(number).or_default();
                slot.prepares.entry((view, entry)).or_default().insert(from);
                self.settle(number);
            }
            Message::Commit { view, number, entry } if number < MOST => {
                let slot = self.slots.entry(number).or_default();
                slot.commits.entry((view, entry)).or_default().insert(from);
                self.settle(number);
            }
            Message::Prepare { .. } | Message::Commit { .. } => {}
            Message::ViewChange { view, prepared } => self.on_change(from, view, prepared),
            Message::NewView { view, changes } => self.on_new_view(from, view, &changes),
            Message::Progress { numbers } => self.on_progress(from, numbers),
            Message::Known { from: first, entries } => self.on_known(from, first, entries),
        }
        Ok(())
    }

    fn outbox(&mut self) -> Vec<(usize, Json)> {
        std::mem::take(&mut self.out)
    }

    fn propose(&mut self, entry: Value) {
        self.tell(&Message::Request { entry: entry.clone() });
        if !self.applied.iter().any(|other| other.id == entry.id) {
            self.requests.insert(entry.id.clone(), entry);
            self.order();
        }
    }

    fn applied(&self) -> &[Value] {
        &self.applied
    }

    fn knows(&self, id: &str) -> bool {
        self.requests.contains_key(id) || self.applied.iter().any(|entry| entry.id == id)
    }

    fn view(&self) -> u64 {
        self.view
    }

    fn leads(&self) -> bool {
        self.primary(self.view) == self.id && self.changing.is_none()
    }

    fn restart(&mut self) {
        self.out.clear();
        self.since = None;
    }

    fn begin_with(&mut self, log: &[Value]) {
        for (number, entry) in (0..).zip(log) {
            self.slots.insert(number, Slot { committed: Some(entry.clone()), ..Slot::default() });
            self.next = number + 1;
        }
        self.apply();
    }

    fn copy(&self) -> Box<dyn Replica> {
        Box::new(self.clone())
    }
}
