//! One slot of a revision and the processes in it: the one that serves, its replacement, those that drain.
//!
//! ```text
//! Launching -> Starting -> Ready <-> Unready
//!     |            |         |          |
//!     +------------+---------+----------+--> Draining -> gone       (asked)
//!                  +---------+----------+--> gone, back-off, again  (not asked)
//! ```

use machine::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{InstanceState, Process};

/// Shortest wait before a process that ended by itself is started again.
pub const BACK_OFF_MIN_MS: Millis = 250;

/// Longest wait before a process that ended by itself is started again.
pub const BACK_OFF_MAX_MS: Millis = 10_000;

/// A process that was ready this long has its back-off reset.
pub const STEADY_AFTER_MS: Millis = 30_000;

/// A replacement that is not ready after this long is given up; the old process stays.
pub const REPLACEMENT_READY_MAX_MS: Millis = 60_000;

/// Where one process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Life {
    Launching,
    Starting,
    Ready,
    Unready,
    Draining,
}

impl Life {
    pub(crate) fn state(self) -> InstanceState {
        match self {
            Self::Launching | Self::Starting => InstanceState::Starting,
            Self::Ready => InstanceState::Ready,
            Self::Unready => InstanceState::Unready,
            Self::Draining => InstanceState::Draining,
        }
    }
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) incarnation: u32,
    pub(crate) life: Life,
    pub(crate) process: Option<Process>,
    /// Consecutive failed readiness checks.
    pub(crate) unready_checks: u32,
    /// Consecutive passed readiness checks while it is not ready and more than one must pass.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) ready_checks: u32,
    /// Consecutive failed liveness checks of this very process.
    pub(crate) dead_checks: u32,
    /// When the back-off of its slot is reset, if it stays ready.
    pub(crate) steady_at: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(checks: &u32) -> bool {
    *checks == 0
}

impl Instance {
    pub(crate) fn new(incarnation: u32) -> Self {
        Self {
            incarnation,
            life: Life::Launching,
            process: None,
            unready_checks: 0,
            ready_checks: 0,
            dead_checks: 0,
            steady_at: None,
        }
    }
}

/// Which role a process has in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Serving,
    Replacement,
    Leaving,
}

/// One of the places for a process that a revision has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) n: u32,
    pub(crate) serving: Option<Instance>,
    pub(crate) replacement: Option<Instance>,
    pub(crate) leaving: Vec<Instance>,
    /// The wait after the next exit.
    pub(crate) back_off_ms: Millis,
    /// Nothing is started before this.
    pub(crate) retry_at: Option<Timestamp>,
    /// When the replacement is given up.
    pub(crate) give_up_at: Option<Timestamp>,
    pub(crate) failed_checks: u32,
    pub(crate) crashes: u32,
    pub(crate) restarts: u32,
    pub(crate) restarts_wanted: u32,
}

impl Slot {
    pub(crate) fn new(n: u32) -> Self {
        Self {
            n,
            serving: None,
            replacement: None,
            leaving: Vec::new(),
            back_off_ms: BACK_OFF_MIN_MS,
            retry_at: None,
            give_up_at: None,
            failed_checks: 0,
            crashes: 0,
            restarts: 0,
            restarts_wanted: 0,
        }
    }

    pub(crate) fn role(&self, incarnation: u32) -> Option<Role> {
        let is = |i: &Instance| i.incarnation == incarnation;
        if self.serving.as_ref().is_some_and(is) {
            Some(Role::Serving)
        } else if self.replacement.as_ref().is_some_and(is) {
            Some(Role::Replacement)
        } else {
            self.leaving.iter().any(is).then_some(Role::Leaving)
        }
    }

    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.serving.iter().chain(&self.replacement).chain(&self.leaving)
    }

    pub(crate) fn instances_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.serving.iter_mut().chain(&mut self.replacement).chain(&mut self.leaving)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.instances().next().is_none()
    }

    /// The process that may get traffic.
    pub(crate) fn ready(&self) -> Option<&Instance> {
        self.serving.as_ref().filter(|i| i.life == Life::Ready)
    }

    /// Puts off the next start, longer each time.
    pub(crate) fn back_off(&mut self, now: Timestamp) {
        self.retry_at = Some(now.after(self.back_off_ms));
        self.back_off_ms = (self.back_off_ms * 2).min(BACK_OFF_MAX_MS);
    }

    /// The replacement takes over; the old process leaves after the table was swapped.
    pub(crate) fn switch(&mut self) {
        if let Some(next) = self.replacement.take() {
            self.leaving.extend(self.serving.replace(next));
            self.restarts = self.restarts_wanted;
            self.give_up_at = None;
            self.failed_checks = 0;
        }
    }

    /// Every stored time.
    pub(crate) fn times(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let own = self.retry_at.iter_mut().chain(&mut self.give_up_at);
        let instances = self.serving.iter_mut().chain(&mut self.replacement).chain(&mut self.leaving);
        own.chain(instances.filter_map(|i| i.steady_at.as_mut()))
    }

    /// The next time at which the slot has something to do.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let steady = self.serving.as_ref().and_then(|i| i.steady_at);
        [self.retry_at, self.give_up_at, steady].into_iter().flatten().min()
    }
}
