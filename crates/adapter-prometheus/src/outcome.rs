//! What one number of an answer is: a measurement, or one named kind of nothing (invariant I28).

use crate::answer::Answer;

/// How a single number is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Older than this is no evidence, in milliseconds.
    pub age_max_ms: i64,
    /// Further ahead of our clock than this is no evidence, in milliseconds.
    pub ahead_max_ms: i64,
}

impl Default for Freshness {
    /// Two scrapes of 15 s, and 5 s of clocks that disagree.
    fn default() -> Self {
        Self { age_max_ms: 30_000, ahead_max_ms: 5_000 }
    }
}

/// What an answer to a question about one number is. Only `Measured` is evidence; nothing else becomes a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A finite number, fresh, from one series, of a whole answer.
    Measured {
        /// The number.
        value: f64,
        /// How old it is, in milliseconds; 0 when it is slightly ahead.
        age_ms: u64,
    },
    /// No series, or a series without a sample: also what is left of one that was marked as ended.
    NoData,
    /// Several series where one is expected.
    SeveralSeries(usize),
    /// Prometheus warned, so something may be missing.
    Partial(Vec<String>),
    /// The number is NaN.
    NotANumber,
    /// The mark that the series has ended.
    Ended,
    /// The number is infinite.
    Infinite,
    /// A native histogram where a number is expected.
    NativeHistogram,
    /// Too old, by so many milliseconds.
    TooOld(i64),
    /// Ahead of our clock by so many milliseconds.
    FromTheFuture(i64),
}

/// Judges the last sample of the one series of an answer.
pub fn judge(answer: &Answer, now_ms: i64, freshness: Freshness) -> Outcome {
    if !answer.warnings.is_empty() {
        return Outcome::Partial(answer.warnings.clone());
    }
    let series = match answer.series.as_slice() {
        [] => return Outcome::NoData,
        [only] => only,
        several => return Outcome::SeveralSeries(several.len()),
    };
    if !series.native.is_empty() {
        return Outcome::NativeHistogram;
    }
    let Some((at_ms, value)) = series.samples.last().copied() else { return Outcome::NoData };
    let age_ms = now_ms.saturating_sub(at_ms);
    if promql::is_stale(value) {
        Outcome::Ended
    } else if value.is_nan() {
        Outcome::NotANumber
    } else if value.is_infinite() {
        Outcome::Infinite
    } else if age_ms < -freshness.ahead_max_ms {
        Outcome::FromTheFuture(-age_ms)
    } else if age_ms > freshness.age_max_ms {
        Outcome::TooOld(age_ms)
    } else {
        Outcome::Measured { value, age_ms: u64::try_from(age_ms).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use promql::{Labels, STALE};

    use super::*;
    use crate::answer::Series;

    const NOW: i64 = 1_000_000;

    fn one(at: i64, value: f64) -> Answer {
        let series = Series { labels: Labels::default(), samples: vec![(at, value)], native: Vec::new() };
        Answer { series: vec![series], warnings: Vec::new() }
    }

    #[test]
    fn i28_every_answer_has_its_name_and_only_one_is_a_number() {
        let two = Answer { series: [one(NOW, 1.0).series, one(NOW, 2.0).series].concat(), warnings: vec![] };
        let warned = Answer { warnings: vec!["half".into()], ..one(NOW, 1.0) };
        let histogram = serde_json::json!({"count": "0", "sum": "0"});
        let histogram = crate::native::Native::read(&histogram).expect("the shape");
        let native = Series { native: vec![(NOW, histogram)], ..one(NOW, 1.0).series.remove(0) };
        let empty = Series { samples: vec![], ..one(NOW, 1.0).series.remove(0) };
        let of = |series| Answer { series: vec![series], warnings: vec![] };
        for (answer, outcome) in [
            (one(NOW - 1_000, 7.0), Outcome::Measured { value: 7.0, age_ms: 1_000 }),
            (one(NOW + 4_000, 7.0), Outcome::Measured { value: 7.0, age_ms: 0 }),
            (one(NOW - 30_000, 7.0), Outcome::Measured { value: 7.0, age_ms: 30_000 }),
            (one(NOW - 30_001, 7.0), Outcome::TooOld(30_001)),
            (one(NOW + 5_001, 7.0), Outcome::FromTheFuture(5_001)),
            (one(i64::MIN, 7.0), Outcome::TooOld(i64::MAX)),
            (one(NOW, f64::NAN), Outcome::NotANumber),
            (one(NOW, STALE), Outcome::Ended),
            (one(NOW, f64::INFINITY), Outcome::Infinite),
            (one(NOW, f64::NEG_INFINITY), Outcome::Infinite),
            (of(native), Outcome::NativeHistogram),
            (of(empty), Outcome::NoData),
            (Answer { series: vec![], warnings: vec![] }, Outcome::NoData),
            (two, Outcome::SeveralSeries(2)),
            (warned, Outcome::Partial(vec!["half".into()])),
        ] {
            assert_eq!(judge(&answer, NOW, Freshness::default()), outcome, "{answer:?}");
        }
    }
}
