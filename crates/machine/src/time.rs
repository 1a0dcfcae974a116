//! Time as an argument: milliseconds since the run was opened.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A span of time in milliseconds.
pub type Millis = u64;

/// Milliseconds since the run was opened. Never falls within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment at which the run was opened.
    pub const ZERO: Self = Self(0);

    /// The moment `ms` milliseconds after the run was opened.
    pub const fn from_millis(ms: Millis) -> Self {
        Self(ms)
    }

    /// Milliseconds since the run was opened.
    pub const fn as_millis(self) -> Millis {
        self.0
    }

    /// The moment `span` milliseconds later; stays at the end of time instead of overflowing.
    pub const fn after(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Millis {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::from_millis(u64::MAX).after(5), Timestamp::from_millis(u64::MAX));
        assert_eq!(Timestamp::ZERO.since(Timestamp::from_millis(7)), 0);
        assert_eq!(Timestamp::from_millis(1_250).to_string(), "1.250s");
    }
}
