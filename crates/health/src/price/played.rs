//! One played rollout: what both revisions count, scrape by scrape.

use machine::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use super::chance::Chance;
use crate::{Arm, Finite, Latency, Sample};

/// Upper bounds of the played histogram in microseconds, around a median of 20 ms.
const BOUNDS_US: [u64; 12] =
    [5_000, 10_000, 15_000, 20_000, 30_000, 40_000, 55_000, 80_000, 120_000, 200_000, 400_000, 800_000];
const MEDIAN_US: f64 = 20_000.0;

/// One step of the ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The new revision's share, 1 to 100.
    pub percent: u8,
    /// How long.
    pub over_ms: Millis,
}

/// The traffic of a service, and how it is rolled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests a second, of both revisions together.
    pub per_second: Finite,
    /// Share of requests that fail when nothing is wrong.
    pub error_rate: Finite,
    /// Standard deviation of the logarithm of the durations.
    pub spread: Finite,
    /// Instances that are probed.
    pub pods: u32,
    /// Share of probes that fail when nothing is wrong.
    pub flaky: Finite,
    /// Between two probes of an instance.
    pub probe_ms: Millis,
    /// Between two scrapes.
    pub scrape_ms: Millis,
    /// The ramp.
    pub steps: Vec<Step>,
}

impl Traffic {
    /// So many requests a second with that share of errors, on the ramp of the design: 5, 25 and 50 % for 5 minutes
    /// each, then 15 minutes at 100 %.
    pub fn new(per_second: f64, error_rate: f64) -> Self {
        let finite = |value| Finite::new(value).unwrap_or_default();
        let step = |percent, minutes: u64| Step { percent, over_ms: minutes * 60_000 };
        Self {
            per_second: finite(per_second.max(0.0)),
            error_rate: finite(error_rate.clamp(0.0, 1.0)),
            spread: finite(0.7),
            pods: 3,
            flaky: finite(0.001),
            probe_ms: 5_000,
            scrape_ms: 15_000,
            steps: vec![step(5, 5), step(25, 5), step(50, 5), step(100, 15)],
        }
    }

    /// The same ramp over another time.
    #[must_use]
    pub fn lasting(mut self, over_ms: Millis) -> Self {
        let whole = self.over_ms().max(1);
        for step in &mut self.steps {
            step.over_ms = step.over_ms.saturating_mul(over_ms) / whole;
        }
        self
    }

    /// How long the whole rollout takes.
    pub fn over_ms(&self) -> Millis {
        self.steps.iter().map(|step| step.over_ms).sum()
    }

    /// Scrapes of the whole rollout.
    pub fn scrapes(&self) -> u32 {
        u32::try_from(self.over_ms() / self.scrape_ms.max(1)).unwrap_or(u32::MAX).max(1)
    }
}

/// What is wrong with a bad rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This share of the new revision's requests fails.
    Errors(Finite),
    /// Its durations are this many times as long.
    Slow(Finite),
}

impl Fault {
    pub(super) fn words(self) -> String {
        match self {
            Self::Errors(rate) => format!("{} % errors", (rate.value() * 1_000.0).round() / 10.0),
            Self::Slow(times) => format!("durations {} times as long", times.value()),
        }
    }
}

/// Plays a rollout. `each` hears the sample of every scrape with the new revision's share until then, and says whether
/// to go on.
pub(super) fn play(
    traffic: &Traffic,
    fault: Option<Fault>,
    chance: &mut Chance,
    mut each: impl FnMut(&Sample, u8) -> bool,
) {
    let base = traffic.error_rate.value();
    let (bad, slower) = match fault {
        Some(Fault::Errors(rate)) => (rate.value(), 1.0),
        Some(Fault::Slow(times)) => (base, times.value()),
        None => (base, 1.0),
    };
    let shares = |times: f64| durations(traffic.spread.value(), times);
    let (new_shares, stable_shares) = (shares(slower), shares(1.0));
    let mut arms = (Counting::default(), Counting::default());
    let mut now = 0;
    let whole = traffic.per_second.value() * traffic.scrape_ms as f64 / 1_000.0;
    let sample = |now, arms: &(Counting, Counting)| Sample {
        taken: Timestamp::from_millis(now),
        new: arms.0.arm(),
        stable: Some(arms.1.arm()),
    };
    let first = traffic.steps.first().map_or(100, |step| step.percent);
    if !each(&sample(now, &arms), first) {
        return;
    }
    for step in &traffic.steps {
        let share = f64::from(step.percent.min(100)) / 100.0;
        for _ in 0..step.over_ms / traffic.scrape_ms.max(1) {
            now += traffic.scrape_ms;
            arms.0.add(whole * share, bad, &new_shares, chance);
            arms.1.add(whole * (1.0 - share), base, &stable_shares, chance);
            if !each(&sample(now, &arms), step.percent) {
                return;
            }
        }
    }
}

/// Share of the requests in each bucket, the last one without bound.
fn durations(spread: f64, times: f64) -> [f64; BOUNDS_US.len() + 1] {
    let below = |bound: u64| {
        let z = libm::log(bound as f64 / (MEDIAN_US * times)) / spread.max(1e-6);
        0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
    };
    let mut shares = [0.0; BOUNDS_US.len() + 1];
    let mut last = 0.0;
    for (share, at) in shares.iter_mut().zip(BOUNDS_US.into_iter().map(below).chain([1.0])) {
        *share = at - last;
        last = at;
    }
    shares
}

/// Cumulative counts of one revision.
#[derive(Clone, Debug, Default)]
struct Counting {
    bad: u64,
    by_bucket: [u64; BOUNDS_US.len() + 1],
}

impl Counting {
    fn add(&mut self, mean: f64, rate: f64, shares: &[f64; BOUNDS_US.len() + 1], chance: &mut Chance) {
        let before: u64 = self.by_bucket.iter().sum();
        for (count, share) in self.by_bucket.iter_mut().zip(shares) {
            *count += chance.poisson(mean * share);
        }
        let added = self.by_bucket.iter().sum::<u64>() - before;
        self.bad += chance.poisson(added as f64 * rate).min(added);
    }

    fn arm(&self) -> Arm {
        let mut sum = 0;
        let cumulative = self.by_bucket.iter().map(|count| {
            sum += count;
            sum
        });
        let buckets: Vec<(u64, u64)> = BOUNDS_US.into_iter().chain([u64::MAX]).zip(cumulative).collect();
        let requests = buckets.last().map_or(0, |(_, count)| *count);
        let latency = Latency::new(buckets).unwrap_or_default();
        Arm { requests, server_errors: self.bad, latency, ..Arm::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_has_the_requests_and_errors_that_were_asked_for() {
        let traffic = Traffic::new(100.0, 0.01);
        let (mut last, mut scrapes) = (None, 0);
        play(&traffic, None, &mut Chance::new(1), |sample, _| {
            scrapes += 1;
            last = Some(sample.clone());
            true
        });
        assert_eq!(scrapes, traffic.scrapes() + 1);
        let last = last.unwrap();
        // 5, 25 and 50 % of 300 s, and 900 s of all.
        let expected = 100.0 * (0.8 * 300.0 + 900.0);
        assert!((last.new.requests as f64 / expected - 1.0).abs() < 0.02, "{}", last.new.requests);
        assert!((last.new.server_errors as f64 / (0.01 * expected) - 1.0).abs() < 0.1);
        let p50 = last.new.latency.quantile(50).unwrap().estimate_us;
        assert!((18_000..22_000).contains(&p50), "{p50}");
        assert_eq!(traffic.lasting(600_000).over_ms(), 600_000);
    }
}
