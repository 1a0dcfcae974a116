//! What a job costs over the process that it starts.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{children, peak_bytes};
use crate::door::Verdict;
use crate::programs;

const JOBS: usize = 10_000;
const WORKERS: usize = 2;
const AIM_RATIO: f64 = 1.3;
const AIM_MIB: f64 = 60.0;
const LONGEST: Duration = Duration::from_mins(10);

/// A pipeline of jobs that do nothing, beside threads that start as many processes and wait for them.
///
/// # Errors
/// A program does not do its work.
pub(super) fn measure() -> Result<Verdict, String> {
    let bin = programs::folder()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("jobs.yaml"), file()).map_err(|error| error.to_string())?;
    let before = bare()?;
    let mut command = Command::new(bin.join("nova-pipeline"));
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    command.args(["run", "jobs.yaml", "--state-dir", "state", "--workers", &WORKERS.to_string()]);
    let (took, runner, guardian) = watched(&mut command)?;
    let after = bare()?;
    // What else the machine does meets both: the bare loop is asked before and after.
    let loops = (before + after) / 2;
    let ratio = took.as_secs_f64() / loops.as_secs_f64();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let each = |all: Duration| all.as_secs_f64() * 1e3 / JOBS as f64;
    println!("bare loop, before      {before:>9.2?}  {:.3} ms each", each(before));
    println!("nova-pipeline          {took:>9.2?}  {:.3} ms each", each(took));
    println!("bare loop, after       {after:>9.2?}  {:.3} ms each", each(after));
    println!("peak memory            runner {:.1} MiB, guardian {:.1} MiB", mib(runner), mib(guardian));
    let text = format!(
        "{ratio:.2}x a bare spawn loop (aim <= {AIM_RATIO:.2}x), {:.1} MiB (aim <= {AIM_MIB} MiB)",
        mib(runner)
    );
    Ok(Verdict::new(text, ratio <= AIM_RATIO && mib(runner) <= AIM_MIB))
}

fn file() -> String {
    let mut text = "pipeline: jobs\nstages: [a]\njobs:\n".to_owned();
    for n in 0..JOBS {
        // Writing to memory does not fail.
        let _ = writeln!(text, "  j{n}: {{stage: a, run: [{{cmd: [\"true\"]}}]}}");
    }
    text
}

/// Runs it, and gives its time and the peak memory of the runner and of its guardian.
fn watched(command: &mut Command) -> Result<(Duration, u64, u64), String> {
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (mut runner, mut guardian) = (0, 0);
    let mut status = None;
    let ended = programs::until(LONGEST, || {
        runner = runner.max(peak_bytes(child.id()).unwrap_or(0));
        for pid in children(child.id()) {
            guardian = guardian.max(peak_bytes(pid).unwrap_or(0));
        }
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    let took = begun.elapsed();
    if !ended {
        programs::signal(child.id(), "KILL", false);
        let _ = child.wait();
        return Err(format!("the run did not end within {LONGEST:?}"));
    }
    match status {
        Some(status) if status.success() => Ok((took, runner, guardian)),
        other => Err(format!("the run ended with {other:?}")),
    }
}

/// Threads that start `true` and wait for it, with nothing else.
fn bare() -> Result<Duration, String> {
    let begun = Instant::now();
    let work = || {
        (0..JOBS / WORKERS).try_for_each(|_| {
            let mut command = Command::new("true");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().map(drop)
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
    .map_err(|error| error.to_string())?;
    Ok(begun.elapsed())
}
