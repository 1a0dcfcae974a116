//! How workloads behave, what users do, and what goes wrong between the shell and its target.

use std::collections::BTreeMap;

use machine::Millis;

/// A time in which a share of the answers is 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Since the first request of the revision.
    pub from_ms: Millis,
    /// How long.
    pub length_ms: Millis,
    /// Share of the requests, in parts per million.
    pub ppm: u64,
}

/// How the processes of a version behave. Ages count from the first request of its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// From the start of a process until it is ready; `None` for never.
    pub ready_after_ms: Option<Millis>,
    /// Shortest and longest duration of a request, in microseconds, evenly between.
    pub latency_us: (u64, u64),
    /// Answers of 500, in parts per million.
    pub error_ppm: u64,
    /// Requests without an answer, in parts per million.
    pub failure_ppm: u64,
    /// One time with more of them.
    pub burst: Option<Burst>,
    /// Liveness checks fail from this age on.
    pub sick_after_ms: Option<Millis>,
    /// Every process ends by itself this long after its start.
    pub crash_after_ms: Option<Millis>,
    /// Resident bytes of a process that has just begun.
    pub resident_bytes: u64,
    /// What it adds in a second.
    pub leak_bytes_per_s: u64,
    /// Errors and requests without an answer are those of one instance alone.
    pub only: Option<Only>,
}

/// One instance alone is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Only {
    /// Its slot.
    pub slot: u32,
    /// A restart makes it good.
    pub cured: bool,
}

impl Behaviour {
    /// Ready after half a second, 10 to 30 ms, no errors, 64 MiB.
    pub const fn healthy() -> Self {
        Self {
            ready_after_ms: Some(500),
            latency_us: (10_000, 30_000),
            error_ppm: 0,
            failure_ppm: 0,
            burst: None,
            sick_after_ms: None,
            crash_after_ms: None,
            resident_bytes: 64 << 20,
            leak_bytes_per_s: 0,
            only: None,
        }
    }
}

/// What goes wrong on the way to the target and back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Calls that never arrive, in parts per million.
    pub lost_ppm: u64,
    /// Calls that are carried out and whose answer is lost, in parts per million.
    pub unanswered_ppm: u64,
    /// Longest time of one way.
    pub delay_max_ms: Millis,
    /// Times at which the target is started again.
    pub restarts_ms: Vec<Millis>,
}

/// All that a world is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Of all chance.
    pub seed: u64,
    /// Requests in a second.
    pub users_per_s: u64,
    /// By version; one that is not named is healthy.
    pub behaviours: BTreeMap<String, Behaviour>,
    /// On the way.
    pub faults: Faults,
}
