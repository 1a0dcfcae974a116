//! Blue-green with a gradual shift: the new revision beside the stable one, traffic in steps, bake, checks, promotion.
//!
//! ```text
//! Idle -> Deploying -> Previewing -> Shifting <-> Pausing -> Baking -> Verifying -> Promoting -> Decommissioning -> Promoted
//!             \------------\------------\-----------\----------\-----------\-----------\
//!                                                                      Restoring -> Clearing -> Aborted
//! ```
//!
//! Returning to stable is open from every phase before the promotion, and asks nothing of the new revision. While it
//! is on its way the phase is `Restoring`; a promotion that the target had already taken wins over it.
//!
//! It does not judge health, and does not know what a target is.

mod phases;

use machine::{Durability, Durable, Input, Key, Keyed, Machine, Name, Progress, Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::{Plan, Wait};

/// What the evidence of one observation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Enough evidence, and no rule holds.
    Passed,
    /// Data, but too little to pass.
    Inconclusive,
    /// No data. Never a pass.
    NoData,
}

/// Which checks are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckPhase {
    /// Before the first traffic, against the new revision itself.
    Preview,
    /// After the bake, against the service.
    Verify,
}

/// What may happen to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The target is ours. Without a stable revision the plan becomes one step to 100 %.
    Opened {
        /// There is a stable revision.
        stable: bool,
    },
    /// All instances of the new revision were seen ready.
    Ready,
    /// Checks ended.
    ChecksEnded {
        /// Number of the effect that asked for them.
        n: u32,
        /// What failed, if anything did.
        failed: Option<String>,
    },
    /// The ordered weight was observed.
    WeightObserved {
        /// Percent for the new revision.
        percent: u8,
        /// When the observation was taken.
        taken: Timestamp,
    },
    /// An observation was judged.
    Analysed {
        /// What it says.
        finding: Finding,
        /// When the observation was taken.
        taken: Timestamp,
    },
    /// Stop counting and advancing until told otherwise; somebody is asked, under a deadline of his own.
    Hold,
    /// Go on after a hold.
    Continue,
    /// The new revision is the stable one.
    PromotionObserved,
    /// No instance of the revision that had to go is left.
    StopObserved,
    /// All traffic to stable.
    Abort {
        /// Why, for a person.
        reason: String,
    },
    /// No traffic goes to the new revision any more, and none can.
    RestoreObserved {
        /// Why, when the target did it alone.
        reason: String,
    },
    /// The return came after the promotion.
    RestoreTooLate,
}

/// What a rollout may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Run the new revision beside the stable one.
    Start,
    /// Run the checks of this phase.
    RunChecks(CheckPhase),
    /// End checks that still run.
    StopChecks,
    /// Give the new revision this share of the traffic.
    SetWeight(u8),
    /// Declare the new revision stable.
    Promote,
    /// Stop the old revision, keeping its artifact.
    StopOld,
    /// All traffic to stable, and none may come back. Waits for nothing.
    Restore,
    /// Stop the new revision.
    StopNew,
}

impl Durable for Event {
    fn durability(&self) -> Durability {
        match self {
            Self::Abort { .. } | Self::Continue => Durability::Synced,
            _ => Durability::Grouped,
        }
    }
}

impl Durable for Effect {
    fn durability(&self) -> Durability {
        match self {
            Self::Restore => Durability::Unwaited,
            Self::RunChecks(_) | Self::StopChecks => Durability::Grouped,
            _ => Durability::Synced,
        }
    }
}

/// Where a rollout is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not opened.
    Idle,
    /// The new revision starts; no traffic.
    Deploying,
    /// Checks run against it; no traffic.
    Previewing,
    /// The weight of this step is ordered and not yet observed.
    Shifting(u32),
    /// The weight of this step was observed; time counts.
    Pausing(u32, Wait),
    /// All traffic on the new revision; time counts.
    Baking(Wait),
    /// The last checks run.
    Verifying,
    /// The promotion is ordered.
    Promoting,
    /// Promoted; the old revision stops.
    Decommissioning,
    /// Terminal: the new revision is stable.
    Promoted,
    /// The return is ordered.
    Restoring,
    /// All traffic is on stable; the new revision stops.
    Clearing,
    /// Terminal: the old revision is stable, as before.
    Aborted,
}

/// Why an event does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// Nothing is in progress that could go back.
    #[error("no rollout is in progress")]
    NothingToAbort,
    /// The point of no return has passed.
    #[error("the new revision is promoted; go back by releasing the kept artifact of the old one")]
    AlreadyPromoted,
    /// The answer is to a question that is not open (any more).
    #[error("nobody waits for this")]
    NotAwaited,
}

/// A rollout in blue-green with a gradual shift.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlueGreen {
    plan: Plan,
    phase: Phase,
    /// There is a stable revision to go back to.
    stable: bool,
    held: bool,
    /// The promotion was ordered, so the target may have taken it.
    promoting: bool,
    /// The one effect that is not answered, the return excepted.
    wanted: Option<(u32, Effect)>,
    /// Number of the next effect.
    next: u32,
    /// When the present phase has lasted too long.
    due: Option<Timestamp>,
    /// Why it went back.
    reason: Option<String>,
}

impl BlueGreen {
    /// A rollout that has not begun.
    pub const fn new(plan: Plan) -> Self {
        Self {
            plan,
            phase: Phase::Idle,
            stable: false,
            held: false,
            promoting: false,
            wanted: None,
            next: 0,
            due: None,
            reason: None,
        }
    }

    /// Where it is.
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The plan that it follows.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether it is told to hold.
    pub const fn held(&self) -> bool {
        self.held
    }

    /// Why it went back, once it has.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The share that is ordered for the new revision, in percent.
    pub fn ordered(&self) -> u8 {
        match self.phase {
            Phase::Shifting(step) | Phase::Pausing(step, _) => self.plan.step(step).map_or(0, |s| s.percent),
            Phase::Baking(_)
            | Phase::Verifying
            | Phase::Promoting
            | Phase::Decommissioning
            | Phase::Promoted => 100,
            _ => 0,
        }
    }

    /// Whether the new revision may have traffic, so that its health counts.
    pub const fn exposed(&self) -> bool {
        matches!(
            self.phase,
            Phase::Shifting(_) | Phase::Pausing(..) | Phase::Baking(_) | Phase::Verifying | Phase::Promoting
        )
    }

    /// Whether an abort would still lead back to stable.
    pub const fn abortable(&self) -> bool {
        !matches!(self.phase, Phase::Decommissioning | Phase::Promoted | Phase::Aborted)
    }

    /// Whether the event fits.
    ///
    /// # Errors
    /// Says why not.
    pub fn accepts(&self, event: &Event) -> Result<(), Rejected> {
        match (event, &self.phase) {
            (Event::Abort { .. }, Phase::Decommissioning | Phase::Promoted) => Err(Rejected::AlreadyPromoted),
            (Event::Abort { .. }, Phase::Idle | Phase::Aborted) => Err(Rejected::NothingToAbort),
            (Event::Opened { .. }, phase) if *phase != Phase::Idle => Err(Rejected::NotAwaited),
            (Event::ChecksEnded { n, .. }, _) if self.wanted_number() != Some(*n) => {
                Err(Rejected::NotAwaited)
            }
            (Event::RestoreTooLate, phase) if *phase != Phase::Restoring => Err(Rejected::NotAwaited),
            _ => Ok(()),
        }
    }

    fn wanted_number(&self) -> Option<u32> {
        self.wanted.as_ref().map(|(n, _)| *n)
    }

    /// Wants one effect and forgets the one before: an order replaces an order.
    fn want(&mut self, effect: Effect) -> Vec<Keyed<Effect>> {
        let n = self.next;
        self.next = self.next.saturating_add(1);
        self.wanted = Some((n, effect.clone()));
        vec![Keyed::new(Key::new(n), effect)]
    }

    /// The return has one key for the whole rollout, so that the target's latch knows it.
    fn restore() -> Keyed<Effect> {
        Keyed::new(Key::new(0).under(&Name::from("restore")), Effect::Restore)
    }
}

impl Machine for BlueGreen {
    type Event = Event;
    type Effect = Effect;
    type Rejected = Rejected;

    fn handle(&mut self, now: Timestamp, input: Input<Event>) -> Result<Vec<Keyed<Effect>>, Rejected> {
        if let Input::Event(event) = &input {
            self.accepts(event)?;
        }
        Ok(self.tell(now, input))
    }

    fn deadline(&self) -> Option<Timestamp> {
        if self.held { None } else { self.due }
    }

    fn progress(&self) -> Progress {
        match self.phase {
            Phase::Promoted | Phase::Aborted => Progress::Ended,
            Phase::Idle => Progress::Waiting { on: "the target".to_owned(), until: None },
            _ if self.held => Progress::Waiting { on: "a person".to_owned(), until: None },
            _ => Progress::Working,
        }
    }

    fn pending(&self) -> Vec<Keyed<Effect>> {
        let wanted = self.wanted.clone().map(|(n, effect)| Keyed::new(Key::new(n), effect));
        let restore = (self.phase == Phase::Restoring).then(Self::restore);
        restore.into_iter().chain(wanted).collect()
    }

    fn visit(&mut self, v: &mut dyn Visit) {
        v.number(&mut self.next);
        if let Some((n, _)) = &mut self.wanted {
            v.number(n);
        }
        if let Some(due) = &mut self.due {
            v.time(due);
        }
        if let Phase::Pausing(_, wait) | Phase::Baking(wait) = &mut self.phase {
            v.time(&mut wait.applied);
            v.time(&mut wait.fresh);
        }
    }
}
