//! The service as a process: its start, its drain, its crash, its refusals.

use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    child: Child,
    address: String,
    _folder: TempDir,
}

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_novacron-api-1-6-0"));
    command.env_clear().env("PORT", "0").env("NOVACRON_DB", folder.path().join("vms.db"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn start(variables: &[(&str, &str)]) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command(&folder).envs(variables.iter().copied()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    assert!(line.starts_with("novacron-api 1.6.0 listening on 127.0.0.1:"), "{line}");
    let address = line.rsplit(' ').next().expect("an address").to_owned();
    Running { child, address, _folder: folder }
}

impl Running {
    fn terminate(&self) {
        let pid = i32::try_from(self.child.id().expect("running")).expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("signalled");
    }

    async fn end(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("in time").expect("ended")
    }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
}

/// Reads until the answer has its head and a body of the announced length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length.parse() == Ok(body.len())) {
                return text;
            }
        }
        let mut part = [0; 4096];
        let count = timeout(PATIENCE, stream.read(&mut part)).await.expect("in time").expect("read");
        assert!(count > 0, "closed after {text:?}");
        read.extend_from_slice(&part[..count]);
    }
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_ends_in_0() {
    let mut running = start(&[("NOVACRON_FAULT", "latency"), ("NOVACRON_FAULT_STRENGTH", "3000")]).await;
    let mut idle = TcpStream::connect(&running.address).await.expect("connected");
    ask(&mut idle, "/health").await;
    assert!(!answer(&mut idle).await.contains("connection: close"));
    let mut slow = TcpStream::connect(&running.address).await.expect("connected");
    ask(&mut slow, "/api/v1/vms/1").await;
    // The slow request is in flight as soon as a later one on another connection was counted.
    ask(&mut idle, "/health").await;
    answer(&mut idle).await;
    running.terminate();
    let told = Instant::now();
    // For as long as something is in flight, new connections are answered: longer than it lingers in any case.
    let not_ready = async {
        loop {
            let mut probe = TcpStream::connect(&running.address).await.expect("still accepts");
            ask(&mut probe, "/health/ready").await;
            let text = answer(&mut probe).await;
            if text.starts_with("HTTP/1.1 503") && told.elapsed() > Duration::from_millis(600) {
                return text;
            }
        }
    };
    let text = timeout(PATIENCE, not_ready).await.expect("not ready in time");
    assert!(text.contains("connection: close"), "{text}");
    let text = answer(&mut slow).await;
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("connection: close"), "{text}");
    assert_eq!(running.end().await.code(), Some(0));
    assert_eq!(timeout(PATIENCE, idle.read(&mut [0; 1])).await.expect("in time").expect("closed"), 0);
    assert!(TcpStream::connect(&running.address).await.is_err());
}

#[tokio::test]
async fn a_crash_is_exit_101_after_its_time() {
    let mut running = start(&[("NOVACRON_FAULT", "crash"), ("NOVACRON_FAULT_AFTER", "0.3")]).await;
    assert_eq!(running.end().await.code(), Some(101));
}

#[tokio::test]
async fn bad_configuration_is_exit_2_with_every_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(&folder)
        .env("PORT", "http")
        .env("NOVACRON_DB", folder.path().join("none/vms.db"))
        .env("NOVACRON_FAULT", "gremlins")
        .output();
    let output = timeout(PATIENCE, output).await.expect("in time").expect("ended");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for part in ["PORT: \"http\"", "NOVACRON_DB: folder ", "NOVACRON_FAULT: \"gremlins\""] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn a_port_in_use_and_a_file_that_is_no_database_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    std::fs::write(
        folder.path().join("text.db"),
        "no database, but long enough to be read as one".repeat(100),
    )
    .expect("written");
    for (name, value, told) in [
        ("PORT", port, "cannot listen on 127.0.0.1:"),
        ("NOVACRON_DB", folder.path().join("text.db").display().to_string(), "file is not a database"),
    ] {
        let output = command(&folder).env(name, value).output();
        let output = timeout(PATIENCE, output).await.expect("in time").expect("ended");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn the_benchmark_compares_with_its_baseline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("baseline.json");
    for (baseline, code) in [
        (r#"{"name":"vms_get","ns_per_op":999999999}"#, 0),
        (r#"{"name":"vms_get","ns_per_op":1}"#, 10),
        (r#"{"name":"other","ns_per_op":1}"#, 2),
        (r#"{"name":"vms_get","ns_per_op":-1}"#, 2),
    ] {
        std::fs::write(&path, baseline).expect("written");
        let output = Command::new(env!("CARGO_BIN_EXE_novacron-bench"))
            .args(["--requests", "100", "--baseline"])
            .arg(&path)
            .output();
        let output = timeout(PATIENCE, output).await.expect("in time").expect("ended");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), usize::from(code != 2));
    }
}
