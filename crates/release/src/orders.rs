//! What the target says to orders, and what checks say.

use deploy_strategies::{BlueGreen, Phase};
use health::Judge;
use machine::{Key, Keyed, Machine, Timestamp};

use crate::release::Effects;
use crate::wishes::{lift, restart_order, say, strategy_segment};
use crate::{Effect, Release, Severity, Stage, Wish};

impl<J: Judge> Release<J> {
    pub(crate) fn strategy_effects(
        &mut self,
        tell: impl FnOnce(&mut BlueGreen) -> Vec<Keyed<deploy_strategies::Effect>>,
    ) -> Effects {
        lift(tell(&mut self.strategy))
    }

    pub(crate) fn accepted(&mut self, key: &Key, generation: u64) -> Effects {
        self.generation = self.generation.max(generation);
        self.refused = None;
        if matches!(self.stage, Stage::Closing(_)) {
            return self.end_closed();
        }
        self.restarts.retain(|&(slot, restarts)| restart_order(slot, restarts).key.as_ref() != Some(key));
        Vec::new()
    }

    /// A weight that the target will not route yet is ordered again at the next sighting; the progress deadline ends
    /// that. Everything else that is refused can never be done.
    pub(crate) fn refuse(&mut self, now: Timestamp, key: &Key, reason: String) -> Effects {
        let wish = self
            .pending()
            .into_iter()
            .find(|keyed| keyed.key.as_ref() == Some(key))
            .map(|keyed| keyed.effect);
        match wish {
            Some(Effect::GiveBack) => self.end_closed(),
            Some(Effect::Order(Wish::Weight(_))) => {
                self.refused = Some(reason);
                Vec::new()
            }
            Some(Effect::Order(Wish::Restarts { slot, .. })) => {
                self.restarts.retain(|(of, _)| *of != slot);
                self.abort(now, format!("instance {slot} could not be restarted: {reason}"))
            }
            Some(Effect::Order(Wish::OldStopped | Wish::NewStopped)) => {
                let mut effects =
                    vec![say(Severity::Warning, format!("instances were left running: {reason}"))];
                effects.extend(self.rollout(now, deploy_strategies::Event::StopObserved));
                effects
            }
            Some(_) => self.abort(now, format!("the target refused: {reason}")),
            None => Vec::new(),
        }
    }

    /// What was refused and may be possible by now.
    pub(crate) fn repeat_refused(&mut self) -> Effects {
        if self.refused.take().is_none() || !matches!(self.strategy.phase(), Phase::Shifting(_)) {
            return Vec::new();
        }
        lift(self.strategy.pending())
    }

    pub(crate) fn checks_ended(&mut self, now: Timestamp, key: &Key, failed: Option<String>) -> Effects {
        match key.split() {
            Some((segment, rest)) if *segment == strategy_segment() => {
                self.rollout(now, deploy_strategies::Event::ChecksEnded { n: rest.n, failed })
            }
            _ => Vec::new(),
        }
    }
}
