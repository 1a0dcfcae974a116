//! A few points of the way here, for the picture: never more than 64, joined two by two when there are more.

use machine::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

use super::{LogE, Pair};

const MOST: usize = 64;

/// One stretch of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    /// When it ended.
    pub at: Timestamp,
    /// What both arms did in it.
    pub pair: Pair,
    /// The evidence at its end.
    pub evidence: LogE,
}

/// The way here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trail {
    points: Vec<Point>,
    /// Stretches in one point, as a power of two.
    joined: u32,
    /// Stretches in the last point.
    open: u32,
}

impl Trail {
    /// Takes one stretch.
    pub fn push(&mut self, at: Timestamp, pair: &Pair, evidence: LogE) {
        if self.open > 0
            && let Some(last) = self.points.last_mut()
        {
            *last = Point { at, pair: last.pair.plus(pair), evidence };
        } else {
            self.points.push(Point { at, pair: *pair, evidence });
        }
        self.open += 1;
        if self.open >= 1 << self.joined {
            self.open = 0;
        }
        if self.points.len() >= MOST && self.open == 0 {
            let join = |two: &[Point]| match two {
                [first, second] => Point { pair: first.pair.plus(&second.pair), ..*second },
                [one, ..] => *one,
                [] => Point { at, pair: *pair, evidence },
            };
            self.points = self.points.chunks(2).map(join).collect();
            self.joined += 1;
        }
    }

    /// The points, in time.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Shows every stored time.
    pub fn visit(&mut self, v: &mut dyn Visit) {
        for point in &mut self.points {
            v.time(&mut point.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::*;

    #[test]
    fn it_stays_short_and_loses_no_count() {
        let mut trail = Trail::default();
        let pair = Pair { canary: Counts { requests: 2, bad: 1 }, stable: Counts { requests: 3, bad: 0 } };
        for n in 0..1_000 {
            trail.push(Timestamp::from_millis(n), &pair, LogE::ONE);
            assert!(trail.points().len() < MOST + 1);
        }
        let all = trail.points().iter().fold(Pair::default(), |sum, point| sum.plus(&point.pair));
        assert_eq!((all.canary.requests, all.stable.requests, all.canary.bad), (2_000, 3_000, 1_000));
        assert!(trail.points().windows(2).all(|two| two[0].at < two[1].at));
    }
}
