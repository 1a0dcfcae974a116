//! A place for one run of the real binaries: a folder, free ports, a fixture; everything in it ends with it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use adapter_local::LocalTarget;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nova_pipeline::history::{Past, run_id, state};
use ports::Target;
use supervise::TargetView;

use crate::programs;

/// Between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// Longest life of a process of ours, where nothing else is said.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Ports of rigs; below those that targets give to instances.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
const PORTS: std::ops::Range<u16> = 11_000..19_000;

/// One run, its targets, and where they live.
pub struct Rig {
    folder: tempfile::TempDir,
    file: PathBuf,
    /// Production, staging, sink.
    pub ports: [u16; 3],
}

/// The folder of the binaries, built as this program was.
///
/// # Errors
/// They could not be built.
pub fn binaries() -> Result<PathBuf, String> {
    programs::folder()
}

fn free_port() -> u16 {
    let span = PORTS.end - PORTS.start;
    let own = (std::process::id() % u32::from(span)) as u16;
    loop {
        let port =
            PORTS.start + own.wrapping_mul(61).wrapping_add(NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % span;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Rig {
    /// A rig for the crash fixture; `edit` changes its text first.
    ///
    /// # Errors
    /// The binaries are not there, or the folder cannot be made.
    pub fn new(edit: impl Fn(String) -> String) -> Result<Self, String> {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/crash/pipeline.yaml");
        Self::of(&fixture, edit)
    }

    /// A rig for any pipeline file.
    ///
    /// # Errors
    /// As for `new`.
    pub fn of(fixture: &Path, edit: impl Fn(String) -> String) -> Result<Self, String> {
        binaries()?;
        let folder = tempfile::Builder::new().prefix("rig").tempdir().map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(fixture).map_err(|error| error.to_string())?;
        let file = folder.path().join("pipeline.yaml");
        std::fs::write(&file, edit(text)).map_err(|error| error.to_string())?;
        let ports = [free_port(), free_port(), free_port()];
        Ok(Self { folder, file, ports })
    }

    /// The folder of all of it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// `nova-pipeline run`, under a variable or two.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, env: &[(&str, &str)]) -> Result<Child, String> {
        self.run_with(&[], env)
    }

    /// The same with inputs set for this run alone, as `NAME=VALUE`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run_with(&self, inputs: &[&str], env: &[(&str, &str)]) -> Result<Child, String> {
        let mut command = self.command("nova-pipeline", env)?;
        command.arg("run").arg(&self.file).arg("--state-dir").arg(self.state());
        for (name, port) in ["port", "staging_port", "sink_port"].iter().zip(self.ports) {
            command.arg("--set").arg(format!("{name}={port}"));
        }
        for input in inputs {
            command.arg("--set").arg(input);
        }
        command.spawn().map_err(|error| error.to_string())
    }

    /// Another call of `nova-pipeline` about the newest run, e.g. `resume` or `cancel`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn call(&self, words: &[&str], env: &[(&str, &str)]) -> Result<Child, String> {
        let mut command = self.command("nova-pipeline", env)?;
        let (first, rest) = words.split_first().ok_or("no words")?;
        command.arg(first).arg("last").args(rest).arg("--state-dir").arg(self.state());
        command.spawn().map_err(|error| error.to_string())
    }

    /// One of our programs, its words going to the rig's log.
    ///
    /// # Errors
    /// The binaries are not there, or the log cannot be written.
    pub fn command(&self, program: &str, env: &[(&str, &str)]) -> Result<Command, String> {
        let log = File::options().create(true).append(true).open(self.folder.path().join("said"));
        let log = log.map_err(|error| error.to_string())?;
        let mut command = Command::new(binaries()?.join(program));
        command.envs(env.iter().copied()).stdin(Stdio::null());
        command.stderr(log.try_clone().map_err(|error| error.to_string())?).stdout(log);
        Ok(command)
    }

    /// What was printed so far; the last 30 lines.
    pub fn said(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(30)).map(|line| format!("    {line}\n")).collect()
    }

    /// The newest run as its journal tells it.
    ///
    /// # Errors
    /// There is none, or its journal is broken.
    pub fn past(&self) -> Result<Past, String> {
        let state = state(&self.state()).map_err(|error| error.to_string())?;
        let id = run_id(&state, "last").map_err(|error| error.to_string())?;
        Past::read(&state, &id).map_err(|error| error.to_string())
    }

    /// The folder of a target.
    pub fn target_folder(&self, name: &str) -> PathBuf {
        self.state().join("targets").join(name)
    }

    /// A target as it shows itself, `None` when it does not answer.
    pub fn view(&self, name: &str) -> Option<TargetView> {
        let target = LocalTarget::new(adapter_local::control_socket(&self.target_folder(name)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(target.observe()).ok().map(|seen| seen.value)
    }

    /// Version and share of all that have traffic in production.
    pub fn traffic(&self) -> Vec<(String, u8)> {
        let Some(view) = self.view("production") else { return Vec::new() };
        let version =
            |id| view.revisions.get(id).map_or_else(String::new, |revision| revision.version.clone());
        let shares = view.weights.iter().filter(|(_, weight)| weight.percent() > 0);
        shares.map(|(id, weight)| (version(id), weight.percent())).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for target in ["staging", "production"] {
            if !self.target_folder(target).is_dir() {
                continue;
            }
            if let Ok(mut stop) = self.command("nova-local", &[]) {
                stop.arg("stop").arg("--state").arg(self.target_folder(target));
                // One that does not run is no error.
                let _ = stop.status();
            }
        }
    }
}

/// Waits until it has ended; kills it when it does not in time.
///
/// # Errors
/// It did not end in time.
pub fn ended(child: &mut Child, within: Duration) -> Result<ExitStatus, String> {
    let begun = Instant::now();
    while begun.elapsed() < within {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("process {} did not end within {} s", child.id(), within.as_secs()))
}

/// The exit code, once it has ended; 128 and the signal when one ended it.
///
/// # Errors
/// It did not end in time.
pub fn code(child: &mut Child) -> Result<i32, String> {
    use std::os::unix::process::ExitStatusExt;
    let status = ended(child, PATIENCE)?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// Waits until something holds.
///
/// # Errors
/// It did not in time.
pub fn until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) -> Result<(), String> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > within {
            return Err(format!("{what}: not within {} s", within.as_secs()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Copies what a failed trial left, for whoever looks into it. Gives the place.
pub fn keep(rig: &Rig) -> String {
    let to = std::env::temp_dir().join(format!("kept-{}-{}", std::process::id(), rig.ports[0]));
    // Without a copy there is still the message.
    let _ = Command::new("cp").arg("-r").arg(rig.folder()).arg(&to).stderr(Stdio::null()).status();
    to.display().to_string()
}

/// Sends a signal to a process of ours.
pub fn signal(child: &Child, signal: Signal) {
    // It may have ended in this moment.
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
}
