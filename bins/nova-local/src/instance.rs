//! One process of a revision, from its start or adoption to its end: started, checked, stopped, its exit reported.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use adapter_process::instances::{self, Child, Identity, Program};
use adapter_proxy::Splitter;
use nix::libc;
use runner::Arrived;
use supervise::{Event, InstanceId, ProbeKind, Process, RevisionSpec};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::boot::MARK;
use crate::failing::Failing;
use crate::folder::Folder;
use crate::probe::Patient;

/// A program that was copied a moment ago may still be open for writing in a child that is about to run another.
const BUSY_TRIES: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// After SIGKILL a process is gone at once, unless the kernel holds it.
const KILLED_MAX: Duration = Duration::from_secs(5);

/// What the task of an instance needs of the target.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) folder: Folder,
    pub(crate) splitter: Splitter,
    pub(crate) events: mpsc::Sender<Arrived<Event>>,
    pub(crate) uid: String,
    pub(crate) failing: Failing,
}

impl Surroundings {
    pub(crate) async fn tell(&self, event: Event) {
        // With nobody left to hear it the target ends, and the next one looks for itself.
        let _ = self.events.send(event.into()).await;
    }
}

/// How to end an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) drain_max: Duration,
}

/// Starts a process and stays with it until it has ended.
pub(crate) async fn run(
    around: Surroundings,
    id: InstanceId,
    spec: RevisionSpec,
    path: String,
    port: u16,
    stop: oneshot::Receiver<Stop>,
) {
    match started(&around, &id, &spec, &path, port).await {
        Ok((identity, mut child)) => {
            let process = Process { pid: identity.pid, start_time: identity.start_time, port };
            eprintln!("{} slot {}: started as pid {} on port {port}", id.revision, id.slot, identity.pid);
            around.tell(Event::Spawned { instance: id.clone(), process }).await;
            attend(&around, id, process, &spec, child.ended(), stop).await;
        }
        Err(error) => {
            let why = format!("{path}: {error}");
            eprintln!("{} slot {}: not started: {why}", id.revision, id.slot);
            around.tell(Event::SpawnFailed { instance: id, why }).await;
        }
    }
}

/// Stays with a process that runs already.
pub(crate) async fn adopt(
    around: Surroundings,
    id: InstanceId,
    spec: RevisionSpec,
    process: Process,
    stop: oneshot::Receiver<Stop>,
) {
    let identity = Identity { pid: process.pid, start_time: process.start_time };
    eprintln!("{} slot {}: adopted pid {} on port {}", id.revision, id.slot, process.pid, process.port);
    let ended = async {
        instances::gone(identity).await;
        None
    };
    attend(&around, id, process, &spec, ended, stop).await;
}

/// What the revision asks for and what the target says, without the mark.
pub(crate) fn environment(id: &InstanceId, spec: &RevisionSpec, port: u16) -> BTreeMap<String, String> {
    let mut env = spec.env.clone();
    env.insert("PORT".into(), port.to_string());
    env.insert("NOVA_REVISION".into(), id.revision.to_string());
    env.insert("NOVA_VERSION".into(), spec.version.clone());
    env.insert("NOVA_SLOT".into(), id.slot.to_string());
    env
}

async fn started(
    around: &Surroundings,
    id: &InstanceId,
    spec: &RevisionSpec,
    path: &str,
    port: u16,
) -> std::io::Result<(Identity, Child)> {
    let mut env = environment(id, spec, port);
    env.insert(MARK.into(), format!("{}:{}", around.uid, id.incarnation));
    let (work, log) = (around.folder.work(), around.folder.instance_log(id.revision.as_str(), id.slot));
    let program = Program { path: Path::new(path), args: &spec.args, env: &env, folder: &work, log: &log };
    for _ in 0..BUSY_TRIES {
        match instances::start(program) {
            Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) => sleep(BUSY_PAUSE).await,
            done => return done,
        }
    }
    instances::start(program)
}

async fn attend(
    around: &Surroundings,
    id: InstanceId,
    process: Process,
    spec: &RevisionSpec,
    ended: impl Future<Output = Option<i32>>,
    stop: oneshot::Receiver<Stop>,
) {
    let mut ended = pin!(ended);
    let asked = {
        let followed = around.failing.follow(&id, process);
        let patient = Patient { around, id: &id, process, spec, followed: &followed };
        tokio::select! {
            code = &mut ended => Err(code),
            stop = stop => Ok(stop),
            () = patient.checks(ProbeKind::Ready) => return,
            () = patient.checks(ProbeKind::Live) => return,
        }
    };
    let code = match asked {
        Err(code) => code,
        // Whoever could have asked has gone without asking: the process is left alone.
        Ok(Err(_)) => return,
        Ok(Ok(stop)) => {
            around.splitter.rested(id.incarnation, stop.drain_max).await;
            end(process, stop.drain_max, &mut ended).await
        }
    };
    eprintln!("{} slot {}: pid {} ended, code {code:?}", id.revision, id.slot, process.pid);
    around.tell(Event::Exited { instance: id, code }).await;
}

/// SIGTERM, and SIGKILL after the maximum.
async fn end(
    process: Process,
    drain_max: Duration,
    ended: &mut (impl Future<Output = Option<i32>> + Unpin),
) -> Option<i32> {
    let identity = Identity { pid: process.pid, start_time: process.start_time };
    if let Err(error) = instances::terminate(identity) {
        eprintln!("pid {}: not terminated: {error}", process.pid);
    }
    if let Ok(code) = timeout(drain_max, &mut *ended).await {
        return code;
    }
    eprintln!("pid {}: did not drain within {drain_max:?}, is killed", process.pid);
    if let Err(error) = instances::kill_group(identity) {
        eprintln!("pid {}: not killed: {error}", process.pid);
    }
    timeout(KILLED_MAX, ended).await.ok().flatten()
}

/// Ends a process that nobody stays with.
pub(crate) async fn end_stranger(
    around: &Surroundings,
    id: InstanceId,
    process: Process,
    drain_max: Duration,
) {
    let identity = Identity { pid: process.pid, start_time: process.start_time };
    eprintln!("pid {} belongs to no wanted instance and is ended", process.pid);
    let mut ended = Box::pin(async {
        instances::gone(identity).await;
        None
    });
    around.splitter.rested(id.incarnation, drain_max).await;
    let code = end(process, drain_max, &mut ended).await;
    around.tell(Event::Exited { instance: id, code }).await;
}
