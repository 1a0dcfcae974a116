//! Under load: a drain, a restart by order and an upgrade lose no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use ports::Target;
use supervise::Desired;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bed::{Bed, program};

const WORKERS: u32 = 8;

async fn connect(port: u16) -> Result<SendRequest<Empty<Bytes>>, String> {
    let stream =
        TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| format!("connect: {error}"))?;
    let (wire, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(wire)
}

async fn ask(wire: &mut SendRequest<Empty<Bytes>>) -> Result<String, String> {
    let request = Request::get("/").header("host", "test").body(Empty::new()).unwrap();
    let answer = wire.send_request(request).await.map_err(|error| format!("send: {error}"))?;
    let status = answer.status();
    let revision =
        answer.headers().get("x-nova-revision").map_or("", |value| value.to_str().unwrap()).to_owned();
    answer.into_body().collect().await.map_err(|error| format!("body: {error}"))?;
    if status.is_success() { Ok(revision) } else { Err(status.to_string()) }
}

/// One request on a connection of its own; gives the revision that answered.
pub(crate) async fn once(port: u16) -> Result<String, String> {
    ask(&mut connect(port).await?).await
}

/// Clients with kept connections that ask without a break.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
    workers: JoinSet<Vec<String>>,
}

impl Load {
    fn begin(port: u16) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            workers.spawn(async move {
                let (mut wire, mut failed) = (None, Vec::new());
                while !stop.load(SeqCst) {
                    let mut open = match wire.take() {
                        Some(wire) => wire,
                        None => match connect(port).await {
                            Ok(wire) => wire,
                            Err(why) => {
                                failed.push(why);
                                continue;
                            }
                        },
                    };
                    sent.fetch_add(1, SeqCst);
                    match ask(&mut open).await {
                        // An answer that asks to close is no failure: the next request goes over a new connection.
                        Ok(_) if open.ready().await.is_ok() => wire = Some(open),
                        Ok(_) => {}
                        Err(why) => failed.push(why),
                    }
                }
                failed
            });
        }
        Self { stop, sent, workers }
    }

    async fn sent_more(&self, bed: &Bed, n: u32) {
        let goal = self.sent.load(SeqCst) + n;
        bed.until("requests go on", async |_| self.sent.load(SeqCst) >= goal).await;
    }

    async fn end(mut self) -> (u32, Vec<String>) {
        self.stop.store(true, SeqCst);
        let mut failed = Vec::new();
        while let Some(worker) = self.workers.join_next().await {
            failed.extend(worker.unwrap());
        }
        (self.sent.load(SeqCst), failed)
    }
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_a_restart_and_a_drain_lose_no_request() {
    let bed = Bed::new().await;
    let slow = [("DELAY_MS", "5")];
    let stable = bed.stable(&bed.spec("1.5.0", &slow)).await;
    let load = Load::begin(port(&bed.status().await.address));
    let hand = bed.acquire("shift").await;
    let new = hand.running(&bed.spec("1.6.0", &slow)).await;
    for percent in [5, 50, 100] {
        hand.weight(&new, percent, 60_000).await;
        load.sent_more(&bed, 200).await;
    }
    hand.accepted(Desired::Restarts { revision: new.clone(), slot: 0, restarts: 1 }).await;
    bed.observed("restarted", |seen| seen.value.revisions[&new].instances[0].restarts == 1).await;
    hand.accepted(Desired::Stable { revision: new.clone() }).await;
    hand.accepted(Desired::Stopped { revision: stable.clone(), retain_ms: 60_000 }).await;
    bed.observed("the old one is gone", |seen| Bed::pids(seen, &stable).is_empty()).await;
    load.sent_more(&bed, 200).await;
    let (sent, failed) = load.end().await;
    assert!(failed.is_empty(), "{} of {sent}: {:?}; {}", failed.len(), failed.first(), bed.log());
    let metrics = bed.target.metrics().await.unwrap();
    for id in [&stable, &new] {
        assert!(metrics.contains(&format!("nova_failures_total{{revision=\"{id}\"}} 0")), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_under_load_refuses_and_loses_no_request() {
    let mut bed = Bed::new().await;
    let stable = bed.stable(&bed.spec("1.5.0", &[("DELAY_MS", "5")])).await;
    let before = bed.status().await;
    let load = Load::begin(port(&before.address));
    load.sent_more(&bed, 200).await;
    let pids = Bed::pids(&bed.target.observe().await.unwrap(), &stable);
    let upgraded = bed.target.upgrade(program().to_string_lossy().into_owned()).await.unwrap();
    assert_eq!(upgraded.from_pid, before.pid);
    bed.ended().await;
    load.sent_more(&bed, 200).await;
    let (sent, failed) = load.end().await;
    assert!(failed.is_empty(), "{} of {sent}: {:?}; {}", failed.len(), failed.first(), bed.log());
    let after = bed.status().await;
    assert_eq!((after.pid, &after.address), (upgraded.pid, &before.address));
    assert_eq!(Bed::pids(&after.observation, &stable), pids, "the instances are the same processes");
    bed.acquire("after").await.release().await;
}

#[tokio::test]
async fn an_upgrade_to_something_else_leaves_the_old_process_at_work() {
    let bed = Bed::new().await;
    let before = bed.status().await;
    for program in ["/bin/true", "/nonexistent"] {
        let error = bed.target.upgrade(program.into()).await.unwrap_err();
        assert!(error.to_string().contains(program) || error.to_string().contains("goes on"), "{error}");
        assert_eq!(bed.status().await.pid, before.pid);
    }
    bed.acquire("after").await.release().await;
}
