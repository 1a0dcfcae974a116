//! Leaks: a robust trend of resident memory, and how long it takes to the limit.
//!
//! Garbage collection makes saw-teeth, so only the low points count: the least of each span. A restart begins anew. The
//! slope is the median of all slopes between two low points (Theil and Sen), and it is believed when Kendall's rank
//! correlation with time is beyond chance.

use std::collections::VecDeque;

use machine::{Millis, Timestamp, Visit};
use serde::{Deserialize, Serialize};

use crate::Finite;

/// Low points that are kept.
const MOST: usize = 32;
/// Fewest low points with which a trend is believed.
const FEWEST: usize = 8;
/// Standard deviations of Kendall's statistic beyond which a trend is no chance: one in 10 000, since it is looked at
/// often.
const BEYOND_CHANCE: f64 = 3.72;
/// A fall to less than this share of the last low point is a restart, not a collection.
const RESTART: f64 = 0.5;

/// Follows the memory of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leak {
    span_ms: Millis,
    /// The least of each closed span, with its time.
    low: VecDeque<(Timestamp, u64)>,
    open: Option<Span>,
    started: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Span {
    began: Timestamp,
    least: (Timestamp, u64),
}

/// A leak that is no chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leaking {
    /// Bytes a minute.
    pub bytes_per_minute: Finite,
    /// From now to the limit at this pace; `None` without a limit.
    pub to_limit_ms: Option<Millis>,
    /// Since when it is followed.
    pub since: Timestamp,
}

impl Leak {
    /// Spans of `span_ms`: longer than the time between two collections, 60 s as a rule.
    pub const fn new(span_ms: Millis) -> Self {
        Self { span_ms, low: VecDeque::new(), open: None, started: None }
    }

    /// Takes one value. `started` is when the process started, if that is known; another one begins anew.
    pub fn observe(&mut self, at: Timestamp, resident_bytes: u64, started: Option<i64>) {
        let fell = self.low.back().is_some_and(|(_, low)| (resident_bytes as f64) < *low as f64 * RESTART);
        if started != self.started || (started.is_none() && fell) {
            self.low.clear();
            self.open = None;
            self.started = started;
        }
        let value = (at, resident_bytes);
        match &mut self.open {
            Some(span) if at.since(span.began) < self.span_ms => {
                if resident_bytes < span.least.1 {
                    span.least = value;
                }
            }
            open => {
                if let Some(span) = open.replace(Span { began: at, least: value }) {
                    self.low.push_back(span.least);
                    if self.low.len() > MOST {
                        self.low.pop_front();
                    }
                }
            }
        }
    }

    /// The leak, if there is one beyond chance.
    pub fn found(&self, limit_bytes: Option<u64>) -> Option<Leaking> {
        if self.low.len() < FEWEST || self.kendall() < BEYOND_CHANCE {
            return None;
        }
        let by_minute = self.slope()?;
        let (since, _) = *self.low.front()?;
        let (_, now) = *self.low.back()?;
        let left = |limit: u64| ((limit.saturating_sub(now)) as f64 / by_minute * 60_000.0) as u64;
        let bytes_per_minute = Finite::new(by_minute).filter(|slope| slope.value() > 0.0)?;
        Some(Leaking { bytes_per_minute, to_limit_ms: limit_bytes.map(left), since })
    }

    fn pairs(&self) -> impl Iterator<Item = ((Timestamp, u64), (Timestamp, u64))> + '_ {
        let later = |at: usize| self.low.iter().skip(at + 1);
        self.low.iter().enumerate().flat_map(move |(at, one)| later(at).map(move |other| (*one, *other)))
    }

    /// Kendall's statistic in standard deviations; ties count for nothing.
    fn kendall(&self) -> f64 {
        let n = self.low.len() as f64;
        let signs = self.pairs().map(|((_, a), (_, b))| match b.cmp(&a) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Less => -1.0,
            std::cmp::Ordering::Equal => 0.0,
        });
        signs.sum::<f64>() / (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt()
    }

    /// Bytes a minute: the median of all slopes.
    fn slope(&self) -> Option<f64> {
        let slope = |((t, a), (u, b)): ((Timestamp, u64), (Timestamp, u64))| {
            (b as f64 - a as f64) * 60_000.0 / u.since(t).max(1) as f64
        };
        let mut slopes: Vec<f64> = self.pairs().map(slope).collect();
        slopes.sort_by(f64::total_cmp);
        slopes.get(slopes.len() / 2).copied()
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        for (at, _) in &mut self.low {
            v.time(at);
        }
        if let Some(span) = &mut self.open {
            v.time(&mut span.began);
            v.time(&mut span.least.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn followed(minutes: u64, memory: impl Fn(u64) -> (u64, Option<i64>)) -> Leak {
        let mut leak = Leak::new(60_000);
        for n in 0..minutes * 4 {
            let (bytes, started) = memory(15 * n);
            leak.observe(Timestamp::from_millis(15_000 * n), bytes, started);
        }
        leak
    }

    #[test]
    fn a_leak_below_saw_teeth_is_found_with_its_time_to_the_limit() {
        // 1 MiB a minute below teeth of 60 MiB every 45 s.
        let leak = followed(20, |s| (200 * MIB + s * MIB / 60 + s % 45 * 4 / 3 * MIB, None));
        let found = leak.found(Some(320 * MIB)).unwrap();
        let pace = found.bytes_per_minute.value() / MIB as f64;
        assert!(pace > 0.8 && pace < 1.2, "{pace}");
        let minutes = found.to_limit_ms.unwrap() / 60_000;
        assert!((80..130).contains(&minutes), "{minutes}");
    }

    #[test]
    fn saw_teeth_noise_and_restarts_are_no_leak() {
        assert_eq!(followed(30, |s| (200 * MIB + s % 45 * MIB, None)).found(None), None);
        assert_eq!(followed(30, |s| (200 * MIB + s * 7_919 % 13 * MIB, None)).found(None), None);
        // It warms up after each restart, every five minutes.
        let warming = |s: u64| (100 * MIB + (s % 300) * MIB / 3, Some((s / 300).cast_signed()));
        assert_eq!(followed(30, warming).found(None), None);
        assert_eq!(followed(30, |s| (40 * MIB + (s % 300) * MIB, None)).found(None), None, "unknown start");
    }
}
