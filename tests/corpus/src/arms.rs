//! Both arms as series of cumulative counts, as a query over a window sees them.

use health::sequential::{Counts, Pair};

use crate::trace::{Answer, Scrape};

/// Counts of both arms since the beginning, scrape by scrape.
#[derive(Clone, Debug, Default)]
pub struct Arms {
    last: Vec<Option<Counts>>,
    series: Vec<(u64, Pair)>,
}

impl Arms {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.last.clear();
        self.series.clear();
    }

    /// Takes a scrape; a counter that fell counts from 0, as `increase` does.
    pub fn push(&mut self, scrape: &Scrape) {
        let mut sum = self.series.last().map_or_else(Pair::default, |(_, pair)| *pair);
        self.last.resize(scrape.pods.len(), None);
        for (pod, last) in scrape.pods.iter().zip(&mut self.last) {
            if pod.answer != Answer::Ok {
                continue;
            }
            let now = Counts { requests: pod.requests, bad: pod.errors };
            let added = match *last {
                Some(last) if last.requests <= now.requests && last.bad <= now.bad => now.minus(last),
                Some(_) => now,
                None => Counts::default(),
            };
            *last = Some(now);
            let arm = if pod.canary { &mut sum.canary } else { &mut sum.stable };
            *arm = arm.plus(added);
        }
        self.series.push((scrape.at_ms, sum));
    }

    /// What was added over the last `window_ms`, or since the beginning.
    pub fn over(&self, window_ms: u64) -> Pair {
        let Some((at, now)) = self.series.last() else { return Pair::default() };
        let horizon = at.saturating_sub(window_ms);
        let before = self.series.partition_point(|(t, _)| *t < horizon);
        let then = self.series.get(before).map_or(*now, |(_, pair)| *pair);
        Pair { canary: now.canary.minus(then.canary), stable: now.stable.minus(then.stable) }
    }

    /// The error rates of both arms, minute by minute.
    pub fn by_minute(&self) -> Vec<(f64, f64)> {
        let mut rates = Vec::new();
        let mut from = self.series.first();
        for now in &self.series {
            if let Some((began, then)) = from
                && now.0 >= began + 60_000
            {
                let canary = now.1.canary.minus(then.canary).rate();
                rates.push((canary, now.1.stable.minus(then.stable).rate()));
                from = Some(now);
            }
        }
        rates
    }

    /// Of the last scrape.
    pub fn now_ms(&self) -> u64 {
        self.series.last().map_or(0, |(at, _)| *at)
    }
}
