//! A world that may tell a blue-green rollout anything at any time: every event in every order, twice, late, stale.

use deploy_strategies::{BlueGreen, Effect, Event, Finding, Phase, Plan, Rejected, Step};
use machine::{Durable, Keyed, Machine, Progress, Timestamp, step};
use stateright::{Model, Property};

use super::walk::{NOW, normalise};

/// Times of the model in units: a scrape is one, what is older than two is stale.
const PAUSE: u64 = 2;
const DEADLINE: u64 = 5;
/// More than any deadline: a runner that was away.
const LONG: u64 = 9;

/// Which plans are walked.
#[derive(Clone, Debug)]
pub struct AnyWorld {
    /// With checks before the first traffic and after the bake.
    pub checks: bool,
}

/// A state of the walk: the machine, what was seen of it, and the first rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The production machine in normal form.
    pub machine: BlueGreen,
    seen: Seen,
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Seen {
    opened: bool,
    /// The highest step that was ordered.
    ordered: Option<u32>,
    /// Traffic was returned, or its return was ordered.
    back: bool,
    promoting: bool,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Time passes.
    Pass(u64),
    /// It hears something.
    Hear(Event),
}

impl AnyWorld {
    fn plan(&self) -> Plan {
        let steps = vec![Step { percent: 50, pause_ms: PAUSE }, Step { percent: 100, pause_ms: 0 }];
        let plan = Plan::new(steps, PAUSE, DEADLINE, 1).expect("a plan");
        plan.with_checks(self.checks, self.checks, DEADLINE)
    }
}

fn events(machine: &BlueGreen) -> Vec<Event> {
    let ago = |ms| Timestamp::from_millis(NOW.as_millis() - ms);
    let wanted = machine.pending().iter().filter_map(|keyed| Some(keyed.key.as_ref()?.n)).max().unwrap_or(0);
    let failed = Some("a check failed".to_owned());
    let mut events = vec![
        Event::Opened { stable: true },
        Event::Opened { stable: false },
        Event::Ready,
        Event::ChecksEnded { n: wanted, failed: None },
        Event::ChecksEnded { n: wanted, failed },
        Event::ChecksEnded { n: wanted.saturating_sub(1), failed: None },
        Event::Hold,
        Event::Continue,
        Event::PromotionObserved,
        Event::StopObserved,
        Event::Abort { reason: "somebody".to_owned() },
        Event::RestoreObserved { reason: "the lease".to_owned() },
        Event::RestoreTooLate,
    ];
    for taken in [ago(0), ago(1), ago(3)] {
        for percent in [0, 50, 100] {
            events.push(Event::WeightObserved { percent, taken });
        }
        for finding in [Finding::Passed, Finding::Inconclusive, Finding::NoData] {
            events.push(Event::Analysed { finding, taken });
        }
    }
    events
}

impl Model for AnyWorld {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut machine = BlueGreen::new(self.plan());
        normalise(&mut machine, NOW);
        vec![State { machine, seen: Seen::default(), broken: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([1, DEADLINE, LONG].map(Action::Pass));
        actions.extend(events(&state.machine).into_iter().map(Action::Hear));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        let (now, event) = match action.clone() {
            Action::Pass(ms) => (NOW.after(ms), None),
            Action::Hear(event) => (NOW, Some(event)),
        };
        let stepped = step(&mut after.machine, now, event);
        let told = Told { action: &action, effects: &stepped.effects, rejected: stepped.rejected.as_ref() };
        after.broken = before.broken.or_else(|| broken(before, &told, &after.machine));
        after.seen.learn(&told, &after.machine);
        normalise(&mut after.machine, now);
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = RULES.map(|(name, holds)| Property::always(name, holds)).to_vec();
        properties.push(Property::sometimes("a rollout is promoted", |_, s: &State| {
            *s.machine.phase() == Phase::Promoted
        }));
        properties.push(Property::sometimes("a rollout goes back", |_, s: &State| {
            *s.machine.phase() == Phase::Aborted
        }));
        properties
    }
}

type Holds = fn(&AnyWorld, &State) -> bool;

macro_rules! rules {
    ($($name:literal),*) => { [$(($name, |_, s| s.broken != Some($name))),*] };
}

const RULES: [(&str, Holds); 15] = rules![
    "i8_weight_only_rises_during_an_advance",
    "i14_s5_abort_is_accepted_in_every_phase_before_promotion",
    "i17_no_weight_and_no_promotion_after_a_return",
    "i19_abort_without_a_rollout_changes_nothing",
    "i20_a_return_is_ordered_in_the_same_step",
    "i25_s4_only_a_fresh_pass_leads_to_a_promotion",
    "i32_s5_it_ends_waits_or_has_something_on_its_way",
    "i33_a_deadline_goes_back_or_ends",
    "i36_steps_come_one_after_the_other",
    "i37_nothing_advances_while_a_person_is_asked",
    "s1_the_ordered_weight_is_that_of_the_step",
    "s2_a_wake_never_raises_a_weight_nor_promotes",
    "s14_an_end_is_final",
    "a_rejected_event_changes_nothing",
    "a_promotion_was_ordered_or_seen"
];

struct Told<'a> {
    action: &'a Action,
    effects: &'a [Keyed<Effect>],
    rejected: Option<&'a Rejected>,
}

impl Told<'_> {
    fn wants(&self, is: impl Fn(&Effect) -> bool) -> bool {
        self.effects.iter().any(|keyed| is(&keyed.effect))
    }
    fn weight(&self) -> Option<u8> {
        self.effects.iter().find_map(|keyed| match keyed.effect {
            Effect::SetWeight(percent) => Some(percent),
            _ => None,
        })
    }
    fn advances(&self) -> bool {
        self.weight().is_some() || self.wants(|e| *e == Effect::Promote)
    }
    fn event(&self) -> Option<&Event> {
        match self.action {
            Action::Hear(event) => Some(event),
            Action::Pass(_) => None,
        }
    }
    fn fresh_pass(&self) -> bool {
        matches!(self.event(), Some(Event::Analysed { finding: Finding::Passed, taken }) if NOW.since(*taken) <= 2)
    }
}

impl Seen {
    fn learn(&mut self, told: &Told<'_>, after: &BlueGreen) {
        self.opened |= told.wants(|e| *e == Effect::Start);
        self.promoting |= told.wants(|e| *e == Effect::Promote);
        self.back |= matches!(after.phase(), Phase::Restoring | Phase::Clearing | Phase::Aborted);
        if let Phase::Shifting(step) = after.phase() {
            self.ordered = Some(*step);
        }
    }
}

const fn returns(phase: &Phase) -> bool {
    !matches!(
        phase,
        Phase::Idle | Phase::Clearing | Phase::Decommissioning | Phase::Promoted | Phase::Aborted
    )
}

const fn ended(phase: &Phase) -> bool {
    matches!(phase, Phase::Promoted | Phase::Aborted)
}

/// The name of the rule that this step breaks.
fn broken(before: &State, told: &Told<'_>, after: &BlueGreen) -> Option<&'static str> {
    let rows = [
        (before.seen.ordered.is_some() && told.weight().is_some_and(|w| w <= before.machine.ordered()), 0),
        (abort_refused(before, told, after), 1),
        (before.seen.back && told.advances(), 2),
        (abort_without_rollout(before, told, after), 3),
        (return_without_order(before, told, after), 4),
        (promotes_without_pass(before, told), 5),
        (silent(after), 6),
        (deadline_ignored(before, told, after), 7),
        (skips(before, told, after), 8),
        (before.machine.held() && told.advances(), 9),
        (told.weight().is_some_and(|w| w != after.ordered()), 10),
        (told.event().is_none() && told.advances(), 11),
        (
            ended(before.machine.phase())
                && (before.machine.phase() != after.phase() || !told.effects.is_empty()),
            12,
        ),
        (told.rejected.is_some() && *after != before.machine, 13),
        (claims_promotion(before, told, after), 14),
    ];
    rows.iter().find(|(broken, _)| *broken).map(|(_, rule)| RULES[*rule].0)
}

fn abort_refused(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let open = returns(before.machine.phase()) || *before.machine.phase() == Phase::Clearing;
    let abort = matches!(told.event(), Some(Event::Abort { .. }));
    let back = matches!(after.phase(), Phase::Restoring | Phase::Clearing);
    abort && open && (told.rejected.is_some() || !back)
}

fn abort_without_rollout(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let none = ended(before.machine.phase()) || *before.machine.phase() == Phase::Idle;
    let abort = matches!(told.event(), Some(Event::Abort { .. }));
    abort && none && (told.rejected.is_none() || *after != before.machine)
}

/// Going back orders the return at once, and the order waits for no disk.
fn return_without_order(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let went = *after.phase() == Phase::Restoring && *before.machine.phase() != Phase::Restoring;
    let ordered = |keyed: &Keyed<Effect>| {
        keyed.effect == Effect::Restore && keyed.effect.durability() == machine::Durability::Unwaited
    };
    went && !told.effects.iter().any(ordered)
}

fn promotes_without_pass(before: &State, told: &Told<'_>) -> bool {
    let promotes = told.wants(|e| *e == Effect::Promote);
    let raises = told.weight().is_some() && before.seen.ordered.is_some();
    (promotes || raises) && !told.fresh_pass()
}

/// Nobody had ordered it, and nobody has seen it.
fn claims_promotion(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let claims = |phase: &Phase| matches!(phase, Phase::Decommissioning | Phase::Promoted);
    let newly = claims(after.phase()) && !claims(before.machine.phase());
    newly && !before.seen.promoting && told.event() != Some(&Event::PromotionObserved)
}

fn silent(after: &BlueGreen) -> bool {
    match after.progress() {
        Progress::Ended | Progress::Waiting { .. } => false,
        Progress::Working => after.deadline().is_none() && after.pending().is_empty(),
    }
}

fn deadline_ignored(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let Action::Pass(ms) = told.action else { return false };
    let due = before.machine.deadline().is_some_and(|due| due <= NOW.after(*ms));
    let moved = matches!(after.phase(), Phase::Restoring | Phase::Promoted | Phase::Aborted);
    if due { !moved } else { after.phase() != before.machine.phase() }
}

fn skips(before: &State, told: &Told<'_>, after: &BlueGreen) -> bool {
    let Phase::Shifting(step) = after.phase() else { return false };
    told.weight().is_some() && *step != before.seen.ordered.map_or(0, |last| last + 1)
}
