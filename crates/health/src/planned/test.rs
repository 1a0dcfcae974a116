//! The test itself: hears cumulative counts, takes the planned looks, and nothing after the last.

use serde::{Deserialize, Serialize};

use super::normal::{above, upper_quantile};
use super::{Spending, boundaries};
use crate::Finite;
use crate::sequential::Pair;
use crate::sequential::numerics::{beta_regular, bisect};

/// Two looks are at least this part of the distance between planned ones apart: what is nearer tells nothing new.
const APART: u64 = 4;

/// What was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlannedLooks {
    /// The final number of requests of the canary.
    pub requests: u64,
    /// Looks, the last one at that number.
    pub looks: u32,
    /// How alpha is spent.
    pub spending: Spending,
}

impl PlannedLooks {
    /// Looks that a plan may have.
    pub const MOST_LOOKS: u32 = 20;
    /// Requests that it must have.
    pub const LEAST_REQUESTS: u64 = 100;

    /// A plan; `None` with too few requests, without looks, or with too many.
    pub fn new(requests: u64, looks: u32, spending: Spending) -> Option<Self> {
        let legal = requests >= Self::LEAST_REQUESTS && (1..=Self::MOST_LOOKS).contains(&looks);
        legal.then_some(Self { requests, looks, spending })
    }

    /// The smallest number of requests that belongs to that look, from 1.
    fn due(&self, look: u32) -> u64 {
        let (all, looks) = (u128::from(self.requests), u128::from(self.looks.max(1)));
        u64::try_from((all * u128::from(look)).div_ceil(looks)).unwrap_or(self.requests)
    }

    fn apart(&self) -> u64 {
        self.requests / (u64::from(self.looks.max(1)) * APART)
    }
}

/// A look that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Analysis {
    /// What both arms had done.
    pub pair: Pair,
    /// The pooled z-statistic of the two error rates; above 0 when the canary's is higher.
    pub z: Finite,
    /// Probability of that many failures of the canary or more among all, when the rates are equal (binomial).
    pub exact: Finite,
    /// From this z on the canary is called worse.
    pub boundary: Finite,
    /// It is.
    pub worse: bool,
}

impl Analysis {
    /// Counts since the beginning against a boundary.
    pub fn of(pair: &Pair, boundary: f64) -> Self {
        let (z, exact) = (pooled_z(pair), exact_tail(pair));
        // Few failures are far from normal: the exact probability must agree.
        let worse = z >= boundary && exact <= above(boundary);
        let number = |value: f64| Finite::new(value).unwrap_or_default();
        Self { pair: *pair, z: number(z), exact: number(exact), boundary: number(boundary), worse }
    }
}

/// What became of the counts that were heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No look is due.
    Between,
    /// This one was taken.
    Taken(Analysis),
    /// The plan is at its end; nothing counts any more.
    Past,
}

/// A planned test, while it hears.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GroupTest {
    plan: PlannedLooks,
    alpha: Finite,
    taken: Vec<Analysis>,
}

impl GroupTest {
    /// A test that calls a canary as good as stable worse in `alpha` of the cases, over all of its looks.
    pub const fn new(plan: PlannedLooks, alpha: Finite) -> Self {
        Self { plan, alpha, taken: Vec::new() }
    }

    /// Takes counts since the beginning. A look that was jumped over is made up for by the one that is taken.
    pub fn observe(&mut self, pair: &Pair) -> Heard {
        if self.finished() {
            return Heard::Past;
        }
        let n = pair.canary.requests;
        if n < self.next_at() {
            return Heard::Between;
        }
        // So near to the end the last look is waited for.
        if n < self.plan.requests && n + self.plan.apart() > self.plan.requests {
            return Heard::Between;
        }
        let part = |pair: &Pair| pair.canary.requests as f64 / self.plan.requests as f64;
        let parts: Vec<f64> = self.taken.iter().map(|it| part(&it.pair)).chain([part(pair)]).collect();
        let bounds = boundaries(self.alpha.value(), self.plan.spending, &parts);
        let boundary = bounds.last().copied().unwrap_or(f64::MAX);
        let analysis = Analysis::of(pair, boundary);
        self.taken.push(analysis);
        Heard::Taken(analysis)
    }

    /// Requests of the canary at which the next look is due.
    pub fn next_at(&self) -> u64 {
        let Some(last) = self.taken.last() else { return self.plan.due(1) };
        let least = last.pair.canary.requests + self.plan.apart();
        let later = (1..=self.plan.looks).map(|look| self.plan.due(look));
        later.into_iter().find(|due| *due >= least).unwrap_or(self.plan.requests)
    }

    /// Whether the canary was called worse, or the last look is taken.
    pub fn finished(&self) -> bool {
        let last = self.taken.last();
        last.is_some_and(|last| last.worse || last.pair.canary.requests >= self.plan.requests)
    }

    /// The looks that were taken.
    pub fn taken(&self) -> &[Analysis] {
        &self.taken
    }

    /// What was planned.
    pub const fn plan(&self) -> &PlannedLooks {
        &self.plan
    }

    /// Its alpha.
    pub const fn alpha(&self) -> Finite {
        self.alpha
    }
}

/// The pooled z-statistic of two rates; 0 where it has no meaning.
fn pooled_z(pair: &Pair) -> f64 {
    let (canary, stable) = (pair.canary, pair.stable);
    let (n, m) = (canary.requests as f64, stable.requests as f64);
    let pooled = pair.bad() as f64 / (n + m).max(1.0);
    let variance = pooled * (1.0 - pooled) * (1.0 / n.max(1.0) + 1.0 / m.max(1.0));
    let known = variance > 0.0 && canary.requests > 0 && stable.requests > 0;
    if known { (canary.rate() - stable.rate()) / libm::sqrt(variance) } else { 0.0 }
}

/// P(K >= the canary's failures) with K binomial: each failure falls on the canary with its share of the requests.
fn exact_tail(pair: &Pair) -> f64 {
    match pair.share() {
        Some(share) if pair.canary.bad > 0 => {
            beta_regular(share, pair.canary.bad as f64, (pair.bad() - pair.canary.bad) as f64 + 1.0)
        }
        _ => 1.0,
    }
}

/// The smallest multiple of stable's rate `base` that the last look of these requests finds with probability 1 - `beta`;
/// `None` when it would find none.
pub fn smallest_planned(base: f64, last: &Analysis, beta: f64) -> Option<f64> {
    let needed = last.boundary.value() + upper_quantile(beta);
    let (n, m) = (last.pair.canary.requests as f64, last.pair.stable.requests as f64);
    let z = |times: f64| {
        let pooled = (base * times * n + base * m) / (n + m);
        let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
        base * (times - 1.0) / libm::sqrt(variance.max(1e-300))
    };
    let known = base > 0.0 && base < 1.0 && n > 0.0 && m > 0.0;
    let most = 0.999 / base;
    (known && z(most) >= needed).then(|| bisect(1.0, most, |times| z(times) < needed))
}
