//! Named places at which a runner under test ends itself as `kill -9` would: `NOVA_FAILPOINT=NAME[:NTH]`.
//!
//! Always compiled, so that the binary that is tested is the binary that is used; without the variable a place costs
//! one comparison. Jobs and targets never inherit the variable.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Arms one failpoint: its name, and at which passage (from 1) the process ends.
pub const FAILPOINT: &str = "NOVA_FAILPOINT";

/// Every failpoint.
pub const FAILPOINTS: [&str; 29] = [
    "run.created",
    "control.listening",
    "guardian.started",
    "resume.before",
    "resume.held",
    "resume.recorded",
    "inbox.recorded",
    "command.arrived",
    "journal.before",
    "journal.after",
    "dispatch.before",
    "dispatch.after",
    "acquire.before",
    "acquire.answered",
    "order.before",
    "order.answered",
    "order.told",
    "restore.before",
    "restore.answered",
    "give_back.before",
    "give_back.answered",
    "look.seen",
    "job.before",
    "job.started",
    "job.ended",
    "checks.before",
    "checks.ended",
    "close.before",
    "close.after",
];

struct Armed {
    name: String,
    left: AtomicU32,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Ends this process without a last word when this is the armed place and its passage has come.
pub fn failpoint(name: &'static str) {
    debug_assert!(FAILPOINTS.contains(&name), "{name} is not listed");
    let Some(armed) = ARMED.get_or_init(|| std::env::var(FAILPOINT).ok().and_then(|text| armed(&text)))
    else {
        return;
    };
    if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        // Nothing can keep a process from killing itself.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    }
}

fn armed(text: &str) -> Option<Armed> {
    let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
    let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
    FAILPOINTS.contains(&name).then(|| Armed { name: name.to_owned(), left: AtomicU32::new(nth) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_with_its_passage_and_unknown_places_arm_nothing() {
        let passage = |text: &str| armed(text).map(|armed| armed.left.into_inner());
        assert_eq!(passage("journal.before"), Some(1));
        assert_eq!(passage("journal.before:7"), Some(7));
        assert_eq!(passage("journal.before:0"), None);
        assert_eq!(passage("elsewhere:1"), None);
    }
}
