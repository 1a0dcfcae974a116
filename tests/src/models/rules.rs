//! What must hold in the composed model: of every step of the release, and of every state of the target.

use health::Judge;
use machine::{Keyed, Machine, Progress, Timestamp};
use release::{Effect, Event, Outcome, Release, Stage, Wish};
use supervise::RevisionView;

use super::composed::{Composed, World, before_promotion, told_code};
use super::judges::Code;
use super::target::{new, old};
use super::walk::NOW;

/// The names of the rules.
pub const RULES: [&str; 15] = [
    "i1_i3_a_share_rises_only_above_a_ready_instance",
    "i7_s1_shares_sum_to_100",
    "i15_i17_after_a_return_the_new_revision_never_has_traffic_again",
    "i20_a_breach_is_acted_on_at_once",
    "i16_after_a_return_stable_has_everything",
    "i32_it_ends_waits_or_has_something_on_its_way",
    "s1_the_share_is_at_most_what_was_ordered",
    "s2_a_wake_never_raises_nor_promotes",
    "s4_only_a_fresh_pass_raises_further_or_promotes",
    "s5_i14_abort_is_accepted_before_the_promotion",
    "s6_stable_is_wanted_as_long_as_it_is_stable",
    "s14_an_end_is_final",
    "a_return_and_a_promotion_never_both_happen",
    "a_promoted_outcome_is_the_truth",
    "an_aborted_outcome_is_the_truth",
];

/// One step of the release.
pub struct Told<'a> {
    /// When.
    pub now: Timestamp,
    /// What it heard.
    pub event: Option<&'a Event>,
    /// What it wants.
    pub effects: &'a [Keyed<Effect>],
    /// It did not take the event.
    pub rejected: bool,
    /// The highest share that was ordered before.
    pub ordered: u8,
    /// The target's generation.
    pub generation: u64,
}

impl Told<'_> {
    fn raises(&self) -> Option<u8> {
        self.effects.iter().find_map(|keyed| match keyed.effect {
            Effect::Order(Wish::Weight(percent)) if percent > self.ordered => Some(percent),
            _ => None,
        })
    }

    fn promotes(&self) -> bool {
        self.effects.iter().any(|keyed| keyed.effect == Effect::Order(Wish::Stable))
    }

    /// A breach about which a person, or his silence, said "go on" counts as a pass.
    fn fresh_pass(&self, waived: bool) -> bool {
        let passes = |code| code == Code::Good || (waived && code == Code::Slow);
        told_code(self.event).is_some_and(|(code, taken, _)| passes(code) && self.now.since(taken) <= 2)
    }
}

/// A function that says whether the rule of that number holds.
pub fn holds<J>(index: usize) -> fn(&Composed<J>, &World<J>) -> bool {
    macro_rules! of {
        ($($n:literal),*) => { match index { $($n => |_, w| w.broken != Some(RULES[$n]),)* _ => |_, _| false } };
    }
    of!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
}

/// The rule that this step of the release breaks.
pub fn broken_rule<J: Judge>(
    before: &Release<J>,
    told: &Told<'_>,
    after: &Release<J>,
) -> Option<&'static str> {
    let advances = told.raises().is_some() || told.promotes();
    let further = (told.ordered > 0 && told.raises().is_some()) || told.promotes();
    let abort = matches!(told.event, Some(Event::Abort { .. }));
    let ended = before.progress() == Progress::Ended;
    let bad_now = told_code(told.event)
        .is_some_and(|(code, taken, at)| code == Code::Bad && taken == told.now && at == told.generation);
    let quiet =
        after.progress() == Progress::Working && after.deadline().is_none() && after.pending().is_empty();
    let rows = [
        (bad_now && before.strategy().exposed() && after.strategy().exposed() && judged(before), 3),
        (quiet, 5),
        (told.event.is_none() && advances, 7),
        (further && !told.fresh_pass(after.question().is_none()), 8),
        (abort && !ended && before_promotion(before.phase()) && told.rejected, 9),
        (ended && (before != after || !told.effects.is_empty()), 11),
    ];
    rows.iter().find(|(broken, _)| *broken).map(|(_, rule)| RULES[*rule])
}

/// The literal rules need a sample before.
fn judged<J: Judge>(release: &Release<J>) -> bool {
    std::mem::size_of_val(release) > 0 && std::any::type_name::<J>().ends_with("AnyJudge")
}

/// The rule that this state of the target, or what became of it, breaks.
pub fn broken_target<J: Judge>(before: &World<J>, after: &World<J>) -> Option<&'static str> {
    let view = after.target.rules.view(NOW);
    let (was, share) = (before.target.weight(), after.target.weight());
    let ready = view.revisions.get(&new()).map_or(0, RevisionView::ready);
    let sum: u32 = view.weights.values().map(|weight| u32::from(weight.percent())).sum();
    let stable_new = view.stable == Some(new());
    let stable_wanted = view.revisions.get(&old()).is_some_and(|revision| revision.wanted);
    let of_stable = view.stable.as_ref().and_then(|id| view.weights.get(id)).map_or(0, |w| w.percent());
    let outcome = match after.release.stage() {
        Stage::Ended(outcome) => Some(outcome),
        _ => None,
    };
    let rows = [
        (share > was && !stable_new && ready == 0, 0),
        (sum != 100, 1),
        (after.seen.returned && (share > 0 || stable_new), 2),
        (after.seen.returned && of_stable != 100, 4),
        (share > after.seen.ordered, 6),
        (!stable_new && !stable_wanted, 10),
        (after.seen.returned && after.seen.promoted, 12),
        (outcome == Some(&Outcome::Promoted) && !stable_new, 13),
        (matches!(outcome, Some(Outcome::Aborted { .. })) && (stable_new || share > 0), 14),
    ];
    rows.iter().find(|(broken, _)| *broken).map(|(_, rule)| RULES[*rule])
}
