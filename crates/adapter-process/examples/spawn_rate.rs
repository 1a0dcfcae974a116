//! What the guardian costs: 10 000 jobs `true`, two at a time, beside a bare spawn loop, and masking in MB/s.
//!
//! `cargo run --release -p adapter-process --example spawn_rate -- [JOBS] [ROUNDS]`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter_process::guardian::{self, GuardianJobs};
use adapter_process::mask::Masker;
use ports::{Command, Jobs};

const AT_ONCE: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some_and(|role| role == "guardian") {
        std::process::exit(guardian::serve());
    }
    let jobs = args.next().map_or(Ok(10_000), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(3), |text| text.parse())?;
    // Kept until the end: ext4 takes long to make files where many have just been removed.
    let folder = tempfile::TempDir::new()?;
    let mut best = (Duration::MAX, Duration::MAX);
    for round in 1..=rounds {
        let bare = bare(jobs)?;
        let (guarded, resident) = guarded(jobs, &folder.path().join(round.to_string()))?;
        println!("round {round}: bare {bare:.2?}, guardian {guarded:.2?}, guardian's peak {resident} KiB");
        best = (best.0.min(bare), best.1.min(guarded));
    }
    println!("masking: {:.0} MB/s with 3 secrets", masking()?);
    let ratio = best.1.as_secs_f64() / best.0.as_secs_f64();
    let verdict = if ratio <= 1.3 { "ok" } else { "short" };
    println!("jobs: {ratio:.2}x a bare spawn loop (aim <= 1.30x) {verdict}");
    Ok(())
}

/// Threads that start `true` and wait for it, with nothing else.
fn bare(jobs: usize) -> std::io::Result<Duration> {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let each = || {
            scope.spawn(move || {
                (0..jobs / AT_ONCE).try_for_each(|_| {
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

fn guarded(jobs: usize, folder: &Path) -> Result<(Duration, u64), Box<dyn std::error::Error>> {
    std::fs::create_dir(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let guardian = Arc::new(GuardianJobs::spawn(std::env::current_exe()?, &["guardian"]).await?);
        let begun = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..AT_ONCE {
            let (guardian, dir) = (Arc::clone(&guardian), folder.to_owned());
            workers.spawn(async move {
                for n in 0..jobs / AT_ONCE {
                    let name = format!("job-{worker}-{n}");
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
        let took = begun.elapsed();
        let status = std::fs::read_to_string(format!("/proc/{}/status", guardian.pid()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        let peak = peak.trim().trim_end_matches(" kB").parse()?;
        guardian.shut_down().await?;
        Ok((took, peak))
    })
}

fn masking() -> Result<f64, Box<dyn std::error::Error>> {
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
