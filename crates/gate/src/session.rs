//! Hears one look after the other and knows at any time what is to be said.
//!
//! The verdict against a release is kept once it was reached: the tests promise their alpha for every moment, and a
//! gate that is looked at a second time must not forget.

use std::collections::BTreeMap;

use health::leak::Leak;
use health::planned::{Analysis, GroupTest};
use health::sequential::{Blame, Durations, Engine, Explanation, Reading, engine::Finding};
use health::{Judge, Literal, RuleName, Sample, Verdict as Judged};
use machine::Timestamp;

use crate::bounded::{Bets, Bound};
use crate::refusal::arm_name;
use crate::summed::{Endpoints, Summed};
use crate::units::span;
use crate::{AlertSeen, AlertState, Literally, Observation, Pod, Refusal, Refused, Setup, Why};

/// The share that a gate is told of, in percent: it is not known, and the tests take the split of the requests.
const SHARE: u8 = 50;
/// Kinds of refusals that are told apart.
const MOST_REFUSED: usize = 256;
/// Spans of the least memory, in milliseconds.
const LEAK_SPAN_MS: u64 = 60_000;

/// Why a gate ends against the release.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) by: By,
    pub(crate) explanation: Explanation,
}

/// Which of the rules did it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum By {
    Tests(Blame),
    Literal(health::Breach),
    Alert(AlertSeen),
    Bounded(Bound),
    Planned(Analysis),
}

/// A gate while it looks.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) setup: Setup,
    pub(crate) engine: Engine,
    literal: Literal,
    pub(crate) canary: Summed,
    pub(crate) stable: Summed,
    pub(crate) endpoints: Endpoints,
    pub(crate) bets: Bets,
    pub(crate) planned: Option<GroupTest>,
    pub(crate) names: (BTreeMap<u32, String>, BTreeMap<u32, String>),
    pub(crate) leaks: BTreeMap<u32, Leak>,
    pub(crate) fired: BTreeMap<RuleName, Literally>,
    pub(crate) refused: BTreeMap<(String, String, Why), Refused>,
    pub(crate) untold: u64,
    pub(crate) alerts: Vec<AlertSeen>,
    pub(crate) ended: Option<Ended>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) looks: u32,
    pub(crate) notes: Vec<String>,
}

impl Session {
    /// A gate that has seen nothing.
    pub fn new(setup: Setup) -> Self {
        let mut engine = Engine::new(setup.engine_plan());
        engine.weighed(SHARE);
        let mut literal = Literal::new(setup.rules);
        literal.weighed(Timestamp::ZERO, if setup.compared { SHARE } else { 100 });
        Self {
            engine,
            literal,
            canary: Summed::default(),
            stable: Summed::default(),
            endpoints: Endpoints::default(),
            planned: Self::planned_test(&setup),
            bets: Bets::new(&setup.bounded, setup.bounded_alpha()),
            names: (BTreeMap::new(), BTreeMap::new()),
            leaks: BTreeMap::new(),
            fired: BTreeMap::new(),
            refused: BTreeMap::new(),
            untold: 0,
            alerts: Vec::new(),
            ended: None,
            last: None,
            looks: 0,
            notes: Vec::new(),
            setup,
        }
    }

    /// Something that is to be known of the way the numbers were made.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The setup.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Whether the verdict is against the release and kept.
    pub const fn ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Takes one look. After the end nothing is heard any more.
    pub fn observe(&mut self, look: &Observation) {
        if self.ended() {
            return;
        }
        let now = Timestamp::from_millis(look.at_ms);
        self.looks = self.looks.saturating_add(1);
        for refusal in &look.refused {
            self.refuse(now, refusal.clone());
        }
        self.take(now, &look.pods);
        for refusal in self.bets.take(&look.values) {
            self.refuse(now, refusal);
        }
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
        self.alerts.clone_from(&look.alerts);
        self.judge(now);
    }

    pub(crate) fn refuse(&mut self, now: Timestamp, refusal: Refusal) {
        let key = (refusal.arm.clone(), refusal.source.clone(), refusal.why);
        if self.refused.len() >= MOST_REFUSED && !self.refused.contains_key(&key) {
            self.untold = self.untold.saturating_add(1);
            return;
        }
        let known = self.refused.entry(key).or_insert(Refused { refusal, looks: 0, first: now, last: now });
        known.looks = known.looks.saturating_add(1);
        known.last = now;
    }

    fn take(&mut self, now: Timestamp, pods: &[Pod]) {
        let (mut canary, mut stable) = (Vec::new(), Vec::new());
        let (mut by_canary, mut by_stable) = (Vec::new(), Vec::new());
        for pod in pods {
            let names = if pod.canary { &mut self.names.0 } else { &mut self.names.1 };
            names.entry(pod.pod).or_insert_with(|| pod.name.clone());
            let age = pod.started_ms.map(|started| now.as_millis().cast_signed().saturating_sub(started));
            if age.is_some_and(|age| age < self.setup.plan.grace_ms.cast_signed()) {
                let grace = span(self.setup.plan.grace_ms);
                self.note(format!(
                    "durations of {} are not judged in the first {grace} of its process",
                    pod.name
                ));
            }
            let warm = self.warm(now, pod);
            if pod.canary {
                by_canary.extend(self.canary.add(pod, warm));
                canary.extend(pod.seen());
                if let Some(bytes) = pod.memory_bytes {
                    let leak = self.leaks.entry(pod.pod).or_insert_with(|| Leak::new(LEAK_SPAN_MS));
                    leak.observe(now, bytes, pod.started_ms);
                }
            } else {
                by_stable.extend(self.stable.add(pod, warm));
                stable.extend(pod.seen());
            }
        }
        let pairs = self.endpoints.pairs(by_canary, by_stable);
        self.engine.endpoints(&pairs);
        if canary.is_empty() {
            // Nothing of the canary was evidence: for the tests that is silence.
            self.engine.silent(now);
            return;
        }
        match self.engine.observe(&Reading { taken: now, canary, stable }) {
            Ok(added) => {
                for (arm, is_canary) in [(&added.canary, true), (&added.stable, false)] {
                    for (id, why) in &arm.refused {
                        let name = self.name(is_canary, *id);
                        self.refuse(now, Refusal::new(&name, (*why).into(), why.to_string()).of(is_canary));
                    }
                }
            }
            Err(why) => self.refuse(now, Refusal::new("this look", why.into(), why.to_string())),
        }
    }

    /// Whether its process was old enough at the look before for its durations to count, as the engine has it.
    fn warm(&self, now: Timestamp, pod: &Pod) -> bool {
        let since = self.last.unwrap_or(now).as_millis().cast_signed();
        let age = pod.started_ms.map(|started| since.saturating_sub(started));
        age.is_none_or(|age| age >= self.setup.plan.grace_ms.cast_signed())
    }

    /// What the engine knows, with the durations of both arms.
    pub(crate) fn explained(&self, now: Timestamp) -> Explanation {
        let mut explanation = Explanation::of(&self.engine, now);
        let both = self.canary.durations.as_ref().zip(self.stable.durations.as_ref());
        let miss = self.setup.plan.alpha.value();
        explanation.durations = both.and_then(|(canary, stable)| Durations::of(canary, stable, miss));
        explanation
    }

    pub(crate) fn name(&self, canary: bool, id: u32) -> String {
        let names = if canary { &self.names.0 } else { &self.names.1 };
        names.get(&id).cloned().unwrap_or_else(|| format!("{} {id}", arm_name(canary)))
    }

    fn judge(&mut self, now: Timestamp) {
        let sample = Sample {
            taken: now,
            new: self.canary.arm(),
            stable: self.setup.compared.then(|| self.stable.arm()),
        };
        let mut by = None;
        if let Judged::Regressed(breaches) = self.literal.judge(now, Some(&sample)) {
            let acts = self.setup.decides.literal();
            by = breaches.first().filter(|_| acts).cloned().map(By::Literal);
            for breach in breaches {
                let new = Literally { first: now, looks: 0, breach: breach.clone(), acts };
                let known = self.fired.entry(breach.rule).or_insert(new);
                known.looks = known.looks.saturating_add(1);
            }
        }
        let firing = self.alerts.iter().find(|alert| alert.state == AlertState::Firing);
        by = by.or_else(|| firing.cloned().map(By::Alert));
        by = by.or_else(|| self.hear_planned(now).map(By::Planned));
        by = by.or_else(|| self.over_bound().map(By::Bounded));
        // One that never answered is no worse than stable: it is not there, and that is no data.
        let absent = self.canary.counts.requests == 0;
        if self.setup.decides.sequential()
            && !absent
            && let Finding::Regressed(blame @ (Blame::Release | Blame::Endpoint(_))) =
                self.engine.finding(now)
        {
            by = Some(By::Tests(blame));
        }
        self.ended = by.map(|by| Ended { at: now, by, explanation: self.explained(now) });
    }
}
