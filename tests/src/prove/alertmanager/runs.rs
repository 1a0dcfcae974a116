//! Real runs whose release keeps alerts quiet at a real Alertmanager: on every way out, after a crash, and without it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use ports::{Silences, Standing};
use tokio::runtime::Runtime;

use super::super::servers::now_ms;
use crate::programs::{free_port, root};
use crate::rig::{PATIENCE, Rig, code, signal, until};

/// What guards.
const ALERTS: &str = "groups:
- name: rollout
  rules:
  - alert: HighErrorRate
    expr: sum(rate(errors_total[5m])) > 1
    labels: {severity: critical}
";
/// How the release is told to end: its last check passes, or fails.
const GOOD: &str = "0";
const BAD: &str = "1";
/// Longest time for which an Alertmanager that is away may hold up the end of a run.
const HELD_UP: Duration = Duration::from_secs(15);

/// Runs with their Alertmanager.
pub(super) struct Runs<'a> {
    pub(super) address: &'a str,
    pub(super) runtime: &'a Runtime,
}

impl Runs<'_> {
    /// All of it, row by row.
    pub(super) fn rows(&self) -> Vec<(&'static str, Result<(), String>)> {
        vec![
            ("a run: quiet during its release, loud when promoted", self.ends(GOOD, 0)),
            ("a run: loud after a rollback", self.ends(BAD, 11)),
            ("a run: loud after SIGINT", self.signalled(Signal::SIGINT)),
            ("a run: loud after SIGTERM", self.signalled(Signal::SIGTERM)),
            ("a run: loud after kill -9 and resume", self.resumed()),
            ("a run: loud after kill -9 and another run", self.swept()),
            ("a run: refused when it could meet a guard", self.refused()),
            ("a run: without an Alertmanager as with one", Self::away(&format!("127.0.0.1:{}", free()))),
            ("a run: with one that never answers, too", Self::hanging()),
            ("a watch: quiet meanwhile, loud after SIGINT", self.watched(Signal::SIGINT)),
            ("a watch: loud after SIGTERM", self.watched(Signal::SIGTERM)),
            ("a watch: refused when it could meet a guard", self.watch_refused()),
        ]
    }

    fn standing(&self) -> Result<Vec<Standing>, String> {
        let silences = super::silences(self.address);
        self.runtime.block_on(silences.standing()).map_err(|error| error.to_string())
    }

    /// A run whose release is at work with its silences.
    fn at_work(&self) -> Result<(Rig, Child), String> {
        let rig = rig(|text| text)?;
        let child = rig.run_with(&[&format!("alertmanager=http://{}", self.address)], &[])?;
        let stand = || self.standing().is_ok_and(|standing| standing.len() == 2);
        until("two silences stand", PATIENCE, stand).map_err(|why| format!("{why}\n{}", rig.said()))?;
        Ok((rig, child))
    }

    /// No silence is left, once the process has ended with that code.
    fn loud(&self, rig: &Rig, child: &mut Child, wanted: i32) -> Result<(), String> {
        let (ended, left) = (code(child)?, self.standing()?);
        if ended == wanted && left.is_empty() {
            return Ok(());
        }
        Err(format!("exit code {ended}, {left:?} left\n{}", rig.said()))
    }

    fn ends(&self, how: &str, wanted: i32) -> Result<(), String> {
        let (rig, mut child) = self.at_work()?;
        let run = rig.past()?.replayed.machine.definition().map(|it| it.run.clone()).unwrap_or_default();
        for it in self.standing()? {
            let end = it.ends_ms - now_ms();
            let says =
                format!("quiet: deploy releases 2 on production [novacron-delivery run={run}/deploy#1]");
            if it.owner != "novacron-delivery" || it.comment != says || !(500_000..=600_000).contains(&end) {
                return Err(format!("it says {it:?}, not {says:?}, and ends in {end} ms"));
            }
        }
        write(&rig.state().join("go"), how)?;
        // The run goes on with its last job, and the release has ended.
        let none = || self.standing().is_ok_and(|standing| standing.is_empty());
        until("all are lifted", PATIENCE, none).map_err(|why| format!("{why}\n{}", rig.said()))?;
        if how == GOOD && !matches!(child.try_wait(), Ok(None)) {
            return Err(format!("the run did not wait for its last job\n{}", rig.said()));
        }
        tell(&rig, how)?;
        self.loud(&rig, &mut child, wanted)
    }

    fn signalled(&self, by: Signal) -> Result<(), String> {
        let (rig, mut child) = self.at_work()?;
        signal(&child, by);
        self.loud(&rig, &mut child, 11)
    }

    /// A run whose runner was killed at work; its silences stand.
    fn killed(&self) -> Result<Rig, String> {
        let (rig, mut child) = self.at_work()?;
        signal(&child, Signal::SIGKILL);
        code(&mut child)?;
        match self.standing()?.len() {
            2 => Ok(rig),
            left => Err(format!("{left} silences stand after kill -9")),
        }
    }

    fn resumed(&self) -> Result<(), String> {
        let rig = self.killed()?;
        tell(&rig, GOOD)?;
        self.loud(&rig, &mut rig.call(&["resume"], &[])?, 0)
    }

    /// The other run releases elsewhere; the target of the dead one is held.
    fn swept(&self) -> Result<(), String> {
        let rig = self.killed()?;
        tell(&rig, GOOD)?;
        let other = rig.folder().join("other.yaml");
        let text = std::fs::read_to_string(fixture()).map_err(|error| error.to_string())?;
        let text = text.replace("target: production", "target: staging");
        std::fs::write(&other, text).map_err(|error| error.to_string())?;
        let mut command = rig.command("nova-pipeline", &[])?;
        command.arg("run").arg(other).arg("--state-dir").arg(rig.state());
        for (name, value) in
            [("staging_port", rig.ports[1].to_string()), ("alertmanager", format!("http://{}", self.address))]
        {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        self.loud(&rig, &mut command.spawn().map_err(|error| error.to_string())?, 0)
    }

    fn refused(&self) -> Result<(), String> {
        let rig = rig(|text| text.replace("alertname=~\"Replica.*\"", "severity=\"critical\""))?;
        let ended = code(&mut rig.run(&[])?)?;
        let said = rig.said();
        let why = "severity=\"critical\" could keep HighErrorRate quiet, which guards the rollout";
        if ended == 2 && said.contains(why) && !rig.state().exists() && self.standing()?.is_empty() {
            return Ok(());
        }
        Err(format!("exit code {ended}\n{said}"))
    }

    /// The release is promoted all the same, and one line says what is missing.
    fn away(address: &str) -> Result<(), String> {
        let rig = rig(|text| text)?;
        let mut child = rig.run_with(&[&format!("alertmanager=http://{address}")], &[])?;
        let missing = || rig.said().contains("alerts are not kept quiet");
        let told = until("it is told", PATIENCE, missing);
        tell(&rig, GOOD)?;
        let begun = Instant::now();
        let ended = code(&mut child)?;
        let lines = rig.said().matches("alerts are not kept quiet").count();
        if told.is_ok() && ended == 0 && lines == 1 && begun.elapsed() < HELD_UP {
            return Ok(());
        }
        Err(format!("exit code {ended} after {:?}, told {lines} times\n{}", begun.elapsed(), rig.said()))
    }

    /// `nova-gate watch` with a silence; what it looks at does not matter here.
    fn watch(&self, rig: &Rig, silence: &str) -> Result<Child, String> {
        let (server, mut command) = (format!("http://{}", self.address), rig.command("nova-gate", &[])?);
        command.args(["watch", "--for", "40s", "--decides", "literal", "--canary", &server]);
        command.args(["--alertmanager", &server, "--silence", silence, "--silence-guards"]);
        command.arg(rig.folder().join("alerts.yml"));
        command.spawn().map_err(|error| error.to_string())
    }

    fn watched(&self, by: Signal) -> Result<(), String> {
        let rig = rig(|text| text)?;
        let mut child = self.watch(&rig, "alertname=\"PodRestarting\"")?;
        until("a silence stands", PATIENCE, || self.standing().is_ok_and(|standing| standing.len() == 1))?;
        signal(&child, by);
        self.loud(&rig, &mut child, 12)
    }

    fn watch_refused(&self) -> Result<(), String> {
        let rig = rig(|text| text)?;
        self.loud(&rig, &mut self.watch(&rig, "service=\"api\"")?, 2)
    }

    fn hanging() -> Result<(), String> {
        // Connections wait in its queue, and nobody takes them.
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        Self::away(&address.to_string())
    }
}

fn free() -> u16 {
    free_port().unwrap_or(9)
}

fn fixture() -> std::path::PathBuf {
    root().join("tests/fixtures/quiet/pipeline.yaml")
}

fn rig(edit: impl Fn(String) -> String) -> Result<Rig, String> {
    let rig = Rig::of(&fixture(), edit)?;
    write(&rig.folder().join("alerts.yml"), ALERTS)?;
    Ok(rig)
}

/// How the release ends, and that the run may.
fn tell(rig: &Rig, how: &str) -> Result<(), String> {
    write(&rig.state().join("end"), "")?;
    write(&rig.state().join("go"), how)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
