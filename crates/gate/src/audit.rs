//! The audit of a history: what the test on errors would have done to rollouts of stable against stable, and how much
//! tempering it needs to keep its promise there.

use health::Finite;
use health::sequential::audit::{AuditPlan, Audited, audit as play};
use health::sequential::{Bunching, Counts, Dispersion};
use serde::{Deserialize, Serialize};

use crate::units::percent;

const RAISE: f64 = 1.25;
const MOST_PHI: f64 = 64.0;
/// How often the interval is wrong at either end.
const MISS: f64 = 0.05;

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Minutes of history.
    pub minutes: usize,
    /// Instances of it.
    pub instances: usize,
    /// Length of a played rollout, in minutes.
    pub rollout: u32,
    /// Allowed chance of a false rollback.
    pub alpha: Finite,
    /// The test as it is.
    pub plain: Audited,
    /// The test with as much tempering as is needed.
    pub tempered: Audited,
    /// For the gate file; `None` when none is needed.
    pub phi: Option<Finite>,
    /// Clean rollouts that prove the promise.
    pub needed: u64,
    /// 0 kept, 10 broken, 12 too little history to say.
    pub code: u8,
}

/// Plays every instance of the history as a canary, rollout after rollout of so many minutes.
pub fn audit(minutes: &[Vec<Counts>], rollout: u32, alpha: Finite) -> Audit {
    let plan = AuditPlan { alpha, tolerance: Finite::ratio(125, 100), minutes: rollout };
    let found = Bunching::of(minutes);
    let one = Bunching { phi: Finite::ratio(1, 1), ..found };
    let plain = play(minutes, &plan, one, Dispersion::Poisson);
    let mut tempering = found;
    let tempered = loop {
        let tried = play(minutes, &plan, tempering, tempering.tempered());
        // Without a false alarm more tempering would change nothing.
        if tried.kept || tried.crossed == 0 || tempering.phi.value() >= MOST_PHI {
            break tried;
        }
        tempering.phi = Finite::new((tempering.phi.value() * RAISE).min(MOST_PHI)).unwrap_or_default();
    };
    let over = plain.crossed as f64 > alpha.value() * plain.runs as f64;
    Audit {
        minutes: minutes.len(),
        instances: minutes.iter().map(Vec::len).max().unwrap_or(0),
        rollout,
        alpha,
        plain,
        tempered,
        phi: Some(tempered.phi).filter(|phi| phi.value() > 1.0),
        needed: (libm::log(MISS) / libm::log(1.0 - alpha.value())).ceil() as u64,
        code: if plain.kept {
            0
        } else if over {
            10
        } else {
            12
        },
    }
}

impl Audit {
    /// In lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let Self { minutes, instances, rollout, plain, tempered, .. } = self;
        let runs = plain.runs;
        let mut lines = vec![format!(
            "{minutes} minutes of {instances} instances; {runs} rollouts of {rollout} min, stable against stable"
        )];
        if runs == 0 {
            lines.push(format!(
                "NOTHING PLAYED  a rollout needs {rollout} minutes of two instances; --minutes N for less"
            ));
            return lines;
        }
        lines.push(played("as it is", plain));
        if self.phi.is_some() {
            lines.push(played(&format!("tempered by phi {:.2}", tempered.phi.value()), tempered));
        }
        let alpha = percent(self.alpha.value());
        lines.push(match self.code {
            0 => format!("KEPT  at most {alpha} of healthy rollouts are sent back on this history"),
            10 => format!("BROKEN  more than {alpha} of healthy rollouts are sent back on this history"),
            _ => format!("NOT PROVEN  {} clean rollouts prove {alpha}; these are {runs}", self.needed),
        });
        if let Some(phi) = self.phi {
            let enough = if tempered.kept { "keeps the promise here" } else { "is the most that helps here" };
            lines.push(format!(
                "  failures come in bunches: phi: {:.2} in the gate file {enough}",
                phi.value()
            ));
        }
        lines
    }
}

fn played(name: &str, it: &Audited) -> String {
    let rate = percent(it.crossed as f64 / it.runs.max(1) as f64);
    let (low, high) = (percent(it.low.value()), percent(it.high.value()));
    format!("  {name:<24} {:>4} sent back, {rate} ({low} to {high} with 95 %)", it.crossed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(bad: impl Fn(usize, usize) -> u64) -> Vec<Vec<Counts>> {
        let minute = |m: usize| (0..4).map(|i| Counts { requests: 3_000, bad: bad(m, i) }).collect();
        (0..3_000).map(minute).collect()
    }

    #[test]
    fn the_tempering_that_is_named_is_the_one_that_was_played() {
        let alpha = Finite::ratio(1, 100);
        let even = audit(&history(|_, _| 3), 30, alpha);
        assert_eq!((even.code, even.plain.runs, even.plain.crossed, even.phi), (0, 400, 0, None));
        // Thirty at once, at one instance in ten, each minute.
        let bunched = audit(&history(|m, i| if (m * 7 + i * 3) % 10 == 0 { 30 } else { 0 }), 30, alpha);
        assert_eq!(bunched.code, 10, "{bunched:?}");
        assert!(bunched.tempered.kept && bunched.phi.is_some_and(|phi| phi.value() > 5.0), "{bunched:?}");
        let short = audit(&history(|_, _| 3)[..60], 30, alpha);
        assert_eq!((short.code, short.needed), (12, 299));
        assert!(
            short.lines().iter().any(|line| line.contains("NOT PROVEN  299 clean")),
            "{:?}",
            short.lines()
        );
        assert_eq!(audit(&[], 30, alpha).code, 12);
    }
}
