//! A token bucket: what it lets through in any interval of length t is at most burst + rate x t.
//!
//! Source: RFC 2697 (one rate), and Parekh and Gallager 1993 for the (sigma, rho) bound.

use super::SECOND_NS;

/// Tokens in bytes; time in nanoseconds.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate_bytes: u64,
    burst_bytes: u64,
    /// Tokens times a second, so that nothing is lost by rounding.
    scaled: u128,
    last_ns: u64,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate_bytes: u64, burst_bytes: u64) -> Self {
        let scaled = u128::from(burst_bytes) * u128::from(SECOND_NS);
        Self { rate_bytes, burst_bytes, scaled, last_ns: 0 }
    }

    fn fill(&mut self, now_ns: u64) {
        let passed = now_ns.saturating_sub(self.last_ns);
        self.last_ns = self.last_ns.max(now_ns);
        let full = u128::from(self.burst_bytes) * u128::from(SECOND_NS);
        self.scaled = full.min(self.scaled + u128::from(passed) * u128::from(self.rate_bytes));
    }

    /// Takes so many bytes now, or nothing.
    pub fn take(&mut self, now_ns: u64, bytes: u64) -> bool {
        self.fill(now_ns);
        let wanted = u128::from(bytes) * u128::from(SECOND_NS);
        let enough = self.scaled >= wanted;
        if enough {
            self.scaled -= wanted;
        }
        enough
    }

    /// The first time, from now on, at which so many bytes may pass. `None`: never, more than the bucket holds.
    pub fn ready_ns(&mut self, now_ns: u64, bytes: u64) -> Option<u64> {
        self.fill(now_ns);
        if bytes > self.burst_bytes {
            return None;
        }
        let missing = (u128::from(bytes) * u128::from(SECOND_NS)).saturating_sub(self.scaled);
        if missing == 0 {
            return Some(now_ns);
        }
        if self.rate_bytes == 0 {
            return None;
        }
        let wait = missing.div_ceil(u128::from(self.rate_bytes));
        u64::try_from(wait).ok().and_then(|wait| now_ns.checked_add(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::TokenBucket;
    use crate::rng::Rng;
    use crate::sim::SECOND_NS;

    #[test]
    fn no_interval_carries_more_than_burst_and_rate() {
        let (rate, burst) = (10_000, 3_000);
        let (mut bucket, mut chance) = (TokenBucket::new(rate, burst), Rng::new(5));
        let (mut now, mut passed) = (0, Vec::new());
        for _ in 0..2_000 {
            now += chance.below(200_000_000);
            let bytes = 1 + chance.below(1_500);
            if bucket.take(now, bytes) {
                passed.push((now, bytes));
            }
        }
        for from in (0..passed.len()).step_by(7) {
            let mut sum = 0;
            for (at, bytes) in &passed[from..] {
                sum += bytes;
                let bound = burst as f64 + rate as f64 * (at - passed[from].0) as f64 / SECOND_NS as f64;
                assert!(sum as f64 <= bound + 1e-6, "{sum} bytes, bound {bound}");
            }
        }
        // And it is not stingy: over the whole time it lets nearly the rate through.
        let sum: u64 = passed.iter().map(|(_, bytes)| bytes).sum();
        let offered_enough = sum as f64 / (rate as f64 * now as f64 / SECOND_NS as f64);
        assert!(offered_enough > 0.6, "{offered_enough}");
    }

    #[test]
    fn ready_names_the_first_moment() {
        let mut bucket = TokenBucket::new(1_000, 500);
        assert!(bucket.take(0, 500));
        assert_eq!(bucket.ready_ns(0, 501), None);
        let ready = bucket.ready_ns(0, 100).expect("fits");
        assert_eq!(ready, SECOND_NS / 10);
        assert!(!bucket.clone().take(ready - 1, 100) && bucket.take(ready, 100));
    }
}
