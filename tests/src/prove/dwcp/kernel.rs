//! `prove dwcp-kernel`: TCP of the simulator against TCP of the kernel, behind a rate limit in a network namespace.
//!
//! The kernels of CI machines have `tbf` and no `netem`, so the rate can be compared, delay and loss cannot.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use dwcp_conformance::sim::{Ack, Controller, Flows, Link, Loss, Path, Window};
use nix::sched::{CloneFlags, setns};
use reference_sut::dispatch::Sut;
use serde_json::{Value, json};

use crate::door::{Verdict, quick};
use crate::programs;

const LIMIT: Duration = Duration::from_secs(10);
/// Bytes on the wire of a full segment over Ethernet, and of its payload with timestamps.
const WIRE: u32 = 1_514;
const PAYLOAD: f64 = 1_448.0;
/// Bytes that wait before the limit.
const BUFFER: u64 = 100_000;
/// How often the kernel is tried where the two are apart.
const TRIES: u32 = 3;
/// How far the two may be apart.
const APART: f64 = 0.05;
const SECOND_NS: u64 = 1_000_000_000;

/// A namespace behind a limited link; gone with it.
struct Namespace {
    name: String,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut command = Command::new("ip");
        let _ = programs::run(command.args(["netns", "del", &self.name]), LIMIT);
    }
}

fn tool(program: &str, words: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(words.split(' '));
    let said = programs::run(&mut command, LIMIT)
        .map_err(|_| format!("not run: {program} is not there (Debian package iproute2)"))?;
    if said.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(format!("not run: {program} {words}: {why} (needs root and network namespaces)"))
}

/// Two ends: ours limited to a rate, the other in a namespace of its own.
fn limited(rate_bps: u64, subnet: u8) -> Result<Namespace, String> {
    let id = std::process::id() % 10_000;
    let (name, ours, theirs) =
        (format!("nova-{id}-{subnet}"), format!("nv{id}a{subnet}"), format!("nv{id}b{subnet}"));
    tool("ip", &format!("netns add {name}"))?;
    let namespace = Namespace { name: name.clone() };
    tool("ip", &format!("link add {ours} type veth peer name {theirs} netns {name}"))?;
    tool("ip", &format!("addr add 10.213.{subnet}.1/30 dev {ours}"))?;
    tool("ip", &format!("link set {ours} up"))?;
    tool("ip", &format!("-n {name} addr add 10.213.{subnet}.2/30 dev {theirs}"))?;
    tool("ip", &format!("-n {name} link set {theirs} up"))?;
    tool("tc", &format!("qdisc add dev {ours} root tbf rate {rate_bps}bit burst 16000 limit {BUFFER}"))?;
    Ok(namespace)
}

/// Payload bits a second that the kernel gets through, its first quarter left out.
fn kernel(rate_bps: u64, subnet: u8, lasts: Duration) -> Result<f64, String> {
    let namespace = limited(rate_bps, subnet)?;
    let path = format!("/var/run/netns/{}", namespace.name);
    let (tell, told) = std::sync::mpsc::channel();
    // A thread may have a network namespace of its own; its sockets stay in it.
    let receiver = std::thread::spawn(move || -> Result<f64, String> {
        let file = File::open(&path).map_err(|error| format!("not run: {path}: {error}"))?;
        setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| format!("not run: setns: {error}"))?;
        let listener = TcpListener::bind(("0.0.0.0", 0))
            .map_err(|error| format!("a listener in the namespace: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        tell.send(port).map_err(|error| error.to_string())?;
        let (mut stream, _) = listener.accept().map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(LIMIT)).map_err(|error| error.to_string())?;
        let (begun, mut bytes, mut counted_from) = (Instant::now(), 0_u64, None);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if counted_from.is_some() {
                bytes += read as u64;
            } else if begun.elapsed() >= lasts / 4 {
                counted_from = Some(Instant::now());
            }
            if begun.elapsed() >= lasts {
                break;
            }
        }
        let seconds = counted_from.map_or(0.0, |from| from.elapsed().as_secs_f64());
        Ok(bytes as f64 * 8.0 / seconds.max(1e-9))
    });
    let sent = told
        .recv_timeout(LIMIT)
        .map_err(|error| error.to_string())
        .and_then(|port| send(subnet, port, lasts));
    let received = receiver.join().map_err(|_| "the receiver ended".to_owned())?;
    drop(namespace);
    let rate = received?;
    sent.map(|()| rate)
}

fn send(subnet: u8, port: u16, lasts: Duration) -> Result<(), String> {
    let address = format!("10.213.{subnet}.2:{port}").parse().map_err(|error| format!("{error}"))?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).map_err(|error| error.to_string())?;
    stream.set_write_timeout(Some(LIMIT)).map_err(|error| error.to_string())?;
    let (begun, block) = (Instant::now(), vec![0; 1 << 15]);
    // The receiver closes when it has counted enough.
    while begun.elapsed() < lasts + LIMIT && stream.write_all(&block).is_ok() {}
    Ok(())
}

/// The reference's controller, in this process.
struct Reference {
    sut: Sut,
    conn: Value,
}

impl Reference {
    fn ask(&mut self, op: &str, params: &Value) -> Result<Value, String> {
        let line = json!({"v": 1, "id": 1, "op": op, "params": params}).to_string();
        let (answer, _) = self.sut.line(line.as_bytes());
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        if answer["ok"] == true { Ok(answer["result"].clone()) } else { Err(answer.to_string()) }
    }

    fn event(&mut self, op: &str, mut params: Value) -> Result<Window, String> {
        params["conn"] = self.conn.clone();
        let state = self.ask(op, &params)?;
        // The kernel does not pace CUBIC: the window alone decides.
        Ok(Window { cwnd_bytes: state["cwnd"].as_u64().unwrap_or(0), pacing: None, release_ns: None })
    }
}

impl Controller for Reference {
    type Error = String;

    fn sent(&mut self, now: u64, packet: u64, bytes: u32) -> Result<Window, String> {
        self.event("acp.sent", json!({"now": now, "packet": packet, "bytes": bytes}))
    }

    fn acked(&mut self, ack: Ack) -> Result<Window, String> {
        let (now, sent) = (ack.now_ns, ack.sent_ns);
        self.event("acp.acked", json!({"now": now, "packet": ack.number, "bytes": ack.bytes, "sent": sent}))
    }

    fn lost(&mut self, loss: Loss) -> Result<Window, String> {
        let (now, sent) = (loss.now_ns, loss.sent_ns);
        self.event("acp.lost", json!({"now": now, "packet": loss.number, "bytes": loss.bytes, "sent": sent}))
    }

    fn marked(&mut self, mark: Loss) -> Result<Window, String> {
        self.lost(mark)
    }

    fn timed_out(&mut self, now: u64, bytes: u64) -> Result<Window, String> {
        self.event("acp.rto", json!({"now": now, "bytes": bytes}))
    }
}

/// Payload bits a second in the simulator, the first quarter left out.
fn simulated(alg: &str, rate_bps: u64, seconds: u64) -> Result<f64, String> {
    let mut controller = Reference { sut: Sut::new(None), conn: Value::Null };
    let opened = controller.ask("acp.open", &json!({"alg": alg, "mss": WIRE}))?;
    controller.conn = opened["conn"].clone();
    let cwnd_bytes = opened["cwnd"].as_u64().unwrap_or(0);
    let window = Window { cwnd_bytes, pacing: None, release_ns: None };
    let link = Link::new(rate_bps, 50_000).buffered(BUFFER);
    let path = Path { link, back_ns: 50_000, mss: WIRE, cross_bps: 0 };
    let mut flows = Flows::new(path, 1, vec![(controller, window, 0)]);
    let until = seconds * SECOND_NS;
    flows.run(until, &mut |_| Ok(()))?;
    let report = flows.reports().next().ok_or("there is a flow")?;
    let used = report.utilisation(until / 4, until, rate_bps);
    Ok(used * rate_bps as f64 * PAYLOAD / f64::from(WIRE))
}

/// Both at some rates.
///
/// # Errors
/// `not run` without root, namespaces or iproute2.
pub fn prove() -> Result<Verdict, String> {
    let seconds = if quick() { 4 } else { 8 };
    let mut worst = 0.0_f64;
    println!("{:<12} {:>14} {:>14} {:>8}", "limit", "kernel Mbit/s", "CUBIC here", "apart");
    for (subnet, mbit) in [(1, 10), (2, 25), (3, 60)] {
        let rate = mbit * 1_000_000;
        let here = simulated("cubic", rate, seconds)?;
        let (mut real, mut apart) = (0.0_f64, f64::INFINITY);
        for _ in 0..TRIES {
            // A busy machine can only make the kernel's goodput smaller: the best try counts.
            real = real.max(kernel(rate, subnet, Duration::from_secs(seconds))?);
            apart = (here / real - 1.0).abs();
            if apart <= APART {
                break;
            }
        }
        println!(
            "{:<12} {:>14.2} {:>14.2} {:>7.1}%",
            format!("{mbit} Mbit/s"),
            real / 1e6,
            here / 1e6,
            apart * 100.0
        );
        worst = worst.max(apart);
    }
    let text = format!(
        "goodput of the simulated TCP within {:.1} % of the kernel's (aim <= {:.0} %)",
        worst * 100.0,
        APART * 100.0
    );
    Ok(Verdict::new(text, worst <= APART))
}
