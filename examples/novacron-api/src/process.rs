//! What the operating system says about this process: the third group of key metrics, as far as Rust has it.

use nix::sys::resource::{UsageWho, getrusage};

/// Resident memory in bytes, `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS:").map(|kib| kib * 1024)
}

/// The most that was ever resident, in bytes.
pub fn peak_resident_bytes() -> Option<u64> {
    status("VmHWM:").map(|kib| kib * 1024)
}

/// Threads that live.
pub fn threads() -> Option<u64> {
    status("Threads:")
}

/// Open file descriptors.
pub fn open_fds() -> Option<u64> {
    std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64)
}

/// User and system time in seconds since the process started.
pub fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The number of one line of the status file.
fn status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_threads_files_and_time() {
        // In this order: other tests take memory at the same time, and a peak never falls.
        let resident = resident_bytes();
        assert!(resident.is_some_and(|bytes| bytes > 100_000));
        assert!(peak_resident_bytes() >= resident);
        assert!(threads().is_some_and(|count| count >= 1));
        assert!(open_fds().is_some_and(|count| count >= 3));
        assert!(cpu_seconds().is_some_and(|seconds| seconds >= 0.0));
    }
}
