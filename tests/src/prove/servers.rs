//! Outside servers for a proof: started on loopback and free ports, stopped by their pid, with all that they keep.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::programs::{free_port, signal, until, wait};

/// How long a server may take to answer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A server, ended when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    /// `HOST:PORT`
    pub(crate) address: String,
    /// What it keeps; removed with it.
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        signal(self.child.id(), "TERM", false);
        if wait(&mut self.child, Duration::from_secs(5)).is_none() {
            signal(self.child.id(), "KILL", false);
            let _ = self.child.wait();
        }
    }
}

/// Starts a program, of the Debian package of its name, that takes connections at a free port. It reads its
/// configuration from a file with this text; `arguments` are given the port and a folder.
///
/// # Errors
/// `not run: ...` when the program is not there; else it does not take connections in time.
pub(super) fn start(
    program: &str,
    config: &str,
    arguments: impl FnOnce(u16, &Path) -> Vec<String>,
) -> Result<Server, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let port = free_port()?;
    let file = folder.path().join("config.yml");
    std::fs::write(&file, config).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.args(arguments(port, folder.path())).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child =
        command.spawn().map_err(|_| format!("not run: {program} is not there (Debian package {program})"))?;
    let server = Server { child, address: format!("127.0.0.1:{port}"), _folder: folder };
    let ready = until(READY_WITHIN, || std::net::TcpStream::connect(&server.address).is_ok());
    if ready { Ok(server) } else { Err(format!("{program} takes no connection within {READY_WITHIN:?}")) }
}

/// What a target answers to a scrape: status, content type, body.
pub(super) type Scraped = (u16, &'static str, Vec<u8>);
/// The content type of the text format.
pub(super) const TEXT: &str = "text/plain; version=0.0.4";

/// A target that answers each scrape by its number, from 1 on. It ends with the process.
pub(super) fn exporter(answer: impl Fn(u64) -> Scraped + Send + 'static) -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    std::thread::spawn(move || {
        for (n, stream) in (1_u64..).zip(listener.incoming()) {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let (status, kind, body) = answer(n);
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&body);
        }
    });
    Ok(port)
}

/// A Prometheus that scrapes these groups of targets so often, as the job `example`.
pub(crate) fn prometheus(every_s: u64, groups: &str) -> Result<Server, String> {
    let text = format!(
        "global: {{scrape_interval: {every_s}s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: example\n  static_configs:\n{groups}"
    );
    start("prometheus", &text, |port, folder| {
        vec![
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--enable-feature=native-histograms".to_owned(),
        ]
    })
}

/// A runtime for the adapters.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
