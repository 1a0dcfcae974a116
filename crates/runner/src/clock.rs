//! Where `now` comes from: the boot clock, which neither stops in sleep nor jumps with wall time.

use std::sync::Mutex;

use machine::{Millis, Timestamp};
use nix::time::{ClockId, clock_gettime};

/// Gives the present moment in the run's own time.
pub trait Clock {
    /// Never falls.
    fn now(&self) -> Timestamp;
}

/// Milliseconds since the machine booted, time asleep included.
pub fn boot_now_ms() -> Millis {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |now| {
        (now.tv_sec() as u64).saturating_mul(1000).saturating_add(now.tv_nsec() as u64 / 1_000_000)
    })
}

/// Identity of this boot, as the kernel gives it; empty where there is none.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Run time read from the boot clock.
#[derive(Debug)]
pub struct BootClock {
    /// Boot clock, in milliseconds, at which run time was `base`.
    origin_ms: Millis,
    base: Timestamp,
    last: Mutex<Timestamp>,
}

impl BootClock {
    /// Run time goes on from `base` now: zero for a new run.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { origin_ms: boot_now_ms(), base, last: Mutex::new(base) }
    }
}

impl Clock for BootClock {
    fn now(&self) -> Timestamp {
        let now = self.base.after(boot_now_ms().saturating_sub(self.origin_ms));
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = now.max(*last);
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_time_goes_on_from_its_base_and_never_falls() {
        let clock = BootClock::starting_at(Timestamp::from_millis(500));
        let (first, second) = (clock.now(), clock.now());
        assert!(first >= Timestamp::from_millis(500) && second >= first);
    }
}
