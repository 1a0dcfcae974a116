//! Raft: Ongaro and Ousterhout 2014, without snapshots and membership changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::choice::majority;
use super::replica::{Replica, Value};
use crate::dispatch::Setup;
use crate::payload::Rng;
use crate::refusal::{Refusal, invalid};

const MS: u64 = 1_000_000;
const HEARTBEAT: u64 = 50 * MS;
/// Entries of a log; proposals beyond are dropped and stay pending.
const MOST: usize = 10_000;

#[derive(Clone, Serialize, Deserialize)]
struct Row {
    term: u64,
    entry: Value,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Vote { term: u64, last: usize, last_term: u64 },
    Voted { term: u64, granted: bool },
    Append { term: u64, prev: usize, prev_term: u64, rows: Vec<Row>, commit: usize },
    Appended { term: u64, held: bool, upto: usize },
    Forward { entry: Value },
}

#[derive(Clone, PartialEq, Eq)]
enum Role {
    Follower,
    Candidate,
    Leader,
}

#[derive(Clone)]
pub(super) struct Raft {
    setup: Setup,
    id: usize,
    n: usize,
    rng: u64,
    now: u64,
    // On disk.
    term: u64,
    voted: Option<usize>,
    log: Vec<Row>,
    // In memory.
    role: Role,
    leader: Option<usize>,
    deadline: u64,
    beat: u64,
    votes: BTreeSet<usize>,
    next: BTreeMap<usize, usize>,
    held: BTreeMap<usize, usize>,
    commit: usize,
    done: usize,
    applied: Vec<Value>,
    waiting: Vec<Value>,
    out: Vec<(usize, Json)>,
}

impl Raft {
    pub(super) fn new(setup: Setup, id: usize, n: usize) -> Self {
        let mut raft = Self {
            setup,
            id,
            n,
            rng: setup.seed ^ (id as u64 + 1).wrapping_mul(0x9e37_79b9),
            now: 0,
            term: 0,
            voted: None,
            log: Vec::new(),
            role: Role::Follower,
            leader: None,
            deadline: 0,
            beat: 0,
            votes: BTreeSet::new(),
            next: BTreeMap::new(),
            held: BTreeMap::new(),
            commit: 0,
            done: 0,
            applied: Vec::new(),
            waiting: Vec::new(),
            out: Vec::new(),
        };
        raft.patience();
        raft
    }

    /// A new election timeout, 300 to 600 ms.
    fn patience(&mut self) {
        let mut rng = Rng(self.rng);
        let wait = 300 * MS + rng.next() % (300 * MS);
        self.rng = rng.0;
        self.deadline = self.now + wait;
    }

    fn beat_every(&self) -> u64 {
        if self.setup.is("cons-waits-for-the-beat") { 140 * MS } else { HEARTBEAT }
    }

    fn send(&mut self, to: usize, message: &Message) {
        self.out.push((to, json!(message)));
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let id = self.id;
        (0..self.n).filter(move |other| *other != id)
    }

    fn last(&self) -> (usize, u64) {
        (self.log.len(), self.log.last().map_or(0, |row| row.term))
    }

    fn step_down(&mut self, term: u64) {
        if term > self.term {
            (self.term, self.voted) = (term, None);
            self.leader = None;
        }
        self.role = Role::Follower;
    }

    fn stand(&mut self) {
        self.term += 1;
        self.role = Role::Candidate;
        self.voted = Some(self.id);
        self.leader = None;
        self.votes = BTreeSet::from([self.id]);
        self.patience();
        let (last, last_term) = self.last();
        for other in self.others() {
            self.send(other, &Message::Vote { term: self.term, last, last_term });
        }
        self.count_votes();
    }

    fn count_votes(&mut self) {
        if self.role == Role::Candidate && self.votes.len() >= majority(self.setup, self.n) {
            self.role = Role::Leader;
            self.leader = Some(self.id);
            self.next = self.others().map(|other| (other, self.log.len())).collect();
            self.held = BTreeMap::new();
            for entry in std::mem::take(&mut self.waiting) {
                self.append(entry);
            }
            self.spread();
        }
    }

    fn append(&mut self, entry: Value) {
        let twice = self.setup.is("cons-applies-twice");
        let known = self.log.iter().any(|row| row.entry.id == entry.id);
        if (known && !twice) || self.log.len() >= MOST {
            return;
        }
        self.log.push(Row { term: self.term, entry });
    }

    fn spread(&mut self) {
        self.beat = self.now + self.beat_every();
        for other in self.others() {
            let prev = self.next.get(&other).copied().unwrap_or(0).min(self.log.len());
            let prev_term = prev.checked_sub(1).and_then(|at| self.log.get(at)).map_or(0, |row| row.term);
            let rows = self.log[prev..].to_vec();
            let told = !self.setup.is("cons-commit-with-the-next") || !rows.is_empty();
            let commit = if told { self.commit } else { 0 };
            self.send(other, &Message::Append { term: self.term, prev, prev_term, rows, commit });
        }
        self.advance();
    }

    /// Commits what a majority holds, of the own term.
    fn advance(&mut self) {
        let wanted = if self.setup.is("cons-waits-for-all") { self.n } else { majority(self.setup, self.n) };
        let mut held: Vec<usize> =
            self.others().map(|other| self.held.get(&other).copied().unwrap_or(0)).collect();
        held.push(self.log.len());
        held.sort_unstable_by(|a, b| b.cmp(a));
        let upto = held[wanted - 1];
        if upto > self.commit && self.log[upto - 1].term == self.term {
            self.commit = upto;
            self.apply();
        }
    }

    fn apply(&mut self) {
        while self.done < self.commit.min(self.log.len()) {
            let entry = self.log[self.done].entry.clone();
            self.done += 1;
            let again = self.applied.iter().any(|other| other.id == entry.id);
            if !again || self.setup.is("cons-applies-twice") {
                self.applied.push(entry);
            }
        }
    }

    fn on_vote(&mut self, from: usize, term: u64, last: usize, last_term: u64) {
        let own = self.last();
        let current = (last_term, last) >= (own.1, own.0) || self.setup.is("cons-votes-for-anybody");
        let granted = term == self.term && current && self.voted.is_none_or(|voted| voted == from);
        if granted {
            self.voted = Some(from);
            self.patience();
        }
        self.send(from, &Message::Voted { term: self.term, granted });
    }

    fn on_append(&mut self, from: usize, prev: usize, prev_term: u64, rows: Vec<Row>, commit: usize) {
        self.role = Role::Follower;
        self.leader = Some(from);
        self.patience();
        let fits = prev == 0 || self.log.get(prev - 1).is_some_and(|row| row.term == prev_term);
        if !fits {
            let upto = self.log.len().min(prev - 1);
            self.send(from, &Message::Appended { term: self.term, held: false, upto });
            return;
        }
        let upto = prev + rows.len();
        for (at, row) in (prev..).zip(rows) {
            if self.log.get(at).is_some_and(|own| own.term != row.term) {
                self.log.truncate(at);
            }
            if at >= self.log.len() {
                self.log.push(row);
            }
        }
        self.commit = self.commit.max(commit.min(upto));
        self.apply();
        self.send(from, &Message::Appended { term: self.term, held: true, upto });
        for entry in std::mem::take(&mut self.waiting) {
            self.send(from, &Message::Forward { entry });
        }
    }

    fn on_appended(&mut self, from: usize, held: bool, upto: usize) {
        if held {
            let best = self.held.entry(from).or_insert(0);
            *best = (*best).max(upto);
            self.next.insert(from, upto.max(self.next.get(&from).copied().unwrap_or(0)));
            let before = self.commit;
            self.advance();
            if self.commit > before && !self.setup.is("cons-commit-with-the-next") {
                self.spread();
            }
        } else {
            self.next.insert(from, upto);
        }
    }
}

impl Replica for Raft {
    fn tick(&mut self, now: u64) {
        self.now = now;
        if self.role == Role::Leader {
            if now >= self.beat {
                self.spread();
            }
        } else if now >= self.deadline {
            self.stand();
        }
    }

    fn inbox(&mut self, from: usize, message: &Json) -> Result<(), Refusal> {
        let message: Message =
            serde_json::from_value(message.clone()).map_err(|error| invalid(format!("message: {error}")))?;
        let term = match &message {
            Message::Vote { term, .. }
            | Message::Voted { term, .. }
            | Message::Append { term, .. }
            | Message::Appended { term, .. } => *term,
            Message::Forward { .. } => self.term,
        };
        if term > self.term {
            self.step_down(term);
        }
        match message {
            Message::Vote { last, last_term, .. } => self.on_vote(from, term, last, last_term),
            Message::Voted { granted, .. } => {
                if granted && term == self.term {
                    self.votes.insert(from);
                    self.count_votes();
                }
            }
            Message::Append { .. } if term < self.term => {
                let own = self.term;
                self.send(from, &Message::Appended { term: own, held: false, upto: 0 });
            }
            Message::Append { prev, prev_term, rows, commit, .. } => {
                self.on_append(from, prev, prev_term, rows, commit);
            }
            Message::Appended { held, upto, .. } => {
                if self.role == Role::Leader && term == self.term {
                    self.on_appended(from, held, upto.min(self.log.len()));
                }
            }
            Message::Forward { entry } => self.propose(entry),
        }
        Ok(())
    }

    fn outbox(&mut self) -> Vec<(usize, Json)> {
        std::mem::take(&mut self.out)
    }

    fn propose(&mut self, entry: Value) {
        if self.role == Role::Leader {
            self.append(entry);
            if !self.setup.is("cons-waits-for-the-beat") {
                self.spread();
            }
        } else if let Some(leader) = self.leader.filter(|leader| *leader != self.id) {
            self.send(leader, &Message::Forward { entry });
        } else if self.waiting.len() < MOST {
            self.waiting.push(entry);
        }
    }

    fn applied(&self) -> &[Value] {
        &self.applied
    }

    fn knows(&self, id: &str) -> bool {
        self.log.iter().map(|row| &row.entry).chain(&self.waiting).any(|entry| entry.id == id)
    }

    fn view(&self) -> u64 {
        self.term
    }

    fn leads(&self) -> bool {
        self.role == Role::Leader
    }

    fn restart(&mut self) {
        self.role = Role::Follower;
        (self.leader, self.commit, self.done) = (None, 0, 0);
        self.applied.clear();
        self.waiting.clear();
        self.votes.clear();
        self.out.clear();
        self.patience();
    }

    fn begin_with(&mut self, log: &[Value]) {
        self.log = log.iter().map(|entry| Row { term: 0, entry: entry.clone() }).collect();
        self.commit = self.log.len();
        self.apply();
    }

    fn copy(&self) -> Box<dyn Replica> {
        Box::new(self.clone())
    }
}
