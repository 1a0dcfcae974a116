//! Test (f): what it means that nothing was heard. Unknown holds, then alerts, then acts; it never passes.

use machine::{Millis, Timestamp, Visit};
use serde::{Deserialize, Serialize};

/// How long silence is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Patience {
    /// Scrapes missed in a row before the ramp holds.
    pub hold_after: u32,
    /// Silence before a person is told.
    pub alert_after_ms: Millis,
    /// Silence before the policy acts: the blind budget.
    pub blind_after_ms: Millis,
}

impl Default for Patience {
    fn default() -> Self {
        Self { hold_after: 2, alert_after_ms: 300_000, blind_after_ms: 600_000 }
    }
}

/// How well the canary is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// The last scrape succeeded, or one was missed.
    Seen,
    /// Silent for some scrapes: the ramp holds.
    Hold,
    /// Silent for long: a person is told.
    Alert,
    /// The blind budget is used up: traffic returns to stable while there is one that serves, else a person is called.
    Blind,
}

/// How long nothing has been heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Presence {
    heard: Option<Timestamp>,
    missed: u32,
}

impl Presence {
    /// A scrape was due at `now`; whether anything of the canary was heard.
    pub fn scraped(&mut self, now: Timestamp, heard: bool) {
        if heard {
            (self.heard, self.missed) = (Some(now), 0);
        } else {
            // Silence from the first is counted from the first miss.
            self.heard.get_or_insert(now);
            self.missed = self.missed.saturating_add(1);
        }
    }

    /// What that means at `now`.
    pub fn sight(&self, now: Timestamp, patience: Patience) -> Sight {
        let silent = self.heard.map_or(0, |heard| now.since(heard));
        match self.missed {
            0 => Sight::Seen,
            _ if silent >= patience.blind_after_ms => Sight::Blind,
            _ if silent >= patience.alert_after_ms => Sight::Alert,
            missed if missed >= patience.hold_after => Sight::Hold,
            _ => Sight::Seen,
        }
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        if let Some(heard) = &mut self.heard {
            v.time(heard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_holds_then_alerts_then_blinds_and_a_word_ends_it() {
        let at = |s: u64| Timestamp::from_millis(s * 1_000);
        let mut presence = Presence::default();
        presence.scraped(at(0), true);
        let mut seen = vec![];
        for n in 1..=40 {
            presence.scraped(at(15 * n), false);
            seen.push(presence.sight(at(15 * n), Patience::default()));
        }
        let first = |sight| seen.iter().position(|s| *s == sight).map(|n| 15 * (n + 1));
        assert_eq!(first(Sight::Hold), Some(30));
        assert_eq!(first(Sight::Alert), Some(300));
        assert_eq!(first(Sight::Blind), Some(600));
        presence.scraped(at(615), true);
        assert_eq!(presence.sight(at(615), Patience::default()), Sight::Seen);
    }
}
