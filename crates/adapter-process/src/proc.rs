//! What `/proc` tells of a process (proc(5)).

use std::fs;
use std::io::Read;
use std::time::Duration;

/// An environment is read up to here, in bytes.
const ENVIRON_MAX: u64 = 4 << 20;

/// How often an empty environment is read, and how long is waited in between.
const ENVIRON_LOOKS: u32 = 50;
const ENVIRON_PAUSE: Duration = Duration::from_millis(1);

/// One line of `/proc/PID/stat`, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// It has ended and was not reaped.
    pub(crate) zombie: bool,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// Clock ticks from boot to its start.
    pub(crate) start: u64,
}

/// The process of that number as it is now.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, blanks and closing parentheses too.
    let after = text.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(text.get(after..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X" | "x");
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let start = fields.nth(16)?.parse().ok()?;
    Some(Stat { zombie, parent, group, start })
}

/// The environment with which the process was started, as `NAME=VALUE` each ended by a zero; `None` when it cannot be
/// read.
///
/// The kernel shows an empty one for the moment in which a process becomes another program (execve(2)), so that an
/// empty one is read again before it is believed, unless it can have none: an ended process, a thread of the kernel.
pub(crate) fn environ(pid: i32) -> Option<Vec<u8>> {
    for _ in 0..ENVIRON_LOOKS {
        let mut environ = Vec::new();
        fs::File::open(format!("/proc/{pid}/environ"))
            .ok()?
            .take(ENVIRON_MAX)
            .read_to_end(&mut environ)
            .ok()?;
        if !environ.is_empty() || stat(pid).is_none_or(|stat| stat.zombie || stat.group == 0) {
            return Some(environ);
        }
        std::thread::sleep(ENVIRON_PAUSE);
    }
    Some(Vec::new())
}

/// Every process of this machine, by number.
pub(crate) fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_environment_is_found_also_in_the_moment_of_an_exec() {
        // It becomes itself, again and again.
        let again = "exec /bin/sh -c \"$AGAIN\"";
        let mut child = Command::new("/bin/sh").args(["-c", again]).env("AGAIN", again).spawn().unwrap();
        let pid = child.id().cast_signed();
        let empty = (0..5_000).filter(|_| environ(pid).is_some_and(|environ| environ.is_empty())).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(empty, 0);
    }

    #[test]
    fn an_ended_process_is_a_zombie_of_its_parent_without_environment() {
        let mut child = Command::new("/bin/true").spawn().unwrap();
        let pid = child.id().cast_signed();
        let until = std::time::Instant::now() + Duration::from_secs(10);
        while stat(pid).is_some_and(|stat| !stat.zombie) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = stat(pid).unwrap();
        assert!(ended.zombie);
        assert_eq!(ended.parent, std::process::id().cast_signed());
        assert!(environ(pid).is_none_or(|environ| environ.is_empty()));
        child.wait().unwrap();
        assert_eq!(stat(pid), None);
    }
}
