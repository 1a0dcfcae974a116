//! Native histograms as the query API writes them, and their counts at bounds that several of them share.
//!
//! The API writes neither the schema nor the empty buckets. Both follow: the bounds of a schema are powers of two and
//! the 2^schema - 1 points between two of them, and what is not written is empty. So the count at or below each of these
//! bounds is known exactly, and the bounds of a coarser schema are among those of a finer one. Nothing is interpolated: a
//! bound inside a bucket has no count.

use serde_json::Value;

use crate::answer::{AnswerError, number};
use crate::whole::{NotWhole, whole};

/// Finer histograms are read at this schema: four bounds an octave, 19 % apart.
pub const FINEST: i8 = 2;
/// Steps of an octave of the finest schema that Prometheus has, 8.
const STEPS: i64 = 256;
/// The widest bucket in steps: schema -4.
const WIDEST: i64 = 16 * STEPS;
/// Octaves of seconds within which bounds are told of: 122 microseconds to 256 seconds.
const OCTAVES: std::ops::RangeInclusive<i64> = -13..=8;

/// Why the counts of a histogram cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NativeError {
    /// The number of all.
    #[error("its count is {0}")]
    Count(NotWhole),
    /// The number of one bucket.
    #[error("a bucket has a count that is {0}")]
    BucketCount(NotWhole),
    /// The API has rules 0 to 3.
    #[error("a bucket has the rule {0}, which is none")]
    Rule(u64),
    /// No stretch.
    #[error("a bucket goes from {0} to {1}")]
    Bounds(f64, f64),
    /// A bucket begins before the one before it ends.
    #[error("the bucket from {0} begins before the one before it ends")]
    Overlap(f64),
    /// Durations below zero.
    #[error("it has durations below zero")]
    BelowZero,
    /// Not the bounds of a schema, as of a histogram with buckets of one's own.
    #[error("a bucket goes from {0} to {1}, which are no neighbours in powers of two")]
    NotExponential(f64, f64),
    /// Buckets of different widths.
    #[error("it has buckets of two resolutions")]
    TwoResolutions,
    /// What the buckets hold is not the number of all; a duration that is NaN is in none of them.
    #[error("its buckets hold {held} of {count}")]
    NotAll {
        /// In buckets.
        held: u64,
        /// In all.
        count: u64,
    },
    /// A bound at which it is asked for lies inside of a bucket.
    #[error("the bound {0} s lies inside one of its buckets: it is coarser than the others are read at")]
    Inside(f64),
}

/// One bucket, as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    rule: u64,
    lower: f64,
    upper: f64,
    count: f64,
}

/// A native histogram, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    count: f64,
    buckets: Vec<Bucket>,
}

/// What is at or below zero, or close to it, and the buckets above: ends in steps, counts.
struct Read {
    total: u64,
    /// Its end in seconds.
    zero: Option<(f64, u64)>,
    buckets: Vec<(i64, i64, u64)>,
}

impl Read {
    /// Of all buckets but that of infinity, in steps.
    fn widths(&self) -> impl Iterator<Item = i64> {
        self.buckets.iter().filter(|(_, to, _)| *to < i64::MAX).map(|(from, to, _)| to - from)
    }
}

impl Native {
    /// Reads `{"count": "3", "sum": "1.5", "buckets": [[0, "0.5", "1", "3"]]}`.
    pub(crate) fn read(value: &Value) -> Result<Self, AnswerError> {
        let malformed = || AnswerError::Malformed(format!("{value} is no native histogram"));
        let count = number(&value["count"]).ok_or_else(malformed)?;
        number(&value["sum"]).ok_or_else(malformed)?;
        let list = match &value["buckets"] {
            Value::Null => &[],
            list => list.as_array().ok_or_else(malformed)?.as_slice(),
        };
        let bucket = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([rule, lower, upper, count]) => Some(Bucket {
                rule: rule.as_u64()?,
                lower: number(lower)?,
                upper: number(upper)?,
                count: number(count)?,
            }),
            _ => None,
        };
        let buckets: Option<Vec<Bucket>> = list.iter().map(bucket).collect();
        Ok(Self { count, buckets: buckets.ok_or_else(malformed)? })
    }

    /// The schema at which its counts are known, at most [`FINEST`].
    ///
    /// # Errors
    /// It is no histogram of durations.
    pub fn schema(&self) -> Result<i8, NativeError> {
        let width = self.checked()?.widths().next().unwrap_or(1);
        // Schema 8 has a width of one step, each one less twice as much.
        let schema = 8 - i8::try_from(width.ilog2()).unwrap_or(0);
        Ok(schema.min(FINEST))
    }

    /// How many it has counted.
    ///
    /// # Errors
    /// It is no histogram of durations.
    pub fn total(&self) -> Result<u64, NativeError> {
        self.checked().map(|read| read.total)
    }

    /// Durations at or below each bound of a schema, and all of them: bounds in microseconds, each once, the last
    /// `u64::MAX`. Bounds are named by their nearest microsecond; what is counted is at or below the bound itself.
    ///
    /// # Errors
    /// It is no histogram of durations, or one of the bounds lies inside of a bucket.
    pub fn cumulative(&self, schema: i8) -> Result<Vec<(u64, u64)>, NativeError> {
        let read = self.checked()?;
        let width = 1_i64 << (8 - schema.clamp(-4, FINEST));
        let (first, last) = (OCTAVES.start() * STEPS, OCTAVES.end() * STEPS);
        let bounds = (first.div_euclid(width)..=last.div_euclid(width)).map(|n| n * width);
        let mut counts = Vec::new();
        for bound in bounds.filter(|bound| *bound >= first) {
            let seconds = (bound as f64 / STEPS as f64).exp2();
            let inside = read.buckets.iter().any(|(from, to, _)| *from < bound && bound < *to);
            if inside || read.zero.is_some_and(|(end, _)| seconds < end) {
                return Err(NativeError::Inside(seconds));
            }
            let below = read.buckets.iter().filter(|(_, to, _)| *to <= bound).map(|(.., count)| count);
            let zero = read.zero.map_or(0, |(_, count)| count);
            counts.push(((seconds * 1e6).round() as u64, zero.saturating_add(below.sum::<u64>())));
        }
        counts.push((u64::MAX, read.total));
        Ok(counts)
    }

    fn checked(&self) -> Result<Read, NativeError> {
        let total = whole(self.count).map_err(NativeError::Count)?;
        let mut read = Read { total, zero: None, buckets: Vec::new() };
        let (mut held, mut end) = (0_u64, f64::NEG_INFINITY);
        for Bucket { rule, lower, upper, count } in self.buckets.iter().copied() {
            let count = whole(count).map_err(NativeError::BucketCount)?;
            if rule > 3 {
                return Err(NativeError::Rule(rule));
            }
            // Also when one of them is NaN.
            if !matches!(lower.partial_cmp(&upper), Some(std::cmp::Ordering::Less)) {
                return Err(NativeError::Bounds(lower, upper));
            }
            if lower < end {
                return Err(NativeError::Overlap(lower));
            }
            end = upper;
            held = held.saturating_add(count);
            match rule {
                3 if lower.to_bits() == (-upper).to_bits() => {
                    read.zero = Some((upper, count)).filter(|_| count > 0);
                }
                0 if lower > 0.0 => read.buckets.push(exponential(lower, upper, count)?),
                _ if upper <= 0.0 && count == 0 => {}
                _ if upper <= 0.0 => return Err(NativeError::BelowZero),
                _ => return Err(NativeError::NotExponential(lower, upper)),
            }
        }
        let width = read.widths().next();
        if read.widths().any(|other| Some(other) != width) {
            return Err(NativeError::TwoResolutions);
        }
        if held != total {
            return Err(NativeError::NotAll { held, count: total });
        }
        Ok(read)
    }
}

/// A bucket with its ends in steps; both must be bounds of one schema, next to each other.
fn exponential(lower: f64, upper: f64, count: u64) -> Result<(i64, i64, u64), NativeError> {
    let not = NativeError::NotExponential(lower, upper);
    let step = |bound: f64| {
        let exact = bound.log2() * STEPS as f64;
        // Bounds have some sixteen digits, and so has the logarithm: far closer than this.
        Some(exact.round()).filter(|step| (exact - step).abs() < 1e-6).map(|step| step as i64)
    };
    let from = step(lower);
    if upper == f64::INFINITY {
        return Ok((from.unwrap_or(1024 * STEPS), i64::MAX, count));
    }
    let (Some(from), Some(to)) = (from, step(upper)) else { return Err(not) };
    let width = to - from;
    let fits = (1..=WIDEST).contains(&width) && width.count_ones() == 1 && to.rem_euclid(width) == 0;
    if fits { Ok((from, to, count)) } else { Err(not) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn native(count: &str, buckets: &Value) -> Native {
        Native::read(&json!({"count": count, "sum": "1", "buckets": buckets})).expect("the shape")
    }

    /// The count at a bound in microseconds.
    fn at(counts: &[(u64, u64)], bound: u64) -> Option<u64> {
        counts.iter().find(|(it, _)| *it == bound).map(|(_, count)| *count)
    }

    #[test]
    fn counts_at_shared_bounds_are_exact_whatever_the_resolution() {
        // Schema 0, 2 and 3: 10 up to half a second, 5 up to one, 2 up to two.
        let zero = native(
            "18",
            &json!([
                [3, "-1e-9", "1e-9", "1"],
                [0, "0.25", "0.5", "10"],
                [0, "0.5", "1", "5"],
                [0, "1", "2", "2"]
            ]),
        );
        let bound = |eighths: f64| (eighths / 8.0).exp2().to_string();
        let two = native(
            "17",
            &json!([[0, bound(-10.0), "0.5", "10"], [0, bound(-2.0), "1", "5"], [0, bound(6.0), "2", "2"]]),
        );
        let three = native(
            "17",
            &json!([[0, bound(-9.0), "0.5", "10"], [0, bound(-1.0), "1", "5"], [0, bound(7.0), "2", "2"]]),
        );
        assert_eq!([&zero, &two, &three].map(Native::schema), [Ok(0), Ok(2), Ok(2)]);
        for (it, below) in [(&zero, 1), (&two, 0), (&three, 0)] {
            let counts = it.cumulative(0).expect("common bounds");
            assert_eq!(counts.len(), 23, "22 octaves and all of them");
            let found = [250_000, 500_000, 1_000_000, 2_000_000, u64::MAX].map(|bound| at(&counts, bound));
            assert_eq!(found, [below, below + 10, below + 15, below + 17, below + 17].map(Some));
            assert!(
                counts.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1),
                "{counts:?}"
            );
        }
        let fine = three.cumulative(2).expect("its own bounds");
        assert_eq!((at(&fine, 840_896), at(&fine, 1_000_000)), (Some(10), Some(15)));
        assert_eq!(
            zero.cumulative(2),
            Err(NativeError::Inside(0.25 * 2_f64.powf(0.25))),
            "never interpolated"
        );
        let empty = native("0", &Value::Null);
        assert_eq!((empty.schema(), empty.total()), (Ok(2), Ok(0)));
        let endless = native("3", &json!([[0, "0.5", "1", "2"], [0, "1.7976931348623157e308", "+Inf", "1"]]));
        assert_eq!(at(&endless.cumulative(0).expect("good"), 256_000_000), Some(2));
        assert_eq!((endless.schema(), endless.total()), (Ok(0), Ok(3)));
        let coarse = native("2", &json!([[0, "0.0000152587890625", "1", "2"]]));
        assert_eq!(coarse.schema(), Ok(-4));
        assert_eq!(coarse.cumulative(-4).expect("one bound"), [(1_000_000, 2), (u64::MAX, 2)]);
    }

    #[test]
    fn i28_each_malformation_has_its_name() {
        let one = |rule: u64, lower: &str, upper: &str, count: &str| json!([[rule, lower, upper, count]]);
        for (count, buckets, why) in [
            ("NaN", json!([]), NativeError::Count(NotWhole::NaN)),
            ("-1", json!([]), NativeError::Count(NotWhole::Negative)),
            ("0.5", json!([]), NativeError::Count(NotWhole::Fractional)),
            ("1", one(0, "1", "2", "0.5"), NativeError::BucketCount(NotWhole::Fractional)),
            ("1", one(0, "1", "2", "+Inf"), NativeError::BucketCount(NotWhole::Infinite)),
            ("1", one(4, "1", "2", "1"), NativeError::Rule(4)),
            ("1", one(0, "2", "1", "1"), NativeError::Bounds(2.0, 1.0)),
            ("1", one(1, "-2", "-1", "1"), NativeError::BelowZero),
            ("1", one(0, "1", "3", "1"), NativeError::NotExponential(1.0, 3.0)),
            ("1", one(0, "2", "8", "1"), NativeError::NotExponential(2.0, 8.0)),
            ("1", one(2, "1", "2", "1"), NativeError::NotExponential(1.0, 2.0)),
            ("1", one(3, "0", "2", "1"), NativeError::NotExponential(0.0, 2.0)),
            ("2", one(0, "1", "2", "1"), NativeError::NotAll { held: 1, count: 2 }),
            ("2", json!([[0, "1", "2", "1"], [0, "1", "2", "1"]]), NativeError::Overlap(1.0)),
            ("2", json!([[0, "1", "2", "1"], [0, "4", "16", "1"]]), NativeError::TwoResolutions),
        ] {
            let it = native(count, &buckets);
            assert_eq!(it.cumulative(0), Err(why), "{buckets}");
            assert_eq!(it.schema(), Err(why), "{buckets}");
        }
        let nan = native("1", &one(0, "NaN", "2", "1")).schema();
        assert!(matches!(nan, Err(NativeError::Bounds(..))), "{nan:?}");
        let wide = native("1", &one(3, "-0.5", "0.5", "1"));
        assert!(matches!(wide.cumulative(0), Err(NativeError::Inside(_))), "a zero bucket over the bounds");
        for shape in [
            json!(5),
            json!({}),
            json!({"count": "1"}),
            json!({"count": 1, "sum": "1"}),
            json!({"count": "1", "sum": "x"}),
            json!({"count": "1", "sum": "1", "buckets": {}}),
            json!({"count": "1", "sum": "1", "buckets": [[0, "1", "2"]]}),
            json!({"count": "1", "sum": "1", "buckets": [[0, 1, "2", "1"]]}),
            json!({"count": "1", "sum": "1", "buckets": [["0", "1", "2", "1"]]}),
        ] {
            let error = Native::read(&shape).expect_err("no shape").to_string();
            assert!(error.contains("no native histogram"), "{shape}: {error}");
        }
    }
}
