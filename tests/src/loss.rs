//! A healthy release under load loses no request: counted by the users, from outside.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::Deserialize;

use crate::door::Verdict;
use crate::rig::{Rig, code, ended, signal, until};

/// How much, and how long the release takes.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Requests a second.
    pub rate: u32,
    /// For so many seconds.
    pub seconds: u32,
    /// Pause of each step and bake, in seconds.
    pub pause: u32,
    /// Fewer requests are no proof.
    pub at_least: u64,
}

/// What the load generator counted.
#[derive(Clone, Debug, Deserialize)]
pub struct Counted {
    /// Begun.
    pub sent: u64,
    /// Failed, those that were never sent included.
    pub failed: u64,
    /// Sent twice, since an idle connection had just been closed.
    pub retried: u64,
    /// Sent more than 50 ms after they were due.
    pub late_50ms: u64,
    /// Answers by version.
    pub by_version: std::collections::BTreeMap<String, u64>,
    /// Slowest percent, in milliseconds from the due time.
    pub p99_ms: Option<f64>,
}

impl Counted {
    /// Why it proves nothing, if it does not.
    pub fn void(&self, at_least: u64) -> Option<String> {
        let late = self.late_50ms as f64 / self.sent.max(1) as f64;
        let share =
            |version: &str| *self.by_version.get(version).unwrap_or(&0) as f64 / self.sent.max(1) as f64;
        if self.sent < at_least {
            return Some(format!("only {} of {at_least} requests were sent", self.sent));
        }
        if late > 0.001 {
            return Some(format!("{:.2} % of the requests were sent late", late * 100.0));
        }
        let seldom = ["1.5.0", "1.6.0"].into_iter().find(|version| share(version) < 0.05);
        seldom.map(|version| format!("{version} answered {:.1} % of the requests", share(version) * 100.0))
    }
}

/// Releases 1.6.0 over 1.5.0 under load; with `crash`, the runner is killed at 25 % and the run resumed.
///
/// # Errors
/// The release did not end in a promotion, or the load could not be counted.
pub fn release(weight: Weight, crash: bool) -> Result<Counted, String> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/load/pipeline.yaml");
    let wait = format!("{}s", weight.pause);
    let rig = Rig::of(&fixture, |text| {
        text.replace("pause: 20s, bake: 20s", &format!("pause: {wait}, bake: {wait}"))
    })?;
    let within = Duration::from_secs(u64::from(weight.seconds) + 120);
    let mut first = rig.run_with(&["version=1.5.0"], &[])?;
    if code_within(&mut first, within)? != 0 {
        return Err(format!("1.5.0 could not be brought up\n{}", rig.said()));
    }
    let mut load = rig.command("load", &[])?;
    load.arg("--url")
        .arg(format!("http://127.0.0.1:{}", rig.ports[0]))
        .arg("--rate")
        .arg(weight.rate.to_string());
    load.arg("--for").arg(format!("{}s", weight.seconds)).args([
        "--writes",
        "0.02",
        "--path",
        "/api/v1/vms/1",
    ]);
    load.args(["--path", "/api/v1/vms", "--out"])
        .arg(rig.folder().join("failed.jsonl"))
        .stdout(Stdio::piped());
    let mut load = load.spawn().map_err(|error| error.to_string())?;
    let released = released(&rig, crash, within);
    if released.is_err() {
        signal(&load, Signal::SIGTERM);
    }
    ended(&mut load, within)?;
    released.map_err(|why| format!("{why}\n{}", rig.said()))?;
    let mut said = String::new();
    let out = load.stdout.as_mut().ok_or("the load said nothing")?;
    std::io::Read::read_to_string(out, &mut said).map_err(|error| error.to_string())?;
    let counted: Counted = serde_json::from_str(said.lines().last().unwrap_or_default())
        .map_err(|error| format!("the load said {said:?}: {error}"))?;
    if counted.failed > 0 {
        let failed = std::fs::read_to_string(rig.folder().join("failed.jsonl")).unwrap_or_default();
        failed.lines().take(10).for_each(|line| println!("  {line}"));
    }
    Ok(counted)
}

fn released(rig: &Rig, crash: bool, within: Duration) -> Result<(), String> {
    let mut run = rig.run(&[])?;
    if crash {
        until("25 %", within, || rig.traffic().contains(&("1.6.0".to_owned(), 25)))?;
        signal(&run, Signal::SIGKILL);
        code(&mut run)?;
        run = rig.call(&["resume"], &[])?;
    }
    match code_within(&mut run, within)? {
        0 => Ok(()),
        other => Err(format!("the release ended with {other}")),
    }
}

fn code_within(child: &mut std::process::Child, within: Duration) -> Result<i32, String> {
    Ok(ended(child, within)?.code().unwrap_or(-1))
}

/// Both releases, with the table and the verdict.
///
/// # Errors
/// A release did not end in a promotion, or the measurement proves nothing.
pub fn prove() -> Result<Verdict, String> {
    let weight = Weight { rate: 1_000, seconds: 112, pause: 20, at_least: 100_000 };
    let (mut failed, mut sent) = (0, 0);
    println!(
        "{:<22} {:>8} {:>7} {:>8} {:>6} {:>9} {:>9} {:>8}",
        "release", "sent", "failed", "retried", "late", "by 1.5.0", "by 1.6.0", "p99 ms"
    );
    for (name, crash) in [("undisturbed", false), ("kill -9 and resume", true)] {
        let counted = release(weight, crash)?;
        let by = |version: &str| *counted.by_version.get(version).unwrap_or(&0);
        println!(
            "{name:<22} {:>8} {:>7} {:>8} {:>6} {:>9} {:>9} {:>8.1}",
            counted.sent,
            counted.failed,
            counted.retried,
            counted.late_50ms,
            by("1.5.0"),
            by("1.6.0"),
            counted.p99_ms.unwrap_or(0.0)
        );
        if let Some(why) = counted.void(weight.at_least) {
            return Err(format!("void ({name}): {why}"));
        }
        failed += counted.failed;
        sent += counted.sent;
    }
    Ok(Verdict::new(format!("{failed} of {sent} requests failed in two releases (aim 0)"), failed == 0))
}
