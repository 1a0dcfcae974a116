//! When each request is due and what it is: fixed before the first is sent.

use std::time::Duration;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GET of the path with that number.
    Read(usize),
    /// POST.
    Write,
}

/// A fixed rate over a fixed time.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Requests per second.
    pub rate: f64,
    /// How long.
    pub run: Duration,
    /// Share of writes.
    pub writes: f64,
    /// How many paths take turns.
    pub paths: usize,
}

impl Schedule {
    /// From the start to the time at which request `number` (from 0) is due, `None` after the last one.
    pub fn due(&self, number: u64) -> Option<Duration> {
        let due = Duration::from_secs_f64(number as f64 / self.rate);
        (due < self.run).then_some(due)
    }

    /// What request `number` is. Counted, not drawn, so that two runs send the same.
    pub fn kind(&self, number: u64) -> Kind {
        let writes_before = (number as f64 * self.writes).floor();
        let writes_after = ((number + 1) as f64 * self.writes).floor();
        if writes_after > writes_before {
            return Kind::Write;
        }
        let reads_before = number - writes_before as u64;
        Kind::Read((reads_before % self.paths.max(1) as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_even_and_end() {
        let schedule = Schedule { rate: 200.0, run: Duration::from_secs(1), writes: 0.0, paths: 1 };
        assert_eq!(schedule.due(0), Some(Duration::ZERO));
        assert_eq!(schedule.due(1), Some(Duration::from_millis(5)));
        assert_eq!(schedule.due(199), Some(Duration::from_millis(995)));
        assert_eq!(schedule.due(200), None);
    }

    #[test]
    fn writes_have_their_share_and_paths_take_turns() {
        let schedule = Schedule { rate: 1.0, run: Duration::from_secs(1), writes: 0.02, paths: 3 };
        let kinds: Vec<Kind> = (0..1000).map(|number| schedule.kind(number)).collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        assert_eq!(count(Kind::Write), 20);
        assert!((0..3).all(|path| (326..=328).contains(&count(Kind::Read(path)))));
    }
}
