//! Ends what is left: SIGSTOP to all, so that nobody can fork away, then SIGKILL to all.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::tree::{Process, signal_all};

/// In one sweep new processes are looked for at most this often.
const LOOKS: usize = 8;
/// A process that cannot be killed (it hangs in the kernel) holds nobody up for longer.
const GIVE_UP: Duration = Duration::from_secs(30);
/// How often it is looked whether all are gone, at first and at last.
const PACE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// One sweep. `left` shows who is to be killed, as they are now.
pub(super) fn kill_all(left: impl Fn() -> Vec<Process>) {
    let mut stopped: Vec<Process> = Vec::new();
    for _ in 0..LOOKS {
        let new: Vec<Process> =
            left().into_iter().filter(|one| !stopped.iter().any(|known| known.is(one))).collect();
        if new.is_empty() {
            break;
        }
        signal_all(&new, Signal::SIGSTOP);
        stopped.extend(new);
    }
    signal_all(&stopped, Signal::SIGKILL);
}

/// When to look, when to kill, when to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    kill_at: Instant,
    give_up_at: Instant,
    next: Instant,
    pace: Duration,
}

impl Ending {
    /// SIGTERM was sent at `now`.
    pub(super) fn new(now: Instant, grace: Duration) -> Self {
        let kill_at = now + grace;
        Self { kill_at, give_up_at: kill_at + GIVE_UP, next: now, pace: PACE.0 }
    }

    /// When to look again.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Look at once.
    pub(super) fn look(&mut self, now: Instant) {
        self.next = self.next.min(now);
    }

    /// It was looked at `now` and something is left.
    pub(super) fn looked(&mut self, now: Instant) {
        self.pace = (self.pace * 2).min(PACE.1);
        self.next = now + self.pace;
        if now < self.kill_at {
            self.next = self.next.min(self.kill_at);
        }
    }

    /// The grace is over.
    pub(super) fn kills(&self, now: Instant) -> bool {
        now >= self.kill_at
    }

    /// It makes no sense to go on.
    pub(super) fn gives_up(&self, now: Instant) -> bool {
        now >= self.give_up_at
    }

    /// The grace ends at `at` at the latest.
    pub(super) fn hurry(&mut self, at: Instant) {
        self.kill_at = self.kill_at.min(at);
        self.give_up_at = self.kill_at + GIVE_UP;
        self.next = self.next.min(self.kill_at);
    }
}
