//! The splitter beside nginx: the same backends, the same load, in turns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adapter_local::{LocalTarget, control_socket};
use machine::sha256_hex;
use ports::Target;
use supervise::{Acquisition, Answer, Claim, Desired, Order, Probe, Probes, RevisionSpec, RunId, Weight};

use super::median;
use super::process::{children, cpu_ms};
use crate::door::Verdict;
use crate::programs;

const ROUNDS: usize = 3;
const RATE: &str = "2000";
const SECONDS: &str = "8s";
const AIM: f64 = 1.3;
const PATIENCE: Duration = Duration::from_secs(30);

/// CPU microseconds a request, and p99 in milliseconds.
struct Round {
    cpu_us: f64,
    p99_ms: f64,
    failed: u64,
}

/// Rounds in turns; the medians are compared.
///
/// # Errors
/// nginx is not there, or something cannot be started.
pub(super) fn measure() -> Result<Verdict, String> {
    let nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).is_file());
    let nginx = nginx.ok_or("nginx is not installed (apt-get install nginx-light)")?;
    let bin = programs::folder()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let state = folder.path().join("target");
    let port = programs::free_port()?;
    let mut start = Command::new(bin.join("nova-local"));
    start.args(["start", "--state"]).arg(&state).args(["--port", &port.to_string()]);
    let begun = programs::run(&mut start, PATIENCE)?;
    if !begun.status.success() {
        return Err(String::from_utf8_lossy(&begun.stderr).into_owned());
    }
    let rounds = compared(&bin, folder.path(), &state, port, nginx);
    let mut stop = Command::new(bin.join("nova-local"));
    let stopped = programs::run(stop.args(["stop", "--state"]).arg(&state), PATIENCE);
    let (ours, theirs) = rounds?;
    stopped?;
    Ok(verdict(&ours, &theirs))
}

fn verdict(ours: &[Round], theirs: &[Round]) -> Verdict {
    for (name, rounds) in [("splitter", ours), ("nginx", theirs)] {
        for round in rounds {
            let Round { cpu_us, p99_ms, failed } = round;
            println!("{name:<10} {cpu_us:>7.1} us CPU a request, p99 {p99_ms:>7.2} ms, {failed} failed");
        }
    }
    let of = |rounds: &[Round], figure: fn(&Round) -> f64| {
        median(&mut rounds.iter().map(figure).collect::<Vec<_>>())
    };
    let cpu = of(ours, |round| round.cpu_us) / of(theirs, |round| round.cpu_us);
    let p99 = of(ours, |round| round.p99_ms) / of(theirs, |round| round.p99_ms);
    let failed: u64 = ours.iter().map(|round| round.failed).sum();
    let text =
        format!("{cpu:.2}x nginx CPU per request (aim <= {AIM:.2}x), {p99:.2}x its p99, {failed} failed");
    Verdict::new(text, cpu <= AIM && failed == 0)
}

fn compared(
    bin: &Path,
    folder: &Path,
    state: &Path,
    port: u16,
    nginx: &str,
) -> Result<(Vec<Round>, Vec<Round>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let target = LocalTarget::new(control_socket(state));
    let backends = runtime.block_on(bring_up(&target, bin))?;
    let own = runtime.block_on(target.status()).map_err(|error| error.to_string())?.pid;
    let other_port = programs::free_port()?;
    let mut master = start_nginx(nginx, folder, other_port, &backends)?;
    let rounds = (|| {
        let worker = *children(master.id()).first().ok_or("nginx has no worker")?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // One short round each before it counts.
        load(bin, port, own, "1s")?;
        load(bin, other_port, worker, "1s")?;
        for _ in 0..ROUNDS {
            ours.push(load(bin, port, own, SECONDS)?);
            theirs.push(load(bin, other_port, worker, SECONDS)?);
        }
        Ok((ours, theirs))
    })();
    programs::signal(master.id(), "TERM", false);
    if programs::wait(&mut master, PATIENCE).is_none() {
        programs::signal(master.id(), "KILL", false);
        let _ = master.wait();
    }
    rounds
}

/// Two instances of the example service as the stable revision; gives their ports.
async fn bring_up(target: &LocalTarget, bin: &Path) -> Result<Vec<u16>, String> {
    let spec = revision(bin)?;
    let (id, run) = (spec.id(), RunId::new("measure"));
    let claim = Claim { run: run.clone(), control: String::new(), supersede: false };
    let acquired = target.acquire(&claim).await.map_err(|error| error.to_string())?;
    let Acquisition::Acquired { epoch, .. } = acquired else { return Err(format!("{acquired:?}")) };
    let order = async |key: &str, desired: Desired| {
        let order = Order { key: format!("measure/{key}"), run: run.clone(), epoch, expects: None, desired };
        match target.order(&order).await.map_err(|error| error.to_string())? {
            Answer::Accepted { .. } => Ok(()),
            other => Err(format!("{key}: {other:?}")),
        }
    };
    order("running", Desired::Running { spec: Box::new(spec) }).await?;
    let begun = std::time::Instant::now();
    let backends = loop {
        let seen = target.observe().await.map_err(|error| error.to_string())?;
        let known = seen.value.revisions.get(&id);
        if known.is_some_and(|known| known.ready() == 2) {
            break known
                .map(|known| known.instances.iter().filter_map(|i| i.port).collect())
                .unwrap_or_default();
        }
        if begun.elapsed() > PATIENCE {
            return Err("the instances are not ready".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let weight = Weight::new(100).ok_or("100 is a weight")?;
    order("weight", Desired::Weight { revision: id.clone(), weight, lease_ms: 60_000 }).await?;
    order("stable", Desired::Stable { revision: id }).await?;
    target.release(&run, epoch).await.map_err(|error| error.to_string())?;
    Ok(backends)
}

fn revision(bin: &Path) -> Result<RevisionSpec, String> {
    let program = bin.join("novacron-api-1-5-0");
    let bytes = std::fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    let ready = Probe { every_ms: 1_000, ..Probe::http("/health/ready") };
    Ok(RevisionSpec {
        version: "1.5.0".to_owned(),
        artifact: format!("sha256:{}", sha256_hex(&bytes)),
        source: program.display().to_string(),
        args: Vec::new(),
        env: BTreeMap::from([("NOVACRON_DB".to_owned(), "measure.db".to_owned())]),
        instances: 2,
        memory_limit_bytes: None,
        probes: Probes { ready, live: None },
        drain_max_ms: 2_000,
    })
}

/// One worker, connections to the backends kept, no log: what the splitter does besides counting.
fn start_nginx(program: &str, folder: &Path, port: u16, backends: &[u16]) -> Result<Child, String> {
    let servers: String = backends.iter().map(|port| format!("server 127.0.0.1:{port};")).collect();
    let text = format!(
        "worker_processes 1; daemon off; pid nginx.pid; error_log error.log;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; keepalive_requests 1000000; client_body_temp_path body; proxy_temp_path proxy;
            upstream backends {{ {servers} keepalive 256; keepalive_requests 1000000; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://backends; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
            }}
        }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&file).args(["-e", "error.log"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(|error| error.to_string())?;
    let up = programs::until(PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    if up { Ok(child) } else { Err(log(&folder.join("error.log"))) }
}

fn log(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

fn load(bin: &Path, port: u16, pid: u32, how_long: &str) -> Result<Round, String> {
    let before = cpu_ms(pid).ok_or("the proxy is gone")?;
    let mut command = Command::new(bin.join("load"));
    command.args(["--url", &format!("http://127.0.0.1:{port}"), "--rate", RATE, "--for", how_long]);
    let output = programs::run(&mut command, PATIENCE * 2)?;
    let used = cpu_ms(pid).ok_or("the proxy is gone")? - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().last().unwrap_or_default();
    let summary: serde_json::Value =
        serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
    let sent = summary["sent"].as_f64().filter(|sent| *sent > 0.0).ok_or("nothing was sent")?;
    Ok(Round {
        cpu_us: used as f64 * 1e3 / sent,
        p99_ms: summary["p99_ms"].as_f64().unwrap_or(f64::NAN),
        failed: summary["failed"].as_u64().unwrap_or(0),
    })
}
