//! A group-sequential test for planned canaries: a few looks at numbers of requests that are fixed beforehand, and a
//! z-statistic against boundaries that spend alpha look by look (Lan and DeMets).
//!
//! Finds a moderate regression with fewer requests than tests that may be looked at at any time, for it promises nothing at any
//! other time: it needs the final number of requests, says nothing before the first planned look, and takes nothing after
//! the last. Null: both error rates are equal (no tolerance), and the same at every time: it adds up over time, so a load
//! that changes together with the canary's share deceives it. Never the default.
//!
//! Sources: Lan and DeMets: Discrete sequential boundaries for clinical trials (Biometrika 70, 1983); Armitage, McPherson
//! and Rowe: Repeated significance tests on accumulating data (JRSS-A 132, 1969).

mod boundary;
mod normal;
mod spending;
mod test;

pub use boundary::boundaries;
pub use spending::Spending;
pub use test::{Analysis, GroupTest, Heard, PlannedLooks, smallest_planned};
