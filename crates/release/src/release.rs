//! The machine of one release.
//!
//! ```text
//! Acquiring -> Looking -> Rolling (the strategy's phases) -> Closing -> Ended
//!     \-----------\------------------------------------------/
//! ```
//!
//! An abort in `Acquiring` or `Looking` ends it without having touched the target.

use deploy_strategies::{BlueGreen, Phase, Plan};
use health::{Judge, Shown};
use machine::{Input, Key, Keyed, Machine, Progress, Timestamp, Visit};
use rollback::{Desk, Otherwise, Policy, Question};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::wishes::{lift, restart_order, say};
use crate::{Cost, Effect, Event, Outcome, Rejected, Severity};

/// What a release is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setup {
    /// How traffic moves.
    pub plan: Plan,
    /// What each rule leads to.
    pub policy: Policy,
    /// Do nothing when the target has a stable revision already.
    pub only_when_empty: bool,
}

/// Where a release is, outside its strategy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The target is claimed.
    Acquiring,
    /// The first sighting is awaited.
    Looking,
    /// The strategy is at work.
    Rolling,
    /// The target is given back.
    Closing(Outcome),
    /// Terminal.
    Ended(Outcome),
}

/// One release under the judge `J`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "J: Serialize + DeserializeOwned")]
pub struct Release<J> {
    pub(crate) setup: Setup,
    pub(crate) stage: Stage,
    pub(crate) strategy: BlueGreen,
    pub(crate) judge: J,
    pub(crate) desk: Desk,
    /// There is a stable revision.
    pub(crate) stable: bool,
    /// The newest generation of an order that the target took: older sightings are no evidence.
    pub(crate) generation: u64,
    /// When the newest sighting was taken.
    pub(crate) seen: Timestamp,
    /// The target took the return.
    pub(crate) restoring: bool,
    /// Restart orders that are not answered.
    pub(crate) restarts: Vec<(u32, u32)>,
    /// The target would not do it yet: repeated at the next sighting.
    pub(crate) refused: Option<String>,
    /// When claiming, looking or giving back has lasted too long.
    pub(crate) due: Option<Timestamp>,
    pub(crate) cost: Cost,
    /// A person was told that both revisions suffer.
    #[serde(default)]
    pub(crate) incident: bool,
}

pub(crate) type Effects = Vec<Keyed<Effect>>;

impl<J: Judge> Release<J> {
    /// A release that has not begun; its first wish is in `pending`, and given back by `begin`.
    pub fn new(setup: Setup, judge: J) -> Self {
        let (strategy, desk) = (BlueGreen::new(setup.plan.clone()), Desk::new(setup.policy.clone()));
        Self {
            setup,
            stage: Stage::Acquiring,
            strategy,
            judge,
            desk,
            stable: false,
            generation: 0,
            seen: Timestamp::ZERO,
            restoring: false,
            restarts: Vec::new(),
            refused: None,
            due: None,
            cost: Cost::default(),
            incident: false,
        }
    }

    /// What a new release wants first.
    pub fn begin(&mut self, now: Timestamp) -> Vec<Keyed<Effect>> {
        self.arm(now);
        self.pending()
    }

    /// A target that does not answer is not waited for longer than a rollout without progress.
    pub(crate) fn arm(&mut self, now: Timestamp) {
        self.due = Some(now.after(self.setup.plan.progress_deadline_ms()));
    }

    /// Where it is.
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Where its strategy is.
    pub const fn phase(&self) -> &Phase {
        self.strategy.phase()
    }

    /// Its strategy.
    pub const fn strategy(&self) -> &BlueGreen {
        &self.strategy
    }

    /// The question that a person is asked.
    pub const fn question(&self) -> Option<&Question> {
        self.desk.question()
    }

    /// What both revisions show.
    pub fn shown(&self) -> Shown {
        self.judge.shown()
    }

    /// What it cost.
    pub const fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Slots that were restarted by order.
    pub fn restarted(&self) -> impl Iterator<Item = u32> {
        self.desk.restarts().map(|restarted| restarted.slot)
    }

    /// How it ended.
    pub const fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Ended(outcome) | Stage::Closing(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether the runner must renew the target's lease: a weight order is in force.
    pub const fn leased(&self) -> bool {
        matches!(self.stage, Stage::Rolling) && self.strategy.exposed()
    }

    /// Whether the event fits.
    ///
    /// # Errors
    /// Says why not.
    pub fn accepts(&self, event: &Event) -> Result<(), Rejected> {
        if let Stage::Ended(outcome) = &self.stage {
            return Err(Rejected::Ended(outcome.to_string()));
        }
        match event {
            Event::Abort { reason } if self.stage == Stage::Rolling => {
                Ok(self.strategy.accepts(&deploy_strategies::Event::Abort { reason: reason.clone() })?)
            }
            Event::Continue { .. } if self.question().is_none() => Err(Rejected::NothingAsked),
            Event::Accepted { key, .. } | Event::Refused { key, .. } | Event::ChecksEnded { key, .. }
                if !self.pending().iter().any(|keyed| keyed.key.as_ref() == Some(key)) =>
            {
                Err(Rejected::NotAwaited)
            }
            _ => Ok(()),
        }
    }

    /// Takes an input that fits; one that means nothing changes nothing.
    pub fn tell(&mut self, now: Timestamp, input: Input<Event>) -> Vec<Keyed<Effect>> {
        let before = self.strategy.phase().clone();
        let mut effects = match input {
            Input::Wake => self.wake(now),
            Input::Event(event) => self.hear(now, event),
        };
        effects.extend(self.close_when_done(now));
        let after = self.strategy.phase();
        if std::mem::discriminant(&before) != std::mem::discriminant(after) {
            self.refused = None;
        }
        if !self.strategy.exposed() {
            // Promoted or gone back: nobody can answer any more.
            self.desk.close();
        }
        effects
    }

    fn wake(&mut self, now: Timestamp) -> Effects {
        if self.due.is_some_and(|due| due <= now) {
            return self.overdue(now);
        }
        let mut effects = Vec::new();
        if let Some(question) = self.desk.wake(now) {
            effects.extend(self.unanswered(now, &question));
        }
        if self.strategy.deadline().is_some_and(|due| due <= now) {
            effects.extend(self.strategy_effects(|strategy| strategy.tell(now, Input::Wake)));
        }
        effects
    }

    fn hear(&mut self, now: Timestamp, event: Event) -> Effects {
        match (event, &self.stage) {
            (Event::Acquired { restored }, Stage::Acquiring) => self.acquired(now, restored),
            (Event::Acquired { restored: true } | Event::Latched, Stage::Looking | Stage::Rolling) => self
                .returned_by_target(now, "the target returned traffic to stable: nobody renewed the lease"),
            (Event::Held { by }, Stage::Acquiring) => self.refused_by_target(by),
            (Event::Fenced, Stage::Rolling) => self.fenced(now),
            (Event::Fenced, _) => self.end_closed(),
            (Event::Accepted { key, generation }, _) => self.accepted(&key, generation),
            (Event::Refused { key, reason }, _) => self.refuse(now, &key, reason),
            (Event::RestoreAccepted { generation }, Stage::Rolling) => {
                self.generation = self.generation.max(generation);
                self.restoring = true;
                Vec::new()
            }
            (Event::RestoreTooLate, Stage::Rolling) => {
                self.rollout(now, deploy_strategies::Event::RestoreTooLate)
            }
            (Event::Seen(sighting), _) => self.sighted(now, &sighting),
            (Event::ChecksEnded { key, failed }, Stage::Rolling) => self.checks_ended(now, &key, failed),
            (Event::Abort { reason }, Stage::Acquiring | Stage::Looking) => {
                self.close(now, Outcome::Aborted { reason, stable: true })
            }
            (Event::Abort { reason }, Stage::Rolling) => self.abort(now, reason),
            (Event::Continue { by }, Stage::Rolling) => self.go_on(now, &by),
            _ => Vec::new(),
        }
    }

    fn acquired(&mut self, now: Timestamp, restored: bool) -> Effects {
        self.stage = Stage::Looking;
        self.arm(now);
        if restored {
            return self.returned_by_target(now, "the target had returned this run's traffic to stable");
        }
        Vec::new()
    }

    pub(crate) fn abort(&mut self, now: Timestamp, reason: String) -> Effects {
        self.desk.close();
        self.rollout(now, deploy_strategies::Event::Abort { reason })
    }

    fn go_on(&mut self, now: Timestamp, by: &str) -> Effects {
        let Some(question) = self.desk.answer(true) else { return Vec::new() };
        let text = format!("{by} decided to go on although {}", question.breach.text);
        let mut effects = vec![say(Severity::Info, text)];
        effects.extend(self.rollout(now, deploy_strategies::Event::Continue));
        effects
    }

    fn unanswered(&mut self, now: Timestamp, question: &Question) -> Effects {
        match question.otherwise {
            Otherwise::Abort => {
                self.cost.breach = Some(question.breach.clone());
                let reason = format!("{}; nobody answered in time", question.breach);
                self.rollout(now, deploy_strategies::Event::Abort { reason })
            }
            Otherwise::Continue => self.rollout(now, deploy_strategies::Event::Continue),
        }
    }

    /// Tells the strategy, and lifts what it wants.
    pub(crate) fn rollout(&mut self, now: Timestamp, event: deploy_strategies::Event) -> Effects {
        self.strategy_effects(|strategy| strategy.tell(now, Input::Event(event)))
    }
}

impl<J: Judge> Machine for Release<J> {
    type Event = Event;
    type Effect = Effect;
    type Rejected = Rejected;

    fn handle(&mut self, now: Timestamp, input: Input<Event>) -> Result<Effects, Rejected> {
        if let Input::Event(event) = &input {
            self.accepts(event)?;
        }
        Ok(self.tell(now, input))
    }

    fn deadline(&self) -> Option<Timestamp> {
        if self.stage != Stage::Rolling {
            return self.due;
        }
        [self.strategy.deadline(), self.desk.deadline()].into_iter().flatten().min()
    }

    fn progress(&self) -> Progress {
        match (&self.stage, self.desk.question()) {
            (Stage::Ended(_), _) => Progress::Ended,
            (Stage::Rolling, Some(question)) => Progress::Waiting {
                on: format!("a decision about {}", question.breach.rule),
                until: Some(question.until),
            },
            _ => Progress::Working,
        }
    }

    fn pending(&self) -> Effects {
        match &self.stage {
            Stage::Acquiring => vec![Keyed::new(Key::new(0), Effect::Acquire)],
            Stage::Looking | Stage::Ended(_) => Vec::new(),
            Stage::Closing(_) => vec![Keyed::new(Key::new(1), Effect::GiveBack)],
            Stage::Rolling => {
                let strategy = self.strategy.pending();
                let restarts = self.restarts.iter().map(|&(slot, restarts)| restart_order(slot, restarts));
                lift(strategy).into_iter().chain(restarts).collect()
            }
        }
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        self.strategy.visit(v);
        self.judge.visit(v);
        self.desk.visit(v);
        self.cost.visit(v);
        v.time(&mut self.seen);
        self.due.iter_mut().for_each(|at| v.time(at));
    }
}
