//! What the guardian costs: 10 000 jobs `true`, two at a time, beside a bare spawn loop, and masking in MB/s.
//!
//! Both take turns in slices of 500, so that what else the machine does meets both.
//!
//! `cargo run --release -p adapter-process --example spawn_rate -- [JOBS]`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter_process::guardian::{self, GuardianJobs};
use adapter_process::mask::Masker;
use ports::{Command, Jobs};

const AT_ONCE: usize = 2;
const SLICE: usize = 500;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some_and(|role| role == "guardian") {
        std::process::exit(guardian::serve());
    }
    let jobs: usize = args.next().map_or(Ok(10_000), |text| text.parse())?;
    println!("masking: {:.0} MB/s with 3 secrets", masking()?);
    let folder = tempfile::TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (bare, guarded, mut ratios) = runtime.block_on(race(jobs, folder.path()))?;
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    println!("{jobs} jobs: bare {bare:.2?}, guardian {guarded:.2?}; slices {ratios:.2?}");
    let verdict = if ratio <= 1.3 { "ok" } else { "short" };
    println!("jobs: {ratio:.2}x a bare spawn loop (aim <= 1.30x) {verdict}");
    Ok(())
}

async fn race(jobs: usize, folder: &Path) -> Result<(Duration, Duration, Vec<f64>), Failure> {
    let guardian = Arc::new(GuardianJobs::spawn(std::env::current_exe()?, &["guardian"]).await?);
    let (mut all_bare, mut all_guarded, mut ratios) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for slice in 0..jobs.div_ceil(SLICE) {
        let one = bare()?;
        let other = guarded(&guardian, folder, slice).await?;
        ratios.push(other.as_secs_f64() / one.as_secs_f64());
        all_bare += one;
        all_guarded += other;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", guardian.pid()))?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: ?");
    println!("the guardian's peak: {peak}");
    guardian.shut_down().await?;
    Ok((all_bare, all_guarded, ratios))
}

/// Threads that start `true` and wait for it, with nothing else.
fn bare() -> std::io::Result<Duration> {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let each = || {
            scope.spawn(move || {
                (0..SLICE / AT_ONCE).try_for_each(|_| {
                    let mut command = std::process::Command::new("/usr/bin/true");
                    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    command.status().map(|_| ())
                })
            })
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| each()).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    Ok(begun.elapsed())
}

async fn guarded(guardian: &Arc<GuardianJobs>, folder: &Path, slice: usize) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..AT_ONCE {
        let (guardian, dir) = (Arc::clone(guardian), folder.to_owned());
        workers.spawn(async move {
            for n in 0..SLICE / AT_ONCE {
                let name = format!("job-{slice}-{worker}-{n}");
                let command = Command {
                    argv: vec!["true".into()],
                    env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
                    log: dir.join(&name),
                    name,
                    dir: dir.clone(),
                    secrets: vec![],
                    grace_ms: 1000,
                };
                let (_, end) = guardian.start(command).await.map_err(|why| why.to_string())?;
                let ended = end.await.map_err(|why| why.to_string())?;
                if ended.code != Some(0) {
                    return Err(format!("{ended:?}"));
                }
            }
            Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(begun.elapsed())
}

fn masking() -> Result<f64, Failure> {
    let secrets = ["correct horse battery staple", "hunter22", "ghp_0123456789abcdefghijABCDEFGHIJ"];
    let masker = Arc::new(Masker::new(&secrets.map(str::to_owned))?);
    let line =
        "2026-01-01T00:00:00Z INFO compiling adapter-process v0.1.0 (crates/adapter-process) in 3.21s\n";
    let chunk = line.repeat(64 * 1024 / line.len());
    let (mut stream, mut out, begun, mut bytes) = (masker.stream(), Vec::new(), Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(1) {
        stream.push(chunk.as_bytes(), &mut out);
        bytes += chunk.len();
        out.clear();
    }
    Ok(bytes as f64 / begun.elapsed().as_secs_f64() / 1e6)
}
