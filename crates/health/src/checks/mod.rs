//! Health checks: what is tried, how often, and what a row of tries says.
//!
//! A check is data ([`Check`]); [`Checked`] takes the end of each try with its time and says whether the check passes,
//! fails, or is not decided yet, and when the next try is due. Thresholds, grace and jitter are those of the probes of
//! Kubernetes and HAProxy (`failureThreshold`, `successThreshold`, `rise`, `fall`, `spread-checks`).
//! Nothing is tried here: an adapter does, and reads the clock.

mod checked;
mod spec;
pub mod url;

pub use checked::{Checked, Outcome, Status};
pub use spec::{Check, Expect, Kind, Pace};
