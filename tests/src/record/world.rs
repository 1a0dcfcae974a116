//! The running programs of a batch of traces: the instances of both arms, their load, and Prometheus.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::kinds::{Fault, Kind};
use super::{LENGTH_S, PODS, RATE, SCRAPE_S, SLACK, STEPS, WARM_S};
use crate::programs::{folder, free_port, signal, until, wait};
use crate::prove::servers::{Server, now_ms, prometheus};

/// Between the end of an instance and its next start.
const RESTART_AFTER: Duration = Duration::from_secs(1);

struct Instance {
    trace: usize,
    canary: bool,
    pod: u32,
    port: u16,
    fault: Option<Fault>,
}

/// A batch that runs.
pub(super) struct World {
    programs: PathBuf,
    databases: tempfile::TempDir,
    instances: Vec<Instance>,
    server: Server,
    began_ms: i64,
}

impl World {
    /// Starts Prometheus; instances and load start with [`World::run`].
    pub(super) fn start(batch: &[(usize, &Kind)]) -> Result<Self, String> {
        let mut instances = Vec::new();
        for (trace, kind) in batch {
            for (canary, fault) in [(true, kind.canary), (false, kind.stable)] {
                for pod in 0..PODS {
                    instances.push(Instance { trace: *trace, canary, pod, port: free_port()?, fault });
                }
            }
        }
        let databases = tempfile::tempdir().map_err(|error| error.to_string())?;
        let server = server(&instances)?;
        Ok(Self { programs: folder()?, databases, instances, server, began_ms: now_ms() + 2_000 })
    }

    /// Where Prometheus answers.
    pub(super) fn server(&self) -> &str {
        &self.server.address
    }

    /// When the rollouts began, after the warm-up, in milliseconds since 1970.
    pub(super) fn began_ms(&self) -> i64 {
        self.began_ms + i64::try_from(WARM_S * 1_000).unwrap_or(0)
    }

    /// Runs the batch to its end.
    pub(super) fn run(&self) -> Result<(), String> {
        let over = AtomicBool::new(false);
        let until_ms = self.began_ms + i64::try_from((WARM_S + LENGTH_S) * 1_000).unwrap_or(0);
        std::thread::scope(|scope| {
            let keepers: Vec<_> =
                self.instances.iter().map(|one| scope.spawn(|| self.keep(one, &over))).collect();
            let loads: Vec<_> = self.instances.iter().map(|one| scope.spawn(|| self.load(one))).collect();
            let sent: Result<(), String> = loads
                .into_iter()
                .try_for_each(|load| load.join().map_err(|_| "a load thread ended".to_owned())?);
            pause(until_ms + i64::try_from(SLACK.as_millis()).unwrap_or(0));
            over.store(true, Ordering::Relaxed);
            let kept: Result<(), String> = keepers
                .into_iter()
                .try_for_each(|keeper| keeper.join().map_err(|_| "a keeper ended".to_owned())?);
            sent.and(kept)
        })
    }

    /// Starts an instance, and again when it ends, until the batch is over.
    fn keep(&self, one: &Instance, over: &AtomicBool) -> Result<(), String> {
        let name = format!("{}-{}-{}.db", one.trace, one.canary, one.pod);
        let database = self.databases.path().join(name);
        while !over.load(Ordering::Relaxed) {
            let mut child = self.spawn(one, &database)?;
            let ended = until(Duration::from_hours(1), || {
                over.load(Ordering::Relaxed) || child.try_wait().is_ok_and(|status| status.is_some())
            });
            if !ended || over.load(Ordering::Relaxed) {
                signal(child.id(), "TERM", false);
                if wait(&mut child, Duration::from_secs(10)).is_none() {
                    signal(child.id(), "KILL", false);
                    let _ = child.wait();
                }
                break;
            }
            until(RESTART_AFTER, || over.load(Ordering::Relaxed));
        }
        Ok(())
    }

    fn spawn(&self, one: &Instance, database: &Path) -> Result<Child, String> {
        let version = if one.canary { "novacron-api-1-6-0" } else { "novacron-api-1-5-0" };
        let mut command = Command::new(self.programs.join(version));
        command.env("PORT", one.port.to_string()).env("NOVACRON_DB", database);
        // A fault leaves its mark in the working folder, by revision and slot.
        let revision = format!("{}-{}", one.trace, if one.canary { "canary" } else { "stable" });
        command.env("NOVA_REVISION", revision).env("NOVA_SLOT", one.pod.to_string());
        command.current_dir(self.databases.path());
        if let Some((fault, strength, onset_s)) = one.fault {
            let onset_ms = self.began_ms() + i64::try_from(onset_s * 1_000).unwrap_or(0);
            let after = (onset_ms - now_ms()).max(0) as f64 / 1_000.0;
            command.env("NOVACRON_FAULT", fault).env("NOVACRON_FAULT_STRENGTH", strength.to_string());
            command.env("NOVACRON_FAULT_AFTER", after.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|error| format!("{version}: {error}"))
    }

    /// Sends to one instance its part of the traffic, step by step.
    fn load(&self, one: &Instance) -> Result<(), String> {
        pause(self.began_ms);
        let ends = STEPS.iter().skip(1).map(|(from, _)| *from).chain([LENGTH_S]);
        let steps = STEPS.iter().zip(ends).map(|((from, percent), to)| (*percent, to - from));
        let all = std::iter::once((0, WARM_S)).chain(steps);
        for (percent, seconds) in all {
            let share = f64::from(if one.canary { percent } else { 100 - percent }) / 100.0;
            self.send(one.port, RATE * share / f64::from(PODS), seconds)?;
        }
        Ok(())
    }

    fn send(&self, port: u16, rate: f64, seconds: u64) -> Result<(), String> {
        let began = Instant::now();
        let length = Duration::from_secs(seconds);
        if rate > 0.0 {
            let mut command = Command::new(self.programs.join("load"));
            command.args(["--url", &format!("http://127.0.0.1:{port}"), "--rate", &rate.to_string()]);
            command.args(["--for", &format!("{seconds}s"), "--timeout", "2s"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().map_err(|error| format!("load: {error}"))?;
            if wait(&mut child, length + Duration::from_secs(10)).is_none() {
                signal(child.id(), "KILL", false);
                let _ = child.wait();
                return Err("load does not end".to_owned());
            }
        }
        until(length.saturating_sub(began.elapsed()), || false);
        Ok(())
    }
}

/// Waits until a moment of the wall clock.
fn pause(until_ms: i64) {
    let left = u64::try_from(until_ms - now_ms()).unwrap_or(0);
    until(Duration::from_millis(left), || false);
}

fn server(instances: &[Instance]) -> Result<Server, String> {
    let mut targets = String::new();
    for one in instances {
        let arm = if one.canary { "canary" } else { "stable" };
        let _ = writeln!(targets, "  - targets: ['127.0.0.1:{}']", one.port);
        let _ = writeln!(targets, "    labels: {{trace: '{}', arm: {arm}, pod: '{}'}}", one.trace, one.pod);
    }
    prometheus(SCRAPE_S, &targets)
}
