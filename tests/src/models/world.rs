//! A state of the composed model and what happens in it: the runner's side, the target, and the road between.
//!
//! The pilot of the runner is here in its essence: orders go one after the other, each until it is answered, and the
//! return beside all others.

use std::hash::{Hash, Hasher};

use health::Judge;
use machine::{Durability, Durable, Key, Keyed, Machine, Timestamp, Visit, step};
use release::{Effect, Event, Release, Sighting, Wish};
use supervise::{Epoch, Reply, Request, Restoration};

use super::composed::Budget;
use super::judges::{Code, sample};
use super::rules::broken_rule;
use super::target::{Target, heard, new, request, run};
use super::walk::{NOW, shift_times};

/// What is further away than any deadline of the plan stays far away: no walk reaches it.
const SOON: u64 = 8;
const FAR: u64 = 40;

/// A message on the road.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Load {
    Request(Key, Request),
    Answer(Key, Event, Option<Epoch>),
    Look(Box<Sighting>),
}

/// A state of the walk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World<J> {
    /// The production machine.
    pub release: Release<J>,
    /// What a runner that dies leaves on the disk at least.
    pub(super) durable: Release<J>,
    pub(super) up: bool,
    pub(super) epoch: Epoch,
    pub(super) queue: Vec<(Key, Effect)>,
    pub(super) restoring: Option<Key>,
    pub(super) checking: Option<Key>,
    pub(super) road: Vec<Load>,
    /// The production target.
    pub target: Target,
    pub(super) left: Budget,
    /// What was seen of both.
    pub seen: Seen,
    /// The first rule that was broken.
    pub broken: Option<&'static str>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// The target returned the traffic, asked or alone.
    pub returned: bool,
    /// The new revision was stable.
    pub promoted: bool,
    /// The highest share that was ever ordered.
    pub ordered: u8,
}

impl<J: Judge> World<J> {
    /// A step of the release, and what the runner does about it.
    pub(super) fn hear(&mut self, now: Timestamp, event: Option<Event>) {
        let before = self.release.clone();
        let stepped = step(&mut self.release, now, event.clone());
        let wanted = stepped.effects.iter().map(|keyed| keyed.effect.durability());
        let durability = event.as_ref().map(Durable::durability).into_iter().chain(wanted).max();
        if durability == Some(Durability::Synced) {
            self.durable = self.release.clone();
        }
        let told = super::rules::Told {
            now,
            event: event.as_ref(),
            effects: &stepped.effects,
            rejected: stepped.rejected.is_some(),
            ordered: self.seen.ordered,
            generation: self.target.rules.view_generation(),
        };
        self.broken = self.broken.or_else(|| broken_rule(&before, &told, &self.release));
        self.dispatch(stepped.effects);
    }

    pub(super) fn dispatch(&mut self, effects: Vec<Keyed<Effect>>) {
        for keyed in effects {
            if let Effect::Order(Wish::Weight(percent)) = keyed.effect {
                self.seen.ordered = self.seen.ordered.max(percent);
            }
            match (keyed.key, keyed.effect) {
                (Some(key), Effect::Restore) => self.restoring = Some(key),
                (Some(key), Effect::RunChecks(_)) => self.checking = Some(key),
                (_, Effect::StopChecks) => self.checking = None,
                (Some(key), effect) => self.queue.push((key, effect)),
                (None, _) => {}
            }
        }
    }

    pub(super) fn on_road(&self, key: &Key) -> bool {
        self.road.iter().any(|load| match load {
            Load::Request(of, _) | Load::Answer(of, ..) => of == key,
            Load::Look(_) => false,
        })
    }

    pub(super) fn send(&mut self, key: Key, effect: &Effect) -> bool {
        let Some(request) = request(&key, effect, self.epoch) else { return false };
        self.road.push(Load::Request(key, request));
        true
    }

    pub(super) fn arrive(&mut self, load: Load, answered: bool) {
        match load {
            Load::Request(key, request) => {
                let restore = matches!(request, Request::Restore { .. });
                let Some(reply) = self.target.ask(NOW, request) else { return };
                if restore && matches!(reply, Reply::Restoration(Restoration::Restored { .. })) {
                    self.seen.returned = true;
                }
                if self.up && answered {
                    let (event, epoch) = heard(&key, reply);
                    self.road.push(Load::Answer(key, event, epoch));
                }
            }
            Load::Answer(key, event, epoch) => {
                if self.queue.first().is_some_and(|(head, _)| *head == key) {
                    self.queue.remove(0);
                }
                if self.restoring.as_ref() == Some(&key) {
                    self.restoring = None;
                }
                self.epoch = epoch.unwrap_or(self.epoch);
                self.hear(NOW, Some(event));
            }
            Load::Look(sighting) => self.hear(NOW, Some(Event::Seen(sighting))),
        }
    }

    pub(super) fn look(&self, code: Code) -> Sighting {
        let view = self.target.rules.view(NOW);
        let revision = view.revisions.get(&new());
        let gone = |id: &supervise::RevisionId| *id != new() && Some(id) != view.stable.as_ref();
        let others = view.revisions.iter().filter(|(id, _)| gone(id));
        Sighting {
            taken: NOW,
            generation: self.target.rules.view_generation(),
            stable: view.stable.as_ref().map(ToString::to_string),
            new: new().to_string(),
            percent: self.target.weight(),
            ready: revision.map_or(0, supervise::RevisionView::ready),
            wanted: revision.filter(|r| r.wanted).map_or(0, |r| r.instances_wanted),
            running_new: revision.map_or(0, |r| r.instances.len() as u32),
            running_old: others.map(|(_, r)| r.instances.len() as u32).sum(),
            latched: view.latched == Some(run()),
            sample: sample(code, NOW),
            failing: None,
        }
    }

    pub(super) fn crash(&mut self, lose: bool) {
        if lose {
            self.release = self.durable.clone();
        }
        self.up = false;
        self.queue.clear();
        (self.restoring, self.checking) = (None, None);
        self.road.retain(|load| matches!(load, Load::Request(..)));
    }

    /// As `runner::reacquire` and `Run` do it.
    pub(super) fn resume(&mut self) {
        let acquire = request(&Key::new(0), &Effect::Acquire, self.epoch).expect("a request");
        let Some(Reply::Acquisition(supervise::Acquisition::Acquired { epoch, restored })) =
            self.target.ask(NOW, acquire)
        else {
            return;
        };
        self.up = true;
        self.epoch = epoch;
        self.hear(NOW, Some(Event::Acquired { restored }));
        self.queue.clear();
        (self.restoring, self.checking) = (None, None);
        let pending = self.release.pending();
        self.dispatch(pending);
        self.durable = self.release.clone();
    }

    pub(super) fn pass(&mut self, ms: u64, renew: bool) {
        let now = NOW.after(ms);
        self.target.tell(now, None);
        if self.up {
            self.hear(now, None);
            if renew && self.release.leased() {
                let reply = self.target.ask(now, Request::Renew { run: run(), epoch: self.epoch });
                let event = reply.map(|reply| heard(&Key::new(0), reply).0);
                if let Some(event @ (Event::Latched | Event::Fenced)) = event {
                    self.hear(now, Some(event));
                }
            }
        }
        shift_times(&mut self.release, now);
        shift_times(&mut self.durable, now);
        shift_times(&mut self.target.rules, now);
        for load in &mut self.road {
            if let Load::Look(sighting) = load {
                let late =
                    |at: Timestamp| Timestamp::from_millis((at.as_millis() - ms).max(NOW.as_millis() - 3));
                sighting.taken = late(sighting.taken);
                sighting.sample.iter_mut().for_each(|sample| sample.taken = late(sample.taken));
            }
        }
    }

    /// The normal form: far times are equally far, messages have no order.
    pub(super) fn settle(&mut self) {
        self.target.rules.visit(&mut Near);
        if self.road.len() > 1 {
            self.road.sort_by_cached_key(digest);
            self.road.dedup();
        }
        if self.left.crashes == 0 {
            // Nobody dies any more: what the disk has does not matter.
            self.durable = self.release.clone();
        }
    }
}

struct Near;

impl Visit for Near {
    fn time(&mut self, at: &mut Timestamp) {
        // The target compares no time that is past, it only says how long ago it was.
        *at = if *at > NOW.after(SOON) { NOW.after(FAR) } else { (*at).max(NOW) };
    }
    fn number(&mut self, _n: &mut u32) {}
}

/// The generation that a view shows.
trait ViewGeneration {
    fn view_generation(&self) -> u64;
}

impl ViewGeneration for supervise::Supervisor {
    fn view_generation(&self) -> u64 {
        self.observation(NOW, self.routed_generation(), 0).observed_generation.0
    }
}

/// The same for equal messages, whatever order they came in.
fn digest(load: &Load) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    load.hash(&mut hasher);
    hasher.finish()
}
