//! One replica: writes, pushes, compares.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::entry::{Counter, Entry, Register, Set};
use crate::dispatch::Setup;
use crate::payload::sha256;
use crate::refusal::{Refusal, invalid, text, whole};

/// Replicas compare their digests so often.
pub(super) const INTERVAL_NS: u64 = 1_000_000_000;
/// Keys of a replica, and messages that wait.
const MOST: usize = 10_000;

pub(super) struct Node {
    setup: Setup,
    id: u64,
    peers: Vec<u64>,
    entries: BTreeMap<String, Entry>,
    out: VecDeque<Value>,
    next: u64,
    last_tick: Option<u64>,
    asked: BTreeMap<u64, String>,
    answers: Vec<Value>,
    /// Only faults look at these: what was sent to whom, the last number heard from whom, silent rounds of a peer.
    sent: BTreeSet<(u64, String)>,
    heard: BTreeMap<u64, u64>,
    silent: BTreeMap<u64, u32>,
}

impl Node {
    pub(super) fn new(setup: Setup, id: u64) -> Self {
        Self {
            setup,
            id,
            peers: Vec::new(),
            entries: BTreeMap::new(),
            out: VecDeque::new(),
            next: 0,
            last_tick: None,
            asked: BTreeMap::new(),
            answers: Vec::new(),
            sent: BTreeSet::new(),
            heard: BTreeMap::new(),
            silent: BTreeMap::new(),
        }
    }

    pub(super) fn meet(&mut self, all: &[u64]) {
        self.peers = all.iter().copied().filter(|other| *other != self.id).collect();
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn send(&mut self, to: u64, mut message: Value) {
        message["n"] = json!(self.number());
        self.out.push_back(json!({"to": to, "msg": message}));
        if self.out.len() > MOST {
            self.out.pop_front();
        }
    }

    fn send_entry(&mut self, to: u64, key: &str) {
        if let Some(entry) = self.entries.get(key) {
            let message = json!({"kind": "entry", "key": key, "entry": entry});
            self.send(to, message);
        }
    }

    pub(super) fn outbox(&mut self) -> Vec<Value> {
        self.out.drain(..).collect()
    }

    fn write(&mut self, key: &str, op: &Value) -> Result<(), Refusal> {
        let (id, number) = (self.id, self.number());
        let held = self.entries.get(key).cloned();
        let entry = match text(op, "type")? {
            "lww" => {
                let old = match held {
                    Some(Entry::Lww(old)) => Some(old),
                    _ => None,
                };
                let (before, mut clock) =
                    old.map_or((None, BTreeMap::new()), |old| (Some(old.ts), old.clock));
                *clock.entry(id).or_insert(0) += 1;
                let ts = whole(op, "ts")?.max(before.map_or(0, |ts| ts + 1));
                Entry::Lww(Register { ts, node: id, value: op["value"].clone(), clock, concurrent: false })
            }
            "orset" => {
                let mut set = if let Some(Entry::OrSet(set)) = held { set } else { Set::default() };
                let element = text(op, "element")?.to_owned();
                if text(op, "action")? == "add" {
                    set.added.entry(element).or_default().insert((id, number));
                } else {
                    let seen = set.added.get(&element).cloned().unwrap_or_default();
                    set.removed.extend(seen);
                }
                Entry::OrSet(set)
            }
            "counter" => {
                let mut counter =
                    if let Some(Entry::Counter(counter)) = held { counter } else { Counter::default() };
                let by = op["by"].as_i64().ok_or_else(|| invalid("by is no whole number"))?;
                let side = if by >= 0 { &mut counter.up } else { &mut counter.down };
                *side.entry(id).or_insert(0) += by.unsigned_abs();
                Entry::Counter(counter)
            }
            other => return Err(invalid(format!("type is {other}: lww, orset or counter"))),
        };
        self.entries.insert(key.to_owned(), entry);
        Ok(())
    }

    /// A local write; all peers are told at once.
    pub(super) fn apply(&mut self, op: &Value) -> Result<(), Refusal> {
        let key = text(op, "key")?.to_owned();
        if self.entries.len() >= MOST && !self.entries.contains_key(&key) {
            return Err(invalid(format!("more than {MOST} keys")));
        }
        self.write(&key, op)?;
        for peer in self.peers.clone() {
            self.send_entry(peer, &key);
        }
        if self.setup.is("sync-forgets-deletions") && op["type"] == "lww" && op["value"].is_null() {
            self.entries.remove(&key);
        }
        Ok(())
    }

    fn hashes(&self) -> BTreeMap<&str, String> {
        let hash = |entry: &Entry| sha256(entry.essence().to_string().as_bytes())[..16].to_owned();
        self.entries.iter().map(|(key, entry)| (key.as_str(), hash(entry))).collect()
    }

    pub(super) fn digest(&self) -> String {
        sha256(json!(self.hashes()).to_string().as_bytes())
    }

    /// Compares with all peers, once an interval.
    pub(super) fn tick(&mut self, now: u64) {
        if self.last_tick.is_some_and(|last| now < last + INTERVAL_NS) {
            return;
        }
        self.last_tick = Some(now);
        let message = json!({"kind": "digest", "keys": self.hashes()});
        for peer in self.peers.clone() {
            let silent = self.silent.entry(peer).or_insert(0);
            *silent += 1;
            let round = *silent;
            // Backs off while a peer says nothing: in rounds 1, 2, 4, 8, ... only.
            if self.setup.is("sync-backs-off") && !round.is_power_of_two() {
                continue;
            }
            self.send(peer, message.clone());
        }
    }

    fn compared(&mut self, from: u64, theirs: &Value) {
        let Some(theirs) = theirs.as_object() else { return };
        let own = self.hashes();
        let differs =
            |key: &str| theirs.get(key).is_some_and(|hash| own.get(key).is_some_and(|own| hash != own));
        let missing: Vec<String> =
            theirs.keys().filter(|key| !own.contains_key(key.as_str())).cloned().collect();
        let different: Vec<String> =
            own.keys().filter(|key| differs(key)).map(|key| (*key).to_owned()).collect();
        let extra: Vec<String> =
            own.keys().filter(|key| !theirs.contains_key(**key)).map(|key| (*key).to_owned()).collect();
        let mut want: Vec<String> = Vec::new();
        let mut give: Vec<String> = Vec::new();
        if !self.setup.is("sync-common-keys-only") {
            want.extend(missing);
            give.extend(extra);
        }
        if !self.setup.is("sync-missing-keys-only") {
            want.extend(different.clone());
            give.extend(different);
        }
        for key in give {
            if self.setup.is("sync-sends-once") && !self.sent.insert((from, key.clone())) {
                continue;
            }
            self.send_entry(from, &key);
        }
        if !want.is_empty() {
            self.send(from, json!({"kind": "want", "keys": want}));
        }
    }

    /// A message of a peer.
    pub(super) fn inbox(&mut self, from: u64, message: &Value) -> Result<(), Refusal> {
        let number = whole(message, "n")?;
        let late = self.heard.get(&from).is_some_and(|last| number < *last);
        self.heard.insert(from, number.max(self.heard.get(&from).copied().unwrap_or(0)));
        self.silent.insert(from, 0);
        if late && self.setup.is("sync-drops-late") {
            return Ok(());
        }
        match text(message, "kind")? {
            "entry" => {
                let entry: Entry = serde_json::from_value(message["entry"].clone())
                    .map_err(|error| invalid(format!("entry: {error}")))?;
                let key = text(message, "key")?;
                let deleted = matches!(&entry, Entry::Lww(register) if register.value.is_null());
                if deleted && self.setup.is("sync-forgets-deletions") {
                    self.entries.remove(key);
                    return Ok(());
                }
                let (setup, full) = (self.setup, self.entries.len() >= MOST);
                match self.entries.get_mut(key) {
                    Some(own) => own.merge(&entry, setup),
                    None if !full => {
                        self.entries.insert(key.to_owned(), entry);
                    }
                    None => {}
                }
            }
            "digest" => self.compared(from, &message["keys"]),
            "want" => {
                for key in message["keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if self.setup.is("sync-sends-once") && !self.sent.insert((from, key.to_owned())) {
                        continue;
                    }
                    self.send_entry(from, key);
                }
            }
            "get" => {
                let value = self.read(text(message, "key")?);
                self.send(
                    from,
                    json!({"kind": "answer", "request": message["request"], "value": value["value"]}),
                );
            }
            "answer" => self.answered(message)?,
            other => return Err(invalid(format!("kind is {other}"))),
        }
        Ok(())
    }

    pub(super) fn read(&self, key: &str) -> Value {
        self.entries.get(key).map_or_else(|| json!({"value": null, "missing": true}), Entry::read)
    }

    /// Asks a peer for a key. Gives the number of the request.
    pub(super) fn get(&mut self, peer: u64, key: &str) -> u64 {
        let request = self.number();
        self.asked.insert(request, key.to_owned());
        self.send(peer, json!({"kind": "get", "request": request, "key": key}));
        request
    }

    fn answered(&mut self, message: &Value) -> Result<(), Refusal> {
        let mut request = whole(message, "request")?;
        if self.setup.is("sync-answers-in-turn") {
            request = self.asked.keys().next().copied().unwrap_or(request);
        }
        // An answer that nobody waits for, or for the second time, is none.
        if let Some(key) = self.asked.remove(&request) {
            self.answers.push(json!({"request": request, "key": key, "value": message["value"]}));
        }
        Ok(())
    }

    pub(super) fn answers(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.answers)
    }
}
