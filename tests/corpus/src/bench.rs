//! Plays rules over seeds: nulls give false alarms and thresholds, faults give delays and harm.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::generate::Generator;
use crate::rule::{Decision, Rule};
use crate::scenario::Scenario;
use crate::trace::Scrape;

/// Makes fresh rules.
pub type Rules<'a> = dyn Fn() -> Vec<Box<dyn Rule>> + Sync + 'a;

/// Every fifth seed is held out: it is not looked at while anything is tuned, and reported separately.
pub const fn held_out(seed: u64) -> bool {
    seed % 5 == 4
}

/// The first `count` seeds; without the held-out ones while anything is tuned.
pub fn seeds(count: u64, tuning: bool) -> Vec<u64> {
    (0..count).filter(|seed| !tuning || !held_out(*seed)).collect()
}

/// What one rule did over the seeds of a null.
#[derive(Clone, Debug, Default)]
pub struct Nulls {
    /// The rule.
    pub name: String,
    /// Rollouts, and of these rolled back.
    pub runs: u64,
    /// Rolled back.
    pub rolled_back: u64,
    /// Of the held-out seeds.
    pub held_runs: u64,
    /// Rolled back, of the held-out seeds.
    pub held_rolled_back: u64,
    /// Held or ejected an instance, and did not roll back.
    pub held_or_ejected: u64,
    /// When a step could first end before its time, in seconds, summed over the runs in which it could.
    pub promoted: (f64, u64),
    /// The highest score of each rollout.
    pub highest: Vec<f64>,
}

impl Nulls {
    /// The threshold that at most one in a hundred of these rollouts passes.
    pub fn calibrated(&self) -> f64 {
        let mut falling = self.highest.clone();
        falling.sort_by(|a, b| b.total_cmp(a));
        falling.get(falling.len() / 100).copied().unwrap_or(f64::INFINITY)
    }
}

/// Plays a null.
pub fn nulls(scenario: &Scenario, seeds: &[u64], rules: &Rules<'_>) -> Vec<Nulls> {
    let mut rules = rules();
    let mut all: Vec<Nulls> =
        rules.iter().map(|rule| Nulls { name: rule.name(), ..Nulls::default() }).collect();
    for seed in seeds.iter().copied() {
        let mut generator = Generator::new(scenario, seed);
        for rule in &mut rules {
            rule.begin(generator.header());
        }
        let mut ends = vec![Ended::default(); rules.len()];
        for scrape in generator.by_ref() {
            for (rule, end) in rules.iter_mut().zip(&mut ends) {
                end.hear(rule.scrape(&scrape), rule.score(), &scrape);
            }
        }
        for (tally, end) in all.iter_mut().zip(ends) {
            tally.count(&end, held_out(seed));
        }
    }
    all
}

/// What a rule did in one rollout.
#[derive(Clone, Debug)]
struct Ended {
    rolled_back: bool,
    held: bool,
    promoted_s: Option<f64>,
    highest: f64,
}

impl Default for Ended {
    fn default() -> Self {
        Self { rolled_back: false, held: false, promoted_s: None, highest: f64::NEG_INFINITY }
    }
}

impl Ended {
    fn hear(&mut self, decision: Decision, score: f64, scrape: &Scrape) {
        self.highest = self.highest.max(score);
        match decision {
            Decision::Rollback => self.rolled_back = true,
            Decision::Hold | Decision::Eject(_) => self.held = true,
            Decision::Promote => {
                self.promoted_s.get_or_insert(scrape.at_ms as f64 / 1_000.0);
            }
            Decision::Continue => {}
        }
    }
}

impl Nulls {
    fn count(&mut self, end: &Ended, held: bool) {
        self.runs += 1;
        self.rolled_back += u64::from(end.rolled_back);
        self.held_runs += u64::from(held);
        self.held_rolled_back += u64::from(held && end.rolled_back);
        self.held_or_ejected += u64::from(end.held && !end.rolled_back);
        if let Some(at) = end.promoted_s {
            self.promoted = (self.promoted.0 + at, self.promoted.1 + 1);
        }
        self.highest.push(end.highest);
    }
}

/// What a rule needed to find a fault, at one threshold.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Rollouts.
    pub runs: u64,
    /// Rolled back before anything was wrong.
    pub early: u64,
    /// Ended in something else than a rollback.
    pub other: u64,
    /// By rollout in which it was found: seconds, canary requests, and failed canary requests since the change.
    pub delays: Vec<[f64; 3]>,
    /// The same of held-out seeds.
    pub held_delays: Vec<[f64; 3]>,
    /// Canary requests and failures since the change, also of those in which it was not found, summed.
    pub spent: [f64; 3],
}

impl Found {
    /// The share of rollouts in which it was found.
    pub fn detected(&self) -> f64 {
        self.delays.len() as f64 / self.runs.max(1) as f64
    }

    /// Mean seconds, requests and failed requests, with a rollout in which it was not found taken to its end.
    pub fn mean(&self) -> [f64; 3] {
        self.spent.map(|sum| sum / (self.runs - self.early).max(1) as f64)
    }

    /// The quantile of seconds, requests or failed requests among those found.
    pub fn quantile(&self, which: usize, part: f64) -> f64 {
        let mut all: Vec<f64> = self.delays.iter().filter_map(|delay| delay.get(which).copied()).collect();
        all.sort_by(f64::total_cmp);
        all.get(((all.len() as f64 * part) as usize).min(all.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Mean over the held-out seeds in which it was found.
    pub fn held_mean(&self) -> [f64; 3] {
        let n = self.held_delays.len().max(1) as f64;
        let add = |sum: [f64; 3], d: &[f64; 3]| [sum[0] + d[0], sum[1] + d[1], sum[2] + d[2]];
        self.held_delays.iter().fold([0.0; 3], add).map(|sum| sum / n)
    }
}

/// Of one rule: at its own threshold, and at those that give it one false alarm in a hundred.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The rule.
    pub name: String,
    /// At its own threshold.
    pub own: Found,
    /// At equal false alarms: on each of [`NULLS`] and those before it.
    pub equal: [Found; NULLS.len()],
}

impl Faults {
    /// At equal false alarms on the quiet null.
    pub const fn at_equal(&self) -> &Found {
        let [quiet, ..] = &self.equal;
        quiet
    }
}

/// The nulls on which false alarms are made equal: each is taken with those before it.
pub const NULLS: [&str; 3] = ["quiet", "swing of a day", "shared incident"];

/// Calibrated thresholds of a rule, by [`NULLS`].
pub type Thresholds = [f64; NULLS.len()];

/// No threshold but the rule's own.
pub const OWN: Thresholds = [f64::INFINITY; NULLS.len()];

/// What a rule has crossed: its own threshold, then the calibrated ones.
type Crossed = [Option<Delay>; 1 + NULLS.len()];

/// Plays a fault. `thresholds` are the calibrated ones, one pair a rule; without them a rule has only its own.
pub fn faults(
    scenario: &Scenario,
    seeds: &[u64],
    rules: &Rules<'_>,
    thresholds: &[Thresholds],
) -> Vec<Faults> {
    let mut rules = rules();
    let mut all: Vec<Faults> =
        rules.iter().map(|rule| Faults { name: rule.name(), ..Faults::default() }).collect();
    let onset_ms = scenario.onset_s * 1_000;
    for seed in seeds.iter().copied() {
        let mut generator = Generator::new(scenario, seed);
        for rule in &mut rules {
            rule.begin(generator.header());
        }
        let mut crossed: Vec<Crossed> = vec![Crossed::default(); rules.len()];
        let mut other = vec![false; rules.len()];
        let (mut before, mut now) = ([0.0; 3], [0.0; 3]);
        for scrape in generator.by_ref() {
            now = spent(&scrape);
            if scrape.at_ms <= onset_ms {
                before = now;
            }
            let delay = Delay { early: scrape.at_ms <= onset_ms, spent: since(now, before, onset_ms) };
            for (at, rule) in rules.iter_mut().enumerate() {
                let [own, equal @ ..] = &mut crossed[at];
                if own.is_some() && equal.iter().all(Option::is_some) {
                    continue;
                }
                let decision = rule.scrape(&scrape);
                other[at] |= matches!(decision, Decision::Eject(_));
                if decision == Decision::Rollback {
                    own.get_or_insert(delay);
                }
                let calibrated = thresholds.get(at).copied().unwrap_or(OWN);
                for (crossed, threshold) in equal.iter_mut().zip(calibrated) {
                    if rule.score() > threshold {
                        crossed.get_or_insert(delay);
                    }
                }
            }
            if crossed.iter().flatten().all(Option::is_some) {
                break;
            }
        }
        let end = since(now, before, onset_ms);
        for ((faults, [own, equal @ ..]), other) in all.iter_mut().zip(crossed).zip(other) {
            faults.own.count(own, end, held_out(seed), other);
            for (found, crossed) in faults.equal.iter_mut().zip(equal) {
                found.count(crossed, end, held_out(seed), other);
            }
        }
    }
    all
}

#[derive(Clone, Copy, Debug)]
struct Delay {
    early: bool,
    spent: [f64; 3],
}

/// Time, and requests and failures of the canary so far.
fn spent(scrape: &Scrape) -> [f64; 3] {
    let canary = scrape.pods.iter().filter(|pod| pod.canary);
    let counts = canary.fold((0, 0), |sum, pod| (sum.0 + pod.requests, sum.1 + pod.errors));
    [scrape.at_ms as f64 / 1_000.0, counts.0 as f64, counts.1 as f64]
}

fn since(now: [f64; 3], before: [f64; 3], onset_ms: u64) -> [f64; 3] {
    [now[0] - onset_ms as f64 / 1_000.0, now[1] - before[1], now[2] - before[2]]
}

impl Found {
    fn count(&mut self, crossed: Option<Delay>, end: [f64; 3], held: bool, other: bool) {
        self.runs += 1;
        let spent = match crossed {
            Some(Delay { early: true, .. }) => {
                self.early += 1;
                return;
            }
            Some(Delay { spent, .. }) => {
                self.delays.push(spent);
                if held {
                    self.held_delays.push(spent);
                }
                spent
            }
            None => {
                self.other += u64::from(other);
                end
            }
        };
        for (sum, one) in self.spent.iter_mut().zip(spent) {
            *sum += one;
        }
    }
}

/// Does `work` for each of `items` on two threads, and gives the results in order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.load(Ordering::Relaxed)) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            // Another thread may have taken it between the two.
            let item = items.get(at).map_or(item, |item| item);
            if at < items.len() {
                done.push((at, work(item)));
            }
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut mine = worker();
        mine.extend(other.join().unwrap_or_default());
        mine
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
