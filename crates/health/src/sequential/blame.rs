//! Whose fault it is: the release, one instance of it, one endpoint of it, or something that strikes both revisions.
//!
//! Works on counts since the canary had traffic; asked only when the evidence is there, so it need not be constant in
//! time. It can only take blame away from the release, never add to it: the promise about false rollbacks stays.

use serde::{Deserialize, Serialize};

use super::split::{FACTORS, ln_factors};
use super::{Counts, LogE, Pair};

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The canary alone is worse: the release goes back.
    Release,
    /// The canary alone, and nearly all of it at one endpoint.
    Endpoint(u32),
    /// One instance of the canary; the others are as good as stable. It is restarted or ejected, not the release.
    Instance(u32),
    /// Both revisions are over the limit: hold and alert, no rollback.
    Incident,
}

/// Fewest instances with which one can be told from the rest.
const FEWEST: usize = 3;
/// Probability of taking an instance to be alone at fault when it is not. That costs the instance; the others go on to
/// give evidence against the release.
const WRONG_INSTANCE: f64 = 0.05;

/// Evidence over all that was counted that the first arm is worse than `tolerance` times the second.
fn evidence(pair: &Pair, tolerance: f64) -> LogE {
    let Some(share) = pair.share() else { return LogE::ONE };
    let factors = ln_factors(tolerance, share, pair);
    LogE::sum(factors.into_iter().map(LogE::from_ln)).times(-libm::log(FACTORS.len() as f64))
}

/// The instance that alone explains what was found, if one does: it is worse than the rest of the canary beyond doubt
/// (with a price for the choice among all), and the rest is not found worse than stable.
pub fn instance(canary: &[(u32, Counts)], stable: Counts, tolerance: f64, alpha: f64) -> Option<u32> {
    if canary.len() < FEWEST {
        return None;
    }
    let all = canary.iter().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
    let against_rest = |own: Counts| evidence(&Pair { canary: own, stable: all.minus(own) }, tolerance);
    let most =
        |a: &(u32, Counts), b: &(u32, Counts)| against_rest(a.1).ln().total_cmp(&against_rest(b.1).ln());
    let (id, own) = canary.iter().copied().max_by(most)?;
    let doubtless = libm::log(canary.len() as f64 / WRONG_INSTANCE);
    let rest = Pair { canary: all.minus(own), stable };
    let rest_is_clean = evidence(&rest, tolerance).ln() < -libm::log(alpha);
    (against_rest(own).ln() >= doubtless && rest_is_clean).then_some(id)
}

/// The endpoint that alone explains it, if one does: without it the canary is not found worse.
pub fn endpoint(endpoints: &[(u32, Pair)], tolerance: f64, alpha: f64) -> Option<u32> {
    if endpoints.len() < FEWEST {
        return None;
    }
    let most = |a: &&(u32, Pair), b: &&(u32, Pair)| {
        evidence(&a.1, tolerance).ln().total_cmp(&evidence(&b.1, tolerance).ln())
    };
    let (id, own) = endpoints.iter().max_by(most)?;
    let others = endpoints.iter().filter(|(other, _)| other != id);
    let rest = others.fold(Pair::default(), |sum, (_, pair)| sum.plus(pair));
    let doubtless = libm::log(endpoints.len() as f64 / alpha);
    let rest_is_clean = evidence(&rest, tolerance).ln() < -libm::log(alpha);
    (evidence(own, tolerance).ln() >= doubtless && rest_is_clean).then_some(*id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(requests: u64, bad: u64) -> Counts {
        Counts { requests, bad }
    }

    #[test]
    fn one_bad_instance_is_named_and_a_bad_release_is_not_taken_for_one() {
        let stable = arm(20_000, 20);
        let mut canary: Vec<(u32, Counts)> = (0..20).map(|n| (n, arm(1_000, 1))).collect();
        canary[7].1.bad = 60;
        assert_eq!(instance(&canary, stable, 1.25, 0.01), Some(7));
        for (_, counts) in &mut canary {
            counts.bad = 20;
        }
        assert_eq!(instance(&canary, stable, 1.25, 0.01), None, "all are equally bad");
        canary[7].1.bad = 300;
        assert_eq!(instance(&canary, stable, 1.25, 0.01), None, "the others are bad as well");
        assert_eq!(instance(&canary[..2], stable, 1.25, 0.01), None, "too few to tell");
    }

    #[test]
    fn one_bad_endpoint_is_named() {
        let mut all: Vec<(u32, Pair)> =
            (0..50).map(|n| (n, Pair { canary: arm(100, 0), stable: arm(1_900, 2) })).collect();
        all[31].1.canary.bad = 40;
        assert_eq!(endpoint(&all, 1.25, 0.01), Some(31));
        for (_, pair) in &mut all {
            pair.canary.bad = 10;
        }
        assert_eq!(endpoint(&all, 1.25, 0.01), None);
    }
}
