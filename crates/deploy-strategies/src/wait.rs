//! A wait that counts only time with fresh data, and goes on from what had counted after a restart.

use machine::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// Time with fresh data since the weight was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wait {
    /// When the weight was observed.
    pub applied: Timestamp,
    /// What has counted, at most what is needed.
    pub counted_ms: Millis,
    /// The newest observation that counted.
    pub fresh: Timestamp,
    /// What must count.
    pub needed_ms: Millis,
}

impl Wait {
    /// A wait of `needed_ms` from the moment at which the weight was observed.
    pub const fn from(applied: Timestamp, needed_ms: Millis) -> Self {
        Self { applied, counted_ms: 0, fresh: applied, needed_ms }
    }

    /// Counts the time up to an observation. A gap of more than `fresh_ms` does not count.
    pub fn count(&mut self, taken: Timestamp, fresh_ms: Millis) {
        if taken <= self.fresh {
            return;
        }
        let gap = taken.since(self.fresh);
        if gap <= fresh_ms {
            self.counted_ms = self.counted_ms.saturating_add(gap).min(self.needed_ms);
        }
        self.fresh = taken;
    }

    /// Whether enough has counted.
    pub const fn over(&self) -> bool {
        self.counted_ms >= self.needed_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_gap_without_data_does_not_count() {
        let mut wait = Wait::from(at(0), 30);
        wait.count(at(10), 20);
        wait.count(at(500), 20);
        wait.count(at(505), 20);
        assert_eq!((wait.counted_ms, wait.over()), (15, false));
        wait.count(at(503), 20);
        assert_eq!(wait.counted_ms, 15, "an older observation changes nothing");
        wait.count(at(525), 20);
        assert!(wait.over());
    }
}
