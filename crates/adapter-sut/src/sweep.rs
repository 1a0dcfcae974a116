//! Ends all that an implementation started, however it hides: its group, its mark, what descends from it, and what was
//! abandoned to us.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// The variable by which the processes of an implementation are known.
pub(crate) const MARK: &str = "NOVA_SUT_MARK";
/// Between two looks.
const PACE: Duration = Duration::from_millis(2);
/// What cannot be killed (it hangs in the kernel) is reported after this.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Makes this process the parent of whatever its descendants abandon (prctl(2), `PR_SET_CHILD_SUBREAPER`). Only for a
/// program that starts nothing else: a sweep ends every process below it.
///
/// # Errors
/// The kernel cannot.
pub fn adopt_orphans() -> Result<(), String> {
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| error.to_string())
}

/// One process as `/proc` tells of it.
struct Seen {
    pid: i32,
    parent: i32,
    group: i32,
    zombie: bool,
}

fn look(pid: i32) -> Option<Seen> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let after = text.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(text.get(after..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Seen { pid, parent, group, zombie })
}

fn all() -> Vec<Seen> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| look(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

fn marked(pid: i32, mark: &str) -> bool {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let entry = format!("{MARK}={mark}");
    environ.split(|byte| *byte == 0).any(|one| one == entry.as_bytes())
}

/// Those that are left and live. `below` is the process whose descendants all count: the implementation, or this process
/// when it has adopted orphans.
fn left(group: i32, mark: &str, below: i32) -> Vec<i32> {
    let all = all();
    let mut ours = BTreeSet::from([below]);
    loop {
        let before = ours.len();
        ours.extend(
            all.iter().filter(|one| ours.contains(&one.parent)).map(|one| one.pid).collect::<Vec<_>>(),
        );
        if ours.len() == before {
            break;
        }
    }
    let own = std::process::id().cast_signed();
    let is_left = |one: &&Seen| {
        one.pid > 1
            && one.pid != own
            && !one.zombie
            && ((group > 1 && one.group == group)
                || ours.contains(&one.pid)
                || (!mark.is_empty() && marked(one.pid, mark)))
    };
    all.iter().filter(is_left).map(|one| one.pid).collect()
}

/// Kills until nothing is left. Gives how many could not be killed.
pub(crate) fn kill_all(group: i32, mark: &str, adopted: bool) -> usize {
    let below = if adopted { std::process::id().cast_signed() } else { group };
    let until = Instant::now() + GIVE_UP;
    loop {
        let left = left(group, mark, below);
        if left.is_empty() || Instant::now() > until {
            return left.len();
        }
        for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
            for pid in &left {
                // It may end in this moment, which is what is wanted.
                let _gone = kill(Pid::from_raw(*pid), signal);
            }
        }
        if adopted {
            reap();
        }
        std::thread::sleep(PACE);
    }
}

/// Ends everything below this process, for a program that is told to end itself. Gives how many could not be ended.
pub fn end_all_below() -> usize {
    kill_all(0, "", true)
}

/// Takes the ends of adopted children.
pub(crate) fn reap() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status.pid().is_none() {
            return;
        }
    }
}
