//! Peers' rules, written from their documentation, as rules of the benchmark.
//!
//! - Argo Rollouts: a measurement every `interval`; failed when the success condition does not hold; the analysis fails
//!   with more than `failureLimit` failed measurements.
//! - Flagger: a check every `interval` on the success rate of that interval; rolled back at `threshold` failed checks.
//! - Kayenta: the Mann-Whitney judge on the series of both arms, minute by minute, at a confidence of 98 % with a
//!   tolerance of 0.25 of the estimated shift; taken at every analysis interval on all samples so far. In the normal
//!   approximation the lower end of the shift's interval is above 0.25 of the shift when z is over 2.326 / 0.75.
//! - A fixed window, as an alert rule has it, looked at with every scrape.
//!
//! For comparison at equal false alarms each has a scale on which its threshold can be moved.

use crate::arms::Arms;
use crate::rule::{Decision, Rule};
use crate::trace::{Header, Scrape};

/// Errors by request that all of them are set to.
const LIMIT: f64 = 0.01;
const Z: f64 = 2.326_347_874 / 0.75;

/// Which rule, in which setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Rate over a window, with every scrape.
    Window {
        /// The window.
        window_ms: u64,
    },
    /// Failed measurements over a limit; `allowed` failures are none yet.
    Counting {
        /// Whose words these are.
        peer: &'static str,
        /// Between two measurements.
        interval_ms: u64,
        /// Over which the rate is taken.
        window_ms: u64,
        /// So many failures are borne.
        allowed: usize,
    },
    /// Mann-Whitney at every interval.
    Ranks {
        /// Between two analyses.
        interval_ms: u64,
    },
}

/// The settings of the benchmark.
pub const SETTINGS: [Setting; 9] = [
    Setting::Window { window_ms: 60_000 },
    Setting::Window { window_ms: 300_000 },
    Setting::Counting { peer: "argo", interval_ms: 60_000, window_ms: 300_000, allowed: 0 },
    Setting::Counting { peer: "argo", interval_ms: 60_000, window_ms: 300_000, allowed: 3 },
    Setting::Counting { peer: "argo", interval_ms: 60_000, window_ms: 60_000, allowed: 3 },
    Setting::Counting { peer: "flagger", interval_ms: 60_000, window_ms: 60_000, allowed: 4 },
    Setting::Counting { peer: "flagger", interval_ms: 30_000, window_ms: 60_000, allowed: 1 },
    Setting::Ranks { interval_ms: 60_000 },
    Setting::Ranks { interval_ms: 300_000 },
];

/// A peer's rule.
pub struct Peer {
    setting: Setting,
    arms: Arms,
    /// The highest measurements, falling.
    highest: Vec<f64>,
    next_ms: u64,
    score: f64,
}

impl Peer {
    /// A rule in this setting.
    pub fn new(setting: Setting) -> Self {
        Self { setting, arms: Arms::default(), highest: vec![], next_ms: 0, score: 0.0 }
    }

    fn due(&mut self, interval_ms: u64) -> bool {
        let now = self.arms.now_ms();
        let due = now >= self.next_ms.max(interval_ms);
        if due {
            self.next_ms = now + interval_ms;
        }
        due
    }

    fn measure(&mut self, rate: f64, allowed: usize) {
        let at = self.highest.partition_point(|higher| *higher >= rate);
        self.highest.insert(at, rate);
        self.highest.truncate(allowed + 1);
        self.score = self.highest.get(allowed).copied().unwrap_or(0.0);
    }
}

impl Rule for Peer {
    fn name(&self) -> String {
        match self.setting {
            Setting::Window { window_ms } => format!("window {}s", window_ms / 1_000),
            Setting::Counting { peer, interval_ms, window_ms, allowed } => {
                format!("{peer} {}s/{}s/{allowed}", interval_ms / 1_000, window_ms / 1_000)
            }
            Setting::Ranks { interval_ms } => format!("kayenta {}s", interval_ms / 1_000),
        }
    }

    fn begin(&mut self, _: &Header) {
        self.arms.clear();
        self.highest.clear();
        (self.next_ms, self.score) = (0, 0.0);
    }

    fn scrape(&mut self, scrape: &Scrape) -> Decision {
        self.arms.push(scrape);
        let limit = match self.setting {
            Setting::Window { window_ms } => {
                self.score = self.arms.over(window_ms).canary.rate();
                LIMIT
            }
            Setting::Counting { interval_ms, window_ms, allowed, .. } => {
                if self.due(interval_ms) {
                    self.measure(self.arms.over(window_ms).canary.rate(), allowed);
                }
                LIMIT
            }
            Setting::Ranks { interval_ms } => {
                if self.due(interval_ms) {
                    self.score = rank_sum_z(&self.arms.by_minute());
                }
                Z
            }
        };
        if self.score > limit { Decision::Rollback } else { Decision::Continue }
    }

    fn score(&self) -> f64 {
        self.score
    }
}

/// The rank-sum statistic of the first of each pair against the second, in standard deviations, ties counted.
fn rank_sum_z(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mut all: Vec<(f64, bool)> = pairs.iter().flat_map(|(a, b)| [(*a, true), (*b, false)]).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties) = (0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0.to_bits() == b.0.to_bits()) {
        let before = all.partition_point(|one| one.0 < group.first().map_or(0.0, |g| g.0)) as f64;
        let size = group.len() as f64;
        let own = group.iter().filter(|one| one.1).count() as f64;
        ranks += own * (before + f64::midpoint(size, 1.0));
        ties += size * size * size - size;
    }
    let whole = 2.0 * n;
    let u = ranks - n * (n + 1.0) / 2.0;
    let variance = n * n / 12.0 * (whole + 1.0 - ties / (whole * (whole - 1.0)));
    if n < 2.0 || variance <= 0.0 { 0.0 } else { (u - n * n / 2.0) / variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_textbook_example() {
        // U = 9 of 9 possible for complete separation of three and three: (9 - 4.5) / sqrt(5.25).
        let z = rank_sum_z(&[(4.0, 1.0), (5.0, 2.0), (6.0, 3.0)]);
        assert!((z - 4.5 / 5.25_f64.sqrt()).abs() < 1e-12, "{z}");
        assert!(rank_sum_z(&[(0.0, 0.0); 10]).abs() < 1e-12, "all tied");
    }
}
