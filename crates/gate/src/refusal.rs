//! Why something that was read is no evidence: a name for a program, a sentence for a person.

use serde::{Deserialize, Serialize};

/// The kind of a refusal. The names are part of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody answered, or not in time.
    Unreachable,
    /// An answer that is none: not an exposition, not JSON, not the query API.
    Malformed,
    /// Prometheus warned that something may be missing.
    Partial,
    /// The series, family or label that is needed is not there.
    Missing,
    /// NaN.
    NotANumber,
    /// The mark of a series that has ended.
    Ended,
    /// Plus or minus infinity.
    Infinite,
    /// Below zero.
    Negative,
    /// A count with a fraction.
    Fractional,
    /// More than can be counted exactly.
    TooLarge,
    /// Older than is taken.
    TooOld,
    /// Ahead of our clock.
    FromTheFuture,
    /// A status that is none.
    NoStatus,
    /// Buckets that do not rise, or are no buckets.
    Histogram,
    /// A native histogram that cannot be read, or is too coarse for the bounds of the others.
    NativeHistogram,
    /// Nothing proves whose it is.
    Unproven,
    /// It may be of either arm.
    Ambiguous,
    /// What it says of itself and where it was found name two revisions.
    Contradiction,
    /// Another process than the revision's at that address.
    OtherProcess,
    /// From before the revision had traffic.
    TooEarly,
    /// A counter fell without a restart.
    Fell,
    /// Outside of what a bounded metric can be.
    OutOfRange,
    /// After the last planned look.
    PastThePlan,
    /// More bad requests than requests.
    MoreBadThanRequests,
    /// Not later than the one before it.
    OutOfOrder,
    /// The histogram has other bounds than before.
    OtherBounds,
    /// More than is followed.
    TooMany,
    /// The alert rule could not be evaluated.
    Rule,
}

impl Why {
    /// As the output writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
            Self::Partial => "partial",
            Self::Missing => "missing",
            Self::NotANumber => "not_a_number",
            Self::Ended => "ended",
            Self::Infinite => "infinite",
            Self::Negative => "negative",
            Self::Fractional => "fractional",
            Self::TooLarge => "too_large",
            Self::TooOld => "too_old",
            Self::FromTheFuture => "from_the_future",
            Self::NoStatus => "no_status",
            Self::Histogram => "histogram",
            Self::NativeHistogram => "native_histogram",
            Self::Unproven => "unproven",
            Self::Ambiguous => "ambiguous",
            Self::Contradiction => "contradiction",
            Self::OtherProcess => "other_process",
            Self::TooEarly => "too_early",
            Self::Fell => "fell",
            Self::OutOfRange => "out_of_range",
            Self::PastThePlan => "past_the_plan",
            Self::MoreBadThanRequests => "more_bad_than_requests",
            Self::OutOfOrder => "out_of_order",
            Self::OtherBounds => "other_bounds",
            Self::TooMany => "too_many",
            Self::Rule => "rule",
        }
    }
}

impl From<health::sequential::Refused> for Why {
    fn from(refused: health::sequential::Refused) -> Self {
        use health::sequential::Refused as R;
        match refused {
            R::NotANumber => Self::NotANumber,
            R::Infinite => Self::Infinite,
            R::Negative => Self::Negative,
            R::TooLarge => Self::TooLarge,
            R::Fell => Self::Fell,
            R::MoreBadThanRequests => Self::MoreBadThanRequests,
            R::OutOfOrder => Self::OutOfOrder,
            R::OtherBounds => Self::OtherBounds,
            R::TooMany => Self::TooMany,
        }
    }
}

/// Something that was read and is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// `canary`, `stable`, or empty when it is about neither alone.
    pub arm: String,
    /// Where it was read: an address, a file, an instance, a rule.
    pub source: String,
    /// The kind.
    pub why: Why,
    /// In words, with the series and the value, and the mend where there is one.
    pub text: String,
}

impl Refusal {
    /// A refusal that knows its source, not yet its arm.
    pub fn new(source: &str, why: Why, text: impl Into<String>) -> Self {
        Self { arm: String::new(), source: source.to_owned(), why, text: text.into() }
    }

    /// The same, of an arm.
    #[must_use]
    pub fn of(self, canary: bool) -> Self {
        Self { arm: arm_name(canary).to_owned(), ..self }
    }
}

/// `canary` or `stable`.
pub(crate) const fn arm_name(canary: bool) -> &'static str {
    if canary { "canary" } else { "stable" }
}
