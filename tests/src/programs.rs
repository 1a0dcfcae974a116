//! The real programs of the workspace, built once, and called with a limit of time.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// The folder of the programs, built in the profile of the caller.
///
/// # Errors
/// They cannot be built.
pub fn folder() -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(&cargo);
    // The whole workspace: another choice of packages would build what they share once more, with other features.
    build.current_dir(root()).args(["build", "--quiet", "--workspace", "--bins", "--example", "tiny"]);
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    if profile == "release" {
        build.arg("--release");
    }
    let built = build.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !built.status.success() {
        return Err(format!("the programs cannot be built: {}", String::from_utf8_lossy(&built.stderr)));
    }
    let mut metadata = Command::new(&cargo);
    metadata.current_dir(root()).args(["metadata", "--no-deps", "--format-version", "1"]);
    let said = metadata.output().map_err(|error| format!("cargo metadata: {error}"))?;
    let value: serde_json::Value =
        serde_json::from_slice(&said.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let target = value["target_directory"].as_str().ok_or("cargo metadata names no target folder")?;
    Ok(Path::new(target).join(profile))
}

/// Runs a command to its end; kills it and its group after `within`.
///
/// # Errors
/// It cannot be started, or does not end in time.
pub fn run(command: &mut Command, within: Duration) -> Result<Output, String> {
    use std::os::unix::process::CommandExt;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let readers = [
        child.stdout.take().map(|out| std::thread::spawn(move || read(out))),
        child.stderr.take().map(|err| std::thread::spawn(move || read(err))),
    ];
    let status = wait(&mut child, within).ok_or_else(|| {
        kill(child.id(), true);
        let _ = child.wait();
        format!("{command:?} did not end within {within:?}")
    })?;
    let [stdout, stderr] = readers.map(|r| r.and_then(|r| r.join().ok()).unwrap_or_default());
    Ok(Output { status, stdout, stderr })
}

fn read(mut from: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read until an error is what there is.
    let _ = from.read_to_end(&mut bytes);
    bytes
}

/// Waits for a process at most so long.
pub fn wait(child: &mut Child, within: Duration) -> Option<std::process::ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if begun.elapsed() > within {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Looks until it holds, at most so long.
pub fn until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

/// Sends SIGKILL or SIGTERM to a process that we started, or to its whole group.
pub fn signal(pid: u32, name: &str, group: bool) {
    let target = if group { format!("-{pid}") } else { pid.to_string() };
    // One that is gone needs no signal.
    let _ = Command::new("kill").args([&format!("-{name}"), "--", &target]).stderr(Stdio::null()).status();
}

fn kill(pid: u32, group: bool) {
    signal(pid, "KILL", group);
}

/// A free port of the loopback interface.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
