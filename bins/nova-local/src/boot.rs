//! What is kept of the target between two starts, and how time goes on from one to the next.

use std::time::{SystemTime, UNIX_EPOCH};

use adapter_local::PROTOCOL;
use adapter_process::instances::{self, Identity};
use machine::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use supervise::{Found, Process, Supervisor};

use crate::problem::Problem;

/// Marks the processes of a target: `UID:INCARNATION`.
pub(crate) const MARK: &str = "NOVA_INSTANCE";

/// The durable state with the moment at which it was written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved<M> {
    pub(crate) protocol: u32,
    /// Identity of the boot.
    pub(crate) boot: String,
    /// By the boot clock.
    pub(crate) boot_ms: Millis,
    /// By the wall clock, since 1970.
    pub(crate) wall_ms: Millis,
    /// In the target's own time.
    pub(crate) now: Timestamp,
    /// The instances had been stopped on purpose.
    pub(crate) stopped: bool,
    pub(crate) machine: M,
}

/// This boot. A test may say that it is another one.
pub(crate) fn boot_id() -> String {
    std::env::var("NOVA_TEST_BOOT_ID").unwrap_or_else(|_| runner::boot_id())
}

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}

impl Saved<Supervisor> {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let failed = |error| Problem::usage(format!("the kept state is not understood: {error}"));
        let saved: Self = serde_json::from_slice(bytes).map_err(failed)?;
        if saved.protocol != PROTOCOL {
            let kept = saved.protocol;
            return Err(Problem::usage(format!(
                "the kept state has version {kept}, this program {PROTOCOL}"
            )));
        }
        Ok(saved)
    }

    /// The target's own time now: by the boot clock, after a reboot by the wall clock; it never falls.
    pub(crate) fn time_now(&self, boot: &str, boot_ms: Millis, wall_ms: Millis) -> Timestamp {
        let elapsed = if self.boot == boot {
            boot_ms.saturating_sub(self.boot_ms)
        } else {
            wall_ms.saturating_sub(self.wall_ms)
        };
        self.now.after(elapsed)
    }

    /// Whether no process of the target can be left.
    pub(crate) fn fresh(&self, boot: &str) -> bool {
        self.stopped || self.boot != boot
    }
}

/// The processes of the target that run now: those on record, and those whose start was not recorded any more.
pub(crate) fn found(machine: &Supervisor) -> Vec<Found> {
    let recorded = machine.processes().into_iter();
    let identity = |process: &Process| Identity { pid: process.pid, start_time: process.start_time };
    let mut found: Vec<Found> = recorded
        .filter(|(_, process)| instances::alive(identity(process)))
        .map(|(incarnation, process)| Found { incarnation, process })
        .collect();
    for (process, environment) in instances::marked(MARK, &format!("{}:", machine.uid())) {
        let mark = environment.get(MARK).and_then(|mark| mark.rsplit(':').next());
        let incarnation = mark.and_then(|n| n.parse().ok());
        let port = environment.get("PORT").and_then(|port| port.parse().ok());
        if let (Some(incarnation), Some(port)) = (incarnation, port)
            && !found.iter().any(|known| known.incarnation == incarnation)
        {
            let process = Process { pid: process.pid, start_time: process.start_time, port };
            found.push(Found { incarnation, process });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_the_boot_clock_and_after_a_reboot_by_the_wall_clock() {
        let saved = Saved {
            protocol: PROTOCOL,
            boot: "a".into(),
            boot_ms: 1_000,
            wall_ms: 50_000,
            now: Timestamp::from_millis(700),
            stopped: false,
            machine: Supervisor::new("u"),
        };
        assert_eq!(saved.time_now("a", 1_500, 0), Timestamp::from_millis(1_200));
        assert_eq!(saved.time_now("b", 10, 53_000), Timestamp::from_millis(3_700));
        assert_eq!(saved.time_now("b", 10, 20_000), Timestamp::from_millis(700), "it never falls");
        assert!(saved.fresh("b") && !saved.fresh("a"));
    }
}
