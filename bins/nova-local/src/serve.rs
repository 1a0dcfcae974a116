//! The target at work: opens everything in order, drives the rules, and ends or hands over when told.

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use adapter_local::SlotStore;
use adapter_proxy::{Limits, Splitter};
use machine::{Machine, Timestamp, sha256_hex};
use runner::{Arrived, BootClock, Clock, Dispatch, boot_now_ms, drive};
use supervise::{Event, Supervisor};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::artifacts;
use crate::boot::{Saved, boot_id, found, wall_ms};
use crate::cli;
use crate::desk::{Command, NovaDesk};
use crate::failing::Failing;
use crate::folder::{Folder, Lock};
use crate::front::{Closing, Front};
use crate::handover::{Predecessor, Successor};
use crate::instance::Surroundings;
use crate::journal::StateLog;
use crate::notify;
use crate::problem::Problem;
use crate::published::Published;
use crate::shell::{Shell, Waiting};

const EVENTS_MAX: usize = 1024;
const COMMANDS_MAX: usize = 4;

/// From a step that could not be recorded to the next try.
const RECORD_PAUSE: Duration = Duration::from_millis(200);

/// At a stop silent clients are let go soon; at a hand-over nobody is hurried.
const STOPPING: Closing = Closing { linger: Duration::from_millis(200), max: Duration::from_secs(30) };
const LEAVING: Closing = Closing { linger: Duration::from_secs(5), max: Duration::from_mins(1) };

/// Serves until stopped or superseded.
pub(crate) fn serve(options: &cli::Serve) -> Result<(), Problem> {
    if options.detached {
        // Only a leader of a group cannot begin a session, and then there is nothing to leave.
        let _ = nix::unistd::setsid();
    }
    let folder = Folder::prepare(&options.state)?;
    let taken = if options.takeover { Some(Predecessor::greet()?) } else { None };
    let lock = folder.lock()?;
    let (predecessor, listener) = match taken {
        Some((predecessor, listener)) => (Some(predecessor), listener),
        None => (None, listen(SocketAddr::new(options.host, options.port))?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Problem::unexpected)?.block_on(async {
        let mut target = Target::open(folder, lock, listener)?;
        target.begin()?;
        let control = target.answer()?;
        if let Some(predecessor) = predecessor {
            predecessor.serving()?;
        }
        notify::ready();
        eprintln!("nova-local {} serves on {}", env!("CARGO_PKG_VERSION"), target.front.address());
        target.work(control).await
    })
}

fn listen(address: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Problem::usage(format!(
            "port {} on {} is in use; choose another with --port",
            address.port(),
            address.ip()
        )),
        _ => Problem::usage(format!("{address}: {error}")),
    })
}

/// Everything that the loop works with.
struct Target {
    folder: Folder,
    lock: Option<Lock>,
    front: Front,
    machine: Supervisor,
    log: StateLog,
    shell: Shell,
    clock: BootClock,
    events: mpsc::Receiver<Arrived<Event>>,
    commands: mpsc::Receiver<Command>,
    desk: Arc<NovaDesk>,
    fresh: bool,
}

/// Why the loop was left.
enum Left {
    Told(Command),
    NotRecorded(String),
}

impl Target {
    fn open(folder: Folder, lock: Lock, listener: TcpListener) -> Result<Self, Problem> {
        let boot = boot_id();
        let (store, bytes) =
            SlotStore::open(&folder.state()).map_err(|error| Problem::usage(error.to_string()))?;
        let saved = bytes.map(|bytes| Saved::parse(&bytes)).transpose()?;
        let (boot_ms, wall) = (boot_now_ms(), wall_ms());
        let base = saved.as_ref().map_or(Timestamp::ZERO, |saved| saved.time_now(&boot, boot_ms, wall));
        let fresh = saved.as_ref().is_none_or(|saved| saved.fresh(&boot));
        let drawn = || {
            format!(
                "t-{}",
                &sha256_hex(format!("{boot}{boot_ms}{wall}{}", std::process::id()).as_bytes())[..16]
            )
        };
        let machine = saved.map_or_else(|| Supervisor::new(drawn()), |saved| saved.machine);
        artifacts::keep_only(&folder.artifacts(), &machine.artifacts());

        let (splitter, waiting) = (Splitter::new(Limits::default()), Waiting::default());
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let (commander, commands) = mpsc::channel(COMMANDS_MAX);
        let first = machine.observation(base, machine.routed_generation(), 0);
        let failing = Failing::default();
        let published = Arc::new(Published::new(first, failing.clone()));
        let (uid, events_in) = (machine.uid().to_owned(), sender.clone());
        let around = Surroundings {
            folder: folder.clone(),
            splitter: splitter.clone(),
            events: events_in,
            uid,
            failing,
        };
        let shell = Shell::new(around, Arc::clone(&published), Arc::clone(&waiting));
        let address = listener.local_addr().map_err(Problem::unexpected)?;
        let desk = NovaDesk {
            events: sender,
            commands: commander,
            waiting,
            published,
            splitter: splitter.clone(),
            address,
            asked: AtomicU64::new(0),
        };
        Ok(Self {
            front: Front::open(listener, splitter)?,
            folder,
            lock: Some(lock),
            machine,
            log: StateLog::new(store, boot),
            shell,
            clock: BootClock::starting_at(base),
            events,
            commands,
            desk: Arc::new(desk),
            fresh,
        })
    }

    /// The first step: what still runs is adopted, the rest is started. Traffic flows when this returns.
    fn begin(&mut self) -> Result<(), Problem> {
        let found = if self.fresh { Vec::new() } else { found(&self.machine) };
        let event = Event::Resumed { fresh: self.fresh, found };
        let now = self.clock.now();
        let stepped = machine::step(&mut self.machine, now, Some(event.clone()));
        let recorded =
            runner::Recorded { now, event: Some(&event), stepped: &stepped, machine: &self.machine };
        self.shell.stepped(&recorded);
        for effect in stepped.effects.clone() {
            self.shell.dispatch(effect);
        }
        self.log.save(&self.machine, now, false, true)?;
        Ok(())
    }

    /// Opens the control socket. One that was left over is replaced: we hold the folder.
    fn answer(&self) -> Result<JoinHandle<()>, Problem> {
        let path = self.folder.control();
        let failed = |error: std::io::Error| Problem::usage(format!("{}: {error}", path.display()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = tokio::net::UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(tokio::spawn(adapter_local::serve(listener, Arc::clone(&self.desk), std::future::pending())))
    }

    /// Drives until the end.
    async fn work(mut self, mut control: JoinHandle<()>) -> Result<(), Problem> {
        loop {
            match self.until_told().await? {
                Left::NotRecorded(why) => {
                    eprintln!("a step was not recorded: {why}");
                    tokio::time::sleep(RECORD_PAUSE).await;
                    for effect in self.machine.pending() {
                        self.shell.dispatch(effect);
                    }
                }
                Left::Told(Command::Stop { keep_instances }) => {
                    control.abort();
                    return self.stop(keep_instances).await;
                }
                Left::Told(Command::Upgrade { program, answer }) => {
                    let handed = self.hand_over(program, &control).await;
                    let succeeded = handed.is_ok();
                    // Whoever asked may have gone; the hand-over stands.
                    let _ = answer.send(handed);
                    if succeeded {
                        self.shell.let_go();
                        self.front.close(LEAVING).await;
                        return Ok(());
                    }
                    if self.lock.is_none() {
                        self.lock = Some(self.folder.lock()?);
                        control = self.answer()?;
                    }
                }
            }
        }
    }

    async fn until_told(&mut self) -> Result<Left, Problem> {
        let mut ends = Vec::new();
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            ends.push(signal(kind).map_err(Problem::unexpected)?);
        }
        let [terminated, interrupted, hung_up] = ends.as_mut_slice() else {
            return Err(Problem::unexpected("three signals"));
        };
        let stop = Command::Stop { keep_instances: false };
        let driven = drive(&mut self.machine, &mut self.log, &mut self.shell, &self.clock, &mut self.events);
        tokio::select! {
            command = self.commands.recv() => Ok(Left::Told(command.unwrap_or(stop))),
            _ = terminated.recv() => Ok(Left::Told(stop)),
            _ = interrupted.recv() => Ok(Left::Told(stop)),
            _ = hung_up.recv() => Ok(Left::Told(stop)),
            driven = driven => Ok(Left::NotRecorded(driven.err().map_or_else(String::new, |error| error.to_string()))),
        }
    }

    /// Requests end first, then the instances.
    async fn stop(mut self, keep_instances: bool) -> Result<(), Problem> {
        notify::notify("STOPPING=1");
        self.front.close(STOPPING).await;
        if keep_instances {
            self.shell.let_go();
        } else {
            // Nobody steps any more: exits are heard by the tasks alone.
            self.events.close();
            self.shell.end_all().await;
        }
        self.log.save(&self.machine, self.clock.now(), !keep_instances, true)?;
        // The next start replaces a socket that is left over.
        let _ = fs::remove_file(self.folder.control());
        Ok(())
    }

    /// From the word to go on until it serves, the new process alone decides; here only requests are passed on.
    async fn hand_over(&mut self, program: String, control: &JoinHandle<()>) -> Result<u32, String> {
        let address = self.front.address();
        let listener = self.front.listener().try_clone().map_err(|error| error.to_string())?;
        let root = self.folder.root().to_owned();
        let started = move || Successor::start(&program, &root, &listener, address);
        let successor = tokio::task::spawn_blocking(started).await.map_err(|error| error.to_string())??;
        self.log.save(&self.machine, self.clock.now(), false, true).map_err(|error| error.to_string())?;
        control.abort();
        self.lock = None;
        tokio::task::spawn_blocking(move || successor.go()).await.map_err(|error| error.to_string())?
    }
}
