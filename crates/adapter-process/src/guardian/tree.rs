//! Who descends from whom, read from `/proc`.
//!
//! A process is named by pid and start time, and both are compared again right before a signal is sent: a number
//! that was given to somebody else in between is left alone. Pids 0 and 1 are never signalled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::FileExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::MARK;
use crate::proc::{self, Stat};

/// One process, and what `/proc` told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    group: i32,
    zombie: bool,
    start: u64,
}

impl Process {
    /// The process of that number as it is now.
    pub(super) fn look(pid: i32) -> Option<Self> {
        proc::stat(pid).map(|Stat { zombie, parent, group, start }| Self {
            pid,
            parent,
            group,
            zombie,
            start,
        })
    }

    /// Whether both are the same process, at whatever time.
    pub(super) const fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.start == other.start
    }

    /// Whether it is in that process group.
    pub(super) const fn is_in(&self, group: i32) -> bool {
        self.group == group
    }

    /// When it was started, in ticks since boot.
    pub(super) const fn start(&self) -> u64 {
        self.start
    }

    /// Sends a signal, unless it is gone or its number is another's by now.
    pub(super) fn signal(&self, signal: Signal) {
        if self.pid > 1 && Self::look(self.pid).is_some_and(|now| now.start == self.start) {
            // It may end in this moment, which is what is wanted.
            let _gone = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// The mark in its environment, if that can be read.
    fn mark(&self) -> Option<String> {
        let environ = proc::environ(self.pid)?;
        let name = format!("{MARK}=");
        let value = environ.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(name.as_bytes()))?;
        String::from_utf8(value.to_vec()).ok()
    }
}

/// All processes that descend from one. Not as they were at one time: they live on while they are read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: i32,
    below: Vec<Process>,
}

impl Tree {
    /// Everything below `root`, parents before their children.
    pub(super) fn below(root: i32) -> Self {
        let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
        for process in proc::pids().filter_map(Process::look) {
            children.entry(process.parent).or_default().push(process);
        }
        let mut below = Vec::new();
        let mut next = vec![root];
        while let Some(parent) = next.pop() {
            for process in children.remove(&parent).unwrap_or_default() {
                next.push(process.pid);
                below.push(process);
            }
        }
        Self { root, below }
    }

    /// All that live.
    pub(super) fn living(&self) -> Vec<Process> {
        self.below.iter().filter(|process| !process.zombie).copied().collect()
    }

    /// Children of the root that died and were not reaped yet. Who died while the tree was read may have left
    /// children that came too late for the list, so that nothing seen is no proof that nothing is there.
    pub(super) fn dead(&self) -> impl Iterator<Item = i32> {
        self.below
            .iter()
            .filter(|process| process.zombie && process.parent == self.root)
            .map(|process| process.pid)
    }

    /// Those of one job: its group, those with its mark, and all below them. With `alone` there is no other job,
    /// so that all is its. A group's number may be another's by now, whose mark says so.
    pub(super) fn of_job(&self, pid: i32, mark: &str, alone: bool, strays: &[Process]) -> Left {
        if alone {
            return Left { mine: self.living(), ..Left::default() };
        }
        let (mut mine, mut others, mut left) = (BTreeSet::new(), BTreeSet::new(), Left::default());
        for process in &self.below {
            let found = process.mark();
            let is_mine = mine.contains(&process.parent)
                || match &found {
                    Some(other) if family(other) == family(mark) => other == mark,
                    _ => process.group == pid,
                };
            if is_mine {
                mine.insert(process.pid);
            } else if found.is_some() || others.contains(&process.parent) {
                others.insert(process.pid);
            }
            let is_other = others.contains(&process.pid) || strays.iter().any(|stray| stray.is(process));
            match (process.zombie, is_mine) {
                (false, true) => left.mine.push(*process),
                (false, false) if !is_other => left.unknown.push(*process),
                _ => {}
            }
        }
        left
    }
}

/// Who is left of a job.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Surely its.
    pub(super) mine: Vec<Process>,
    /// Of which nobody can tell whose they are.
    pub(super) unknown: Vec<Process>,
    /// It has to be looked again.
    pub(super) unsure: bool,
}

/// Sends a signal to each.
pub(super) fn signal_all(processes: &[Process], signal: Signal) {
    for process in processes {
        process.signal(signal);
    }
}

/// What the marks of one guardian have in common.
fn family(mark: &str) -> &str {
    mark.rsplit_once('.').map_or(mark, |(family, _)| family)
}

/// The list of our own direct children, zombies too.
///
/// Complete, because only we reap: nobody leaves the list while it is read. What is abandoned below us comes to our
/// first thread, which is the one that starts the jobs.
#[derive(Debug)]
pub(super) struct Children {
    /// `None` where the kernel has no such list.
    file: Option<fs::File>,
    buffer: Vec<u8>,
}

impl Children {
    /// Those of the process `me`, which is this one.
    pub(super) fn of(me: i32) -> Self {
        let file = fs::File::open(format!("/proc/{me}/task/{me}/children")).ok();
        Self { file, buffer: vec![0; 64 * 1024] }
    }

    /// Whether all of them are known. When that cannot be told, they are not.
    pub(super) fn are_all(&mut self, known: impl Fn(i32) -> bool) -> bool {
        let Some(file) = &self.file else { return false };
        // The kernel makes the list anew when it is read from the beginning.
        match file.read_at(&mut self.buffer, 0) {
            Ok(read) if read < self.buffer.len() => std::str::from_utf8(&self.buffer[..read])
                .is_ok_and(|text| text.split_ascii_whitespace().all(|pid| pid.parse().is_ok_and(&known))),
            _ => false,
        }
    }
}

/// All processes of this machine whose mark begins with `prefix`.
pub(super) fn marked(prefix: &str) -> Vec<Process> {
    proc::pids()
        .filter_map(Process::look)
        .filter(|process| !process.zombie && process.mark().is_some_and(|mark| mark.starts_with(prefix)))
        .collect()
}
