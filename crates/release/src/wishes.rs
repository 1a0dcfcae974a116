//! What a release wants, and under which keys.

use machine::{Key, Keyed, Name};

use crate::release::Effects;
use crate::{Effect, Note, Severity, Wish};

/// A notice for people.
pub(crate) const fn say(severity: Severity, text: String) -> Keyed<Effect> {
    Keyed::notice(Effect::Say(Note { severity, text }))
}

/// The segment of the strategy in a key.
pub(crate) fn strategy_segment() -> Name {
    Name::from("rollout")
}

/// What the strategy wants, as the release says it.
pub(crate) fn lift(effects: Vec<Keyed<deploy_strategies::Effect>>) -> Effects {
    use deploy_strategies::Effect as Of;
    let wrap = |effect| match effect {
        Of::Start => Effect::Order(Wish::Running),
        Of::SetWeight(percent) => Effect::Order(Wish::Weight(percent)),
        Of::Promote => Effect::Order(Wish::Stable),
        Of::StopOld => Effect::Order(Wish::OldStopped),
        Of::StopNew => Effect::Order(Wish::NewStopped),
        Of::Restore => Effect::Restore,
        Of::RunChecks(phase) => Effect::RunChecks(phase),
        Of::StopChecks => Effect::StopChecks,
    };
    effects.into_iter().map(|keyed| keyed.lift(&strategy_segment(), wrap)).collect()
}

pub(crate) fn restart_order(slot: u32, restarts: u32) -> Keyed<Effect> {
    let key = Key::new(restarts).under(&Name::new(format!("restart-{slot}")));
    Keyed::new(key, Effect::Order(Wish::Restarts { slot, restarts }))
}
