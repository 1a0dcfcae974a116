//! The faults of PBA.

use crate::mutants::{Mutant, mutant};

/// All of them.
pub(super) const MUTANTS: &[Mutant] = &[
    mutant("pba-sure-at-once", "PBA-001", "the confidence is never below one half"),
    mutant("pba-margin", "PBA-002", "a forecast of what does not vary is two per cent lower"),
    mutant("pba-momentum", "PBA-003", "where nothing beats the last value, the last step is extrapolated"),
    mutant("pba-gigabit", "PBA-004", "on the internet no forecast is above 900 Mbit/s"),
    mutant("pba-pessimist", "PBA-005", "on the internet the lowest of the last five minutes is foretold"),
    mutant("pba-outliers", "PBA-006", "a change by a third is an outlier, a hundred times"),
    mutant("pba-narrow", "PBA-007", "the interval has the quantiles of four fifths"),
    mutant("pba-below-zero", "PBA-008", "a falling trend is followed below zero"),
    mutant("pba-valid-a-step", "PBA-009", "a forecast is valid for one step"),
    mutant("pba-serves-expired", "PBA-009", "a forecast is served after its end"),
    mutant("pba-divides-by-zero", "PBA-010", "the accuracy divides by every actual value"),
    mutant("pba-keeps-the-first", "PBA-011", "of a batch with a bad sample those before it are kept"),
    mutant("pba-peeks", "PBA-012", "a forecast for an earlier time knows the later samples"),
    mutant("pba-dithers", "PBA-013", "a forecast's last digits depend on how many were made before"),
    mutant("pba-refits", "PBA-014", "each forecast fits the whole history again, the period at every sample"),
    mutant("pba-rounds-up", "PBA-015", "grants are rounded up to whole Mbit/s"),
    mutant("pba-headroom", "PBA-016", "a tenth of the capacity is kept back"),
    mutant("pba-proportional", "PBA-017", "what is left is shared by demand, not by level"),
    mutant("pba-never-expires", "PBA-018", "a reservation ends only by its release"),
    mutant("pba-oldest-first", "PBA-018", "the oldest reservation of a lower priority goes first"),
    mutant("pba-last-value-only", "PBA-019", "nothing but the last value is trusted"),
];
