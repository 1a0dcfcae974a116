//! The promise checked on the user's own data: stable against stable, over and over.
//!
//! One instance of the stable revision plays the canary for the length of a rollout; what is found is false by
//! construction. The rate of false alarms is published with its interval, and the bunching is taken as stronger until
//! the upper end is within alpha.

use machine::Timestamp;
use serde::{Deserialize, Serialize};

use super::mixture::finite;
use super::numerics::clopper_pearson;
use super::{Bunching, Counts, Dispersion, Pair, SplitTest};
use crate::Finite;

/// How often the interval is wrong at either end.
const MISS: f64 = 0.05;
const RAISE: f64 = 1.25;
const MOST_PHI: f64 = 64.0;
const MINUTE_MS: u64 = 60_000;

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Audited {
    /// Rollouts that were played.
    pub runs: u64,
    /// Of these, falsely rolled back.
    pub crossed: u64,
    /// Lower end of the 95 % limit of the rate.
    pub low: Finite,
    /// Upper end.
    pub high: Finite,
    /// The bunching that was assumed.
    pub phi: Finite,
    /// The upper end is within alpha. It cannot be with too few runs, whatever the data.
    pub kept: bool,
}

/// How rollouts are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditPlan {
    /// Allowed probability of a false rollback.
    pub alpha: Finite,
    /// Ratio that is still nothing.
    pub tolerance: Finite,
    /// Length of one played rollout.
    pub minutes: u32,
}

/// Plays every instance as a canary in every stretch of the record, once.
pub fn audit(minutes: &[Vec<Counts>], plan: &AuditPlan, bunching: Bunching, form: Dispersion) -> Audited {
    let (mut runs, mut crossed) = (0, 0);
    for stretch in minutes.chunks_exact(plan.minutes.max(1) as usize) {
        let instances = stretch.iter().map(Vec::len).min().unwrap_or(0);
        for canary in (0..instances).filter(|_| instances > 1) {
            runs += 1;
            crossed += u64::from(crosses(stretch, canary, plan, form));
        }
    }
    let (low, high) = clopper_pearson(crossed, runs, MISS);
    let (low, high) = (finite(low), finite(high));
    Audited { runs, crossed, low, high, phi: bunching.phi, kept: high <= plan.alpha }
}

/// Raises the assumed bunching until the audit holds, or until it can be raised no more. Says what was found last.
pub fn calibrate(minutes: &[Vec<Counts>], plan: &AuditPlan) -> (Bunching, Audited) {
    let mut bunching = Bunching::of(minutes);
    loop {
        let found = audit(minutes, plan, bunching, bunching.urn());
        // Without a false alarm more bunching would change nothing.
        if found.kept || found.crossed == 0 || bunching.phi.value() >= MOST_PHI {
            return (bunching, found);
        }
        bunching.phi = finite((bunching.phi.value() * RAISE).min(MOST_PHI));
    }
}

fn crosses(stretch: &[Vec<Counts>], canary: usize, plan: &AuditPlan, form: Dispersion) -> bool {
    let threshold = -libm::log(plan.alpha.value());
    let mut test = SplitTest::new(plan.tolerance.value(), plan.minutes, form).enough_at(threshold);
    for (number, minute) in stretch.iter().enumerate() {
        let own = minute.get(canary).copied().unwrap_or_default();
        let all = minute.iter().fold(Counts::default(), |sum, c| sum.plus(*c));
        let at = |minute: usize| Timestamp::from_millis(MINUTE_MS * minute as u64);
        test.observe(at(number), at(number + 1), &Pair { canary: own, stable: all.minus(own) });
        if test.deciding().ln() >= threshold {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_is_always_worse_is_found_and_an_even_service_is_not() {
        let plan = AuditPlan { alpha: finite(0.01), tolerance: finite(1.25), minutes: 30 };
        let even: Vec<Vec<Counts>> = vec![vec![Counts { requests: 1_000, bad: 1 }; 20]; 600];
        let (bunching, found) = calibrate(&even, &plan);
        assert_eq!((found.runs, found.crossed), (400, 0));
        assert!(found.kept && found.high.value() < 0.01, "{found:?}");
        assert_eq!(bunching.phi.value().to_bits(), 1.0_f64.to_bits());
        let mut uneven = even;
        for minute in &mut uneven {
            minute[3].bad = 12;
        }
        let raw = audit(&uneven, &plan, bunching, Dispersion::Poisson);
        assert_eq!(raw.crossed, 20, "the worse instance, in each stretch");
        assert!(!raw.kept);
    }
}
